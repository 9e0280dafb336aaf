internal import ArgumentParser
internal import Cloud
internal import Engine
internal import Model

/// `mrhealth state`
struct StateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "state", abstract: "Look into the state, and mend it.",
    subcommands: [
      List.self, Show.self, Pull.self, Push.self, History.self, Rollback.self, Rebuild.self, Import.self, Remove.self,
      Move.self, Unlock.self,
    ])

  /// - Throws: `Diagnostic` when there is no state.
  private static func load(_ context: CommandContext) async throws -> State {
    let session = try await StackSession.open(context)
    if let state = try await session.state() { return state }
    throw Diagnostic(
      "The stack has no state yet", detail: session.store.location, remedy: "Run `mrhealth up` first.")
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The resources in the state.")
    @OptionGroup var options: GlobalOptions

    func run() async throws {
      let context = CommandContext(options)
      let state = try await StateCommand.load(context)
      let resources = state.sortedResources
      if options.json { return context.printJSON(resources.map(\.address.description)) }
      var table = Table(headers: ["ADDRESS", "ID", "STATUS"])
      table.rows = resources.map { [$0.address.description, $0.id ?? "", $0.status.rawValue] }
      context.terminal.print(table.lines(context.terminal).joined(separator: "\n"))
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "One resource of the state.")
    @OptionGroup var options: GlobalOptions
    @Argument(help: "Its address, e.g. s3.bucket.lake.") var address: String

    func run() async throws {
      let context = CommandContext(options)
      let state = try await StateCommand.load(context)
      guard let key = Address(address), let resource = state.resources[key] else {
        throw Diagnostic(
          "`\(address)` is not in the state",
          remedy: Suggestion.remedy(for: address, among: state.resources.keys.map(\.description)))
      }
      context.printJSON(resource)
    }
  }

  struct Pull: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The whole state file.")
    @OptionGroup var options: GlobalOptions

    func run() async throws {
      let context = CommandContext(options)
      let state = try await StateCommand.load(context)
      context.terminal.print(String(decoding: try state.encoded().dropLast(), as: UTF8.self))
    }
  }
}
