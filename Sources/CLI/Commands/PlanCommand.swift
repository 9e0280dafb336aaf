internal import ArgumentParser
internal import Engine
internal import Model

/// `mrhealth plan`
struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Show what `up` would do, and what was changed outside.")

  @OptionGroup var options: GlobalOptions

  @Option(name: .long, help: ArgumentHelp("Only this resource and what it needs.", valueName: "address"))
  var target: [String] = []

  @Option(name: .long, help: ArgumentHelp("Save the plan, for `up PLANFILE`.", valueName: "file"))
  var out: String?

  @Flag(name: .customLong("refresh-only"), help: "Only what was changed outside, to be taken over into the state.")
  var refreshOnly = false

  @Flag(name: .customLong("detailed-exitcode"), help: "Exit with 2 when there are changes.")
  var detailedExitCode = false

  func run() async throws {
    let context = CommandContext(options)
    let session = try await StackSession.open(context)
    let options = PlanOptions(
      mode: refreshOnly ? .refreshOnly : .up, targets: try Targets.parse(target, in: session.graph))
    let plan = try await session.plan(options, state: try await session.state())
    DiagnosticView(context.terminal).show(plan.diagnostics)
    if self.options.json {
      context.printJSON(PlanDocument(plan))
    } else {
      context.terminal.print(PlanView(context.terminal).lines(plan).joined(separator: "\n"))
    }
    if !plan.errors.isEmpty { throw Exit(status: .error) }
    if let out {
      try PlanFile(plan, session: session).write(out)
      context.terminal.note("Saved: mrhealth up \(out)")
    }
    if detailedExitCode, plan.hasChanges { throw Exit(status: .changesPending) }
  }
}

enum Targets {
  /// - Throws: `Diagnostic` for what is no resource of the stack.
  static func parse(_ texts: [String], in graph: Graph) throws(Diagnostic) -> [Address] {
    var targets: [Address] = []
    for text in texts {
      guard let address = Address(text), graph.declarations[address] != nil else {
        throw Diagnostic(
          "`\(text)` is not a resource of this stack",
          remedy: Suggestion.remedy(for: text, among: graph.order.map(\.description)))
      }
      targets.append(address)
    }
    return targets
  }
}
