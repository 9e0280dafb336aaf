internal import ArgumentParser
internal import Engine
internal import Model

/// `mrhealth up`
struct Up: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Make AWS match the stack.")

  @OptionGroup var options: GlobalOptions

  @Argument(help: ArgumentHelp("A plan that `plan --out` has saved: that and nothing else.", valueName: "planfile"))
  var planFile: String?

  @Flag(name: .shortAndLong, help: "Do not ask.")
  var yes = false

  @Flag(name: .customLong("refresh-only"), help: "Take over into the state what was changed outside; change nothing.")
  var refreshOnly = false

  @Option(name: .long, help: ArgumentHelp("Only this resource and what it needs.", valueName: "address"))
  var target: [String] = []

  @Option(name: .long, help: ArgumentHelp("Consent to the loss of this resource's data.", valueName: "address"))
  var confirm: [String] = []

  @Option(name: .long, help: ArgumentHelp("Changes at once.", valueName: "n"))
  var parallelism = 16

  @Option(
    name: .customLong("lock-timeout"), help: ArgumentHelp("Wait so long for another's lock.", valueName: "seconds"))
  var lockTimeout: Int?

  func validate() throws {
    guard (1...256).contains(parallelism) else { throw ValidationError("--parallelism takes 1 to 256") }
    guard (lockTimeout ?? 0) >= 0 else { throw ValidationError("--lock-timeout takes seconds") }
    guard planFile == nil || (target.isEmpty && !refreshOnly) else {
      throw ValidationError("a saved plan says itself what it is about: leave --target and --refresh-only out")
    }
  }

  func run() async throws {
    let context = CommandContext(options)
    let terminal = context.terminal
    let session = try await StackSession.open(context)
    let interruption = Interruption()
    let interrupts = Interrupts.handling(interruption, terminal)
    defer { withExtendedLifetime(interrupts) {} }

    let planning = PlanOptions(
      mode: refreshOnly ? .refreshOnly : .up, targets: try Targets.parse(target, in: session.graph))
    let plan = try await plan(planning, session)
    DiagnosticView(terminal).show(plan.diagnostics)
    guard plan.errors.isEmpty else { throw Exit(status: .error) }
    guard plan.hasChanges else { return finish(context, plan, nil) }
    guard try approve(plan, context) else { throw Exit(status: .error) }
    if interruption.isInterrupted { throw CancellationError() }
    var changes = Changes(
      session: session, command: "mrhealth up", width: parallelism, lockTimeout: lockTimeout.map { .seconds($0) },
      interruption: interruption)
    changes.isFixed = planFile != nil
    let outcome = try await changes.apply(plan, options: planning, consented: Set(plan.needingConsent)) {
      try approve($0, context)
    }
    guard let outcome else { throw Exit(status: .error) }
    finish(context, outcome.plan, outcome)
    try OutcomeReport(context, command: "up").check(outcome)
  }

  /// The saved plan, if one is named; otherwise a new one.
  private func plan(_ options: PlanOptions, _ session: StackSession) async throws -> Plan {
    guard let planFile else {
      return try await session.plan(options, state: try await session.state(), width: parallelism)
    }
    let file = try PlanFile.read(planFile, session: session)
    let changed = file.changed(in: session.environment())
    guard changed.isEmpty else { throw Diagnostics(changed) }
    return file.plan
  }

  /// Shows the plan and asks; what loses data needs its address typed, or named by `--confirm`.
  private func approve(_ plan: Plan, _ context: CommandContext) throws -> Bool {
    let terminal = context.terminal
    if !plan.hasChanges { return true }
    terminal.note(PlanView(terminal).lines(plan).joined(separator: "\n"))
    let unconfirmed = plan.needingConsent.map(\.description).filter { !confirm.contains($0) }
    guard unconfirmed.isEmpty || (terminal.isTerminal && !yes) else {
      throw Diagnostic(
        "The plan would lose data", detail: "of \(unconfirmed.joined(separator: ", "))",
        remedy: "If that is meant: " + unconfirmed.map { "--confirm \($0)" }.joined(separator: " "))
    }
    for address in unconfirmed {
      guard terminal.ask("The data of \(address) will be lost. Type its address to go on: ") == address else {
        return false
      }
    }
    // Whoever saved a plan has read it.
    return try yes || planFile != nil || Consent.ask("Go on?", terminal)
  }

  private func finish(_ context: CommandContext, _ plan: Plan, _ outcome: Changes.Outcome?) {
    if options.json {
      context.printJSON(ApplyDocument(plan, outcome?.result))
    } else if let result = outcome?.result, plan.mode != .refreshOnly {
      context.terminal.print("Done: \(result.done.count) of \(plan.changes.count(where: \.action.isChange)) changes.")
    } else {
      context.terminal.print(PlanView(context.terminal).summary(plan))
    }
  }
}

enum Consent {
  /// - Throws: `Diagnostic` where there is nobody to ask.
  static func ask(_ question: String, _ terminal: Terminal) throws -> Bool {
    guard let answer = terminal.ask("\(question) [y/N] ") else {
      throw Diagnostic(
        "Nobody to ask", detail: "the input is no terminal", remedy: "Add --yes to go on without asking.")
    }
    return ["y", "yes", "s", "sim"].contains(answer.lowercased())
  }
}

/// `up --json` and `destroy --json`
struct ApplyDocument: Encodable {
  struct Failure: Encodable {
    var address: String
    var summary: String
    var detail: String
    var remedy: String
  }

  var version = 1
  var changes: Int
  var done: [String]
  var failed: [Failure]
  var skipped: [String]
  /// Begun and left to AWS by an interrupt.
  var underway: [String]
  var interrupted: Bool

  init(_ plan: Plan, _ result: ApplyResult?) {
    changes = plan.changes.count(where: \.action.isChange)
    done = (result?.done ?? []).map(\.address.description).sorted()
    failed = (result?.failed ?? []).map { failure in
      Failure(
        address: failure.address.description, summary: failure.diagnostic.summary, detail: failure.diagnostic.detail,
        remedy: failure.diagnostic.remedy)
    }
    skipped = ((result?.skipped ?? []) + (result?.unstarted ?? [])).map(\.description)
    underway = (result?.underway ?? []).map(\.address.description)
    interrupted = result?.interrupted ?? false
  }
}

/// What a command says when not everything was done, and the exit code that goes with it.
struct OutcomeReport {
  let context: CommandContext
  let command: String

  init(_ context: CommandContext, command: String) {
    self.context = context
    self.command = command
  }

  func check(_ outcome: Changes.Outcome) throws {
    let result = outcome.result
    guard !result.isComplete else { return }
    DiagnosticView(context.terminal).show(result.failed.map(\.diagnostic) + [result.stopped].compactMap(\.self))
    var lines = result.underway.map { "Under way in AWS: \($0.address)\($0.id.map { " (\($0))" } ?? "")" }
    let rest = result.skipped + result.unstarted
    if !rest.isEmpty { lines.append("Not begun: \(rest.map(\.description).joined(separator: ", "))") }
    // Whoever walks away now should know it.
    lines += outcome.billed.map { "Costs money until it is destroyed or ends: \($0.address) (\($0.id ?? ""))" }
    lines.append("Go on with: mrhealth \(command)")
    context.terminal.note(lines.joined(separator: "\n"))
    throw Exit(status: result.interrupted ? .interrupted : .partlyApplied)
  }
}
