internal import ArgumentParser
internal import Model

/// `mrhealth local`: the embedded AWS.
struct LocalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "local", abstract: "The embedded AWS: everything without an account.",
    subcommands: [Start.self, Stop.self, Status.self, Inbox.self])

  struct Start: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Start it, unless it runs already.")
    @OptionGroup var options: GlobalOptions

    func run() async throws {
      let context = CommandContext(options)
      let server = try context.localServer
      if let endpoint = await server.running() {
        report(endpoint, already: true, context)
      } else {
        report(try await server.start(try context.localFolders()), already: false, context)
      }
    }

    private func report(_ endpoint: LocalServer.Endpoint, already: Bool, _ context: CommandContext) {
      if options.json { return context.printJSON(StatusView(endpoint)) }
      context.terminal.print("Embedded AWS \(already ? "already runs" : "started") at \(endpoint.endpoint)")
    }
  }

  struct Stop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Stop it. What it held is gone.")
    @OptionGroup var options: GlobalOptions

    func run() async throws {
      let context = CommandContext(options)
      let stopped = try await context.localServer.stop()
      if options.json { return context.printJSON(["stopped": stopped]) }
      context.terminal.print(stopped ? "Embedded AWS stopped" : "Embedded AWS was not running")
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Where it runs.")
    @OptionGroup var options: GlobalOptions

    func run() async throws {
      let context = CommandContext(options)
      let server = try context.localServer
      let endpoint = await server.running()
      if options.json { return context.printJSON(StatusView(endpoint)) }
      guard let endpoint else {
        context.terminal.print("Embedded AWS is not running")
        return
      }
      context.terminal.print("Embedded AWS runs at \(endpoint.endpoint)")
      context.terminal.print("  account \(endpoint.account), region \(endpoint.region), process \(endpoint.pid)")
      context.terminal.print("  files   \(server.stateFolder)")
    }
  }

  struct Inbox: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The notifications that would have been sent.")
    @OptionGroup var options: GlobalOptions

    func run() async throws {
      let context = CommandContext(options)
      let messages = try await context.localServer.inbox()
      if options.json { return context.printJSON(messages) }
      if messages.isEmpty { context.terminal.print("No messages") }
      for message in messages {
        let topic = message.topicARN.split(separator: ":").last.map(String.init) ?? message.topicARN
        let readers = (message.subscriptions ?? []).map { "\($0.endpoint) (\($0.status ?? $0.protocol))" }
        context.terminal.print(context.terminal.styled(message.subject ?? "(no subject)", .bold))
        context.terminal.print("  \(message.timestamp)  topic \(topic)  to \(readers.joined(separator: ", "))")
        for line in message.message.split(separator: "\n", omittingEmptySubsequences: false) {
          context.terminal.print("  | \(line)")
        }
      }
    }
  }

  /// `local status --json`
  struct StatusView: Encodable {
    var running: Bool
    var endpoint: String?
    var account: String?
    var region: String?
    var pid: Int32?

    init(_ endpoint: LocalServer.Endpoint?) {
      running = endpoint != nil
      self.endpoint = endpoint?.endpoint
      account = endpoint?.account
      region = endpoint?.region
      pid = endpoint?.pid
    }
  }
}
