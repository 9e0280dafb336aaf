internal import AWS
internal import Cloud
internal import Engine
internal import FoundationEssentials
internal import Glibc
internal import Model

/// Carries plans out under the stack's lock; what `up`, `run` and `destroy` have in common.
struct Changes: Sendable {
  let session: StackSession
  let command: String
  var width = 16
  /// nil: as long as it takes to know whether the holder lives.
  var lockTimeout: Duration?
  let interruption: Interruption
  /// The plan and no other: when the state has moved on since, it is refused.
  var isFixed = false

  struct Outcome {
    var plan: Plan
    var result: ApplyResult
    /// What is there now and is paid by the hour, as far as the state knows.
    var billed: [StateResource]
  }

  /// Takes the lock, plans again if the state has moved on since `planned`, and applies.
  /// - Parameters:
  ///   - consented: resources whose data may be lost.
  ///   - again: asked when the plan under the lock is another; false to stop.
  /// - Returns: nil when `again` said no.
  func apply(
    _ planned: Plan, options: PlanOptions, consented: Set<Address> = [], again: (Plan) throws -> Bool = { _ in true }
  ) async throws -> Outcome? {
    if planned.change(session.stack.state)?.action == .create { try await session.ensureStateBucket() }
    let view = ApplyView(session.context.terminal)
    let lock = LeaseLock(
      store: session.store, record: record, isGone: ProcessIdentity.isGone, events: view.show)
    try await lock.acquire(timeout: lockTimeout)
    let ticker = view.startTicking()
    defer {
      ticker.cancel()
      view.end()
    }
    do {
      let outcome = try await applyLocked(planned, options, consented, lock, view, again)
      do {
        try await lock.release()
      } catch {
        // What was done stands, and is told; the lock ends with its lease.
        session.context.terminal.note(
          "The lock could not be given back: \(Diagnostic(wrapping: error).summary). It ends by itself.")
      }
      return outcome
    } catch {
      // What went wrong matters more than a lock that cannot be given back: it is taken over after its lease.
      try? await lock.release()
      throw error
    }
  }

  private func applyLocked(
    _ planned: Plan, _ options: PlanOptions, _ consented: Set<Address>, _ lock: LeaseLock, _ view: ApplyView,
    _ again: (Plan) throws -> Bool
  ) async throws -> Outcome? {
    let journal = try await Journal.open(
      store: session.store, stack: session.stack.name, producer: "mrhealth \(Version.current)",
      stillHeld: { try await lock.confirm() }, fallback: rescue)
    var plan = planned
    let stored = await journal.storedState
    if !isFixed, stored?.serial != planned.serial || stored?.lineage != planned.lineage {
      plan = try await session.plan(options, state: stored, width: width)
      guard try again(plan) else { return nil }
    }
    let environment = session.environment(width: width, interruption: interruption, events: view.show)
    let applier = Applier(environment, journal: journal, consented: consented) { try await lock.confirm() }
    // A state that could not be saved to the end is in the result.
    let result = try await applier.apply(plan)
    let billed = await journal.state.sortedResources.filter {
      $0.id != nil && Catalog.billedByTheHour.contains($0.address.kind)
    }
    return Outcome(plan: plan, result: result, billed: billed)
  }

  var record: LockRecord {
    let variables = session.context.variables
    var host = [CChar](repeating: 0, count: 256)
    gethostname(&host, host.count - 1)
    let name = String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return LockRecord(
      user: variables["USER"] ?? "uid \(getuid())", host: name, pid: Int(getpid()),
      process: ProcessIdentity.current?.text, command: command)
  }

  /// A state that cannot be saved where it belongs goes beside the user.
  private var rescue: @Sendable (State, Diagnostic) -> Void {
    { [name = session.stack.name, terminal = session.context.terminal] state, _ in
      let path = FileManager.default.currentDirectoryPath + "/\(name).state.rescued.json"
      guard let bytes = try? state.encoded(), (try? LocalDocument.write(Data(bytes), to: path)) != nil else { return }
      terminal.note("The state is in \(path). Store it with: mrhealth state push \(path)")
    }
  }
}
