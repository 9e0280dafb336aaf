internal import ArgumentParser
internal import AWS
internal import Cloud
internal import Engine
internal import Model

/// `mrhealth destroy`: takes everything down but what is to be kept (invariant 7).
struct Destroy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Delete everything of the stack; the lake bucket stays unless --purge.")

  @OptionGroup var options: GlobalOptions

  @Flag(name: .shortAndLong, help: "Do not ask.")
  var yes = false

  @Flag(name: .long, help: "Delete what is to be kept too: the lake with all its data, and the state.")
  var purge = false

  @Option(name: .long, help: ArgumentHelp("With --purge --yes: the lake bucket's name.", valueName: "bucket"))
  var confirm: String?

  @Option(
    name: .customLong("lock-timeout"), help: ArgumentHelp("Wait so long for another's lock.", valueName: "seconds"))
  var lockTimeout: Int?

  func validate() throws {
    guard confirm == nil || purge else { throw ValidationError("--confirm goes with --purge") }
  }

  func run() async throws {
    let context = CommandContext(options)
    let terminal = context.terminal
    let session = try await StackSession.open(context)
    let interruption = Interruption()
    let interrupts = Interrupts.handling(interruption, terminal)
    defer { withExtendedLifetime(interrupts) {} }

    let planning = PlanOptions(mode: .destroy, purge: purge)
    let state = try await session.state()
    var plan = try await session.plan(planning, state: state)
    DiagnosticView(terminal).show(plan.diagnostics)
    guard plan.errors.isEmpty else { throw Exit(status: .error) }
    // The bucket of the state goes last, after the state has recorded that all else is gone.
    var bucket = plan.changes.first { $0.address == session.stack.state && $0.action == .delete }
    if purge, state == nil { bucket = try await session.emptiedStateBucket() }
    plan.changes.removeAll { $0.address == session.stack.state && $0.action == .delete }
    guard plan.hasChanges || bucket != nil else { return finish(context, plan, nil) }
    guard try approve(plan, bucket, session) else { throw Exit(status: .error) }

    var outcome: Changes.Outcome?
    if plan.hasChanges {
      let changes = Changes(
        session: session, command: "mrhealth destroy", lockTimeout: lockTimeout.map { .seconds($0) },
        interruption: interruption)
      outcome = try await changes.apply(plan, options: planning, consented: Set(plan.needingConsent)) { again in
        again.change(session.stack.state)?.action != .delete
      }
      guard let outcome else {
        throw Diagnostic("The stack was changed while this command ran", remedy: "Run it again.")
      }
      if !outcome.result.isComplete {
        finish(context, plan, outcome)
        return try OutcomeReport(context, command: purge ? "destroy --purge" : "destroy").check(outcome)
      }
    }
    if let bucket { try await delete(bucket, session) }
    finish(context, plan, outcome)
    try await verify(session, purged: bucket != nil)
  }

  private func approve(_ plan: Plan, _ bucket: ResourceChange?, _ session: StackSession) throws -> Bool {
    let terminal = session.context.terminal
    if plan.hasChanges { terminal.note(PlanView(terminal).lines(plan).joined(separator: "\n")) }
    guard bucket != nil else { return try yes || Consent.ask("Delete all this?", terminal) }
    let name = session.stateBucket
    terminal.note(terminal.styled("The lake bucket \(name) and all its data will be deleted for ever.", .bold, .red))
    if let confirm {
      guard confirm == name else {
        throw Diagnostic("--confirm names another bucket", detail: "the lake bucket is \(name)")
      }
      return try yes || Consent.ask("Delete all this?", terminal)
    }
    guard !yes, let answer = terminal.ask("Type the bucket's name to go on: ") else {
      throw Diagnostic("Deleting the lake needs its name", remedy: "Add --yes --confirm \(name)")
    }
    return answer == name
  }

  private func delete(_ change: ResourceChange, _ session: StackSession) async throws {
    let address = change.address
    guard let id = change.id, let observed = change.observed else { return }
    let terminal = session.context.terminal
    let context = ResourceContext(
      address: address, tags: [:], progress: { terminal.setLive(["  deleting \(address): \($0)"]) })
    try await session.environment().provider(for: address).delete(id, recorded: observed.inputs, context: context)
    terminal.setLive([])
    terminal.note(terminal.styled("✓ \(address) ", .green) + "deleted")
  }

  private func finish(_ context: CommandContext, _ plan: Plan, _ outcome: Changes.Outcome?) {
    if options.json { return context.printJSON(ApplyDocument(plan, outcome?.result)) }
    guard let outcome else { return context.terminal.print(PlanView(context.terminal).summary(plan)) }
    let kept = plan.changes.filter { $0.action == .keep }.compactMap(\.id)
    context.terminal.print("Destroyed \(outcome.result.done.count) resources.")
    if !kept.isEmpty {
      context.terminal.print("Kept: \(kept.joined(separator: ", ")). `mrhealth destroy --purge` deletes it too.")
    }
  }

  /// Looks for what still carries the stack's tag.
  private func verify(_ session: StackSession, purged: Bool) async throws {
    let found: [String: [String: String]]
    do {
      found = try await TaggingClient(session.client).getResources(filters: [.init(Tags.stack, [session.stack.name])])
    } catch {
      session.context.terminal.note(
        "Whether anything is left could not be looked up: \(Diagnostic(explaining: error).summary)")
      return
    }
    let kept = purged ? nil : "arn:\(session.identity.partition):s3:::\(session.stateBucket)"
    let left = found.keys.filter { arn in
      arn != kept
        && session.graph.declarations.values.allSatisfy {
          !$0.keep || $0.address.description != found[arn]?[Tags.address]
        }
    }.sorted()
    guard !left.isEmpty else { return }
    // AWS's tag index lags behind by minutes, and shows ended clusters for a while.
    DiagnosticView(session.context.terminal).show([
      Diagnostic(
        "AWS still lists \(left.count) resources with this stack's tag", detail: left.joined(separator: "\n"),
        remedy: "Its index lags by some minutes. Look again with `mrhealth destroy`.", severity: .warning)
    ])
  }
}
