import Model

/// One walk through the graph of operations.
struct ApplyRun {
  private enum Status {
    case waiting(Int)
    case running
    case done
    /// Failed, or never to be started.
    case dead
  }

  let environment: EngineEnvironment
  let journal: Journal
  let plan: Plan
  let stillHeld: @Sendable () async throws -> Void

  private let graph: ApplyGraph
  private let changes: [Address: ResourceChange]
  private let records: [Address: StateResource]
  private var status: [Operation: Status] = [:]
  private var ready: [Operation] = []
  private var running = 0
  private var attributes: [Address: Attributes] = [:]
  private var intents: IntentBook
  private var startedAt: [Address: Duration] = [:]
  private var result = ApplyResult()

  private typealias Completion = (operation: Operation, outcome: WorkOutcome)
  private typealias Group = TaskGroup<Completion>

  init(
    environment: EngineEnvironment, journal: Journal, plan: Plan, state: State,
    stillHeld: @escaping @Sendable () async throws -> Void
  ) {
    self.environment = environment
    self.journal = journal
    self.plan = plan
    self.stillHeld = stillHeld
    graph = ApplyGraph(plan, state: state)
    changes = Dictionary(plan.changes.map { ($0.address, $0) }, uniquingKeysWith: { first, _ in first })
    records = state.resources
    intents = IntentBook(environment: environment, journal: journal)
  }

  mutating func run() async -> ApplyResult {
    for operation in graph.operations {
      let count = graph.waitsFor[operation]?.count ?? 0
      status[operation] = .waiting(count)
      if count == 0 { ready.append(operation) }
    }
    await withTaskGroup(of: Completion.self) { group in
      while true {
        await startReady(&group)
        guard let completion = await group.next() else { break }
        running -= 1
        await finish(completion.operation, completion.outcome)
      }
    }
    await close()
    return result
  }

  // MARK: Starting

  private mutating func startReady(_ group: inout Group) async {
    while running < environment.width, !ready.isEmpty, await mayStart() {
      let operation = ready.removeFirst()
      guard let change = changes[operation.address] else { continue }
      if await finishWithoutWork(operation, change) { continue }
      status[operation] = .running
      begin(change)
      do {
        let work = try await prepare(operation, change)
        running += 1
        group.addTask { (operation, await work()) }
      } catch {
        await finish(operation, .failed(Diagnostic(wrapping: error).at(change.address)))
      }
    }
  }

  private mutating func mayStart() async -> Bool {
    if environment.interruption.isInterrupted || result.stopped != nil { return false }
    if let failure = await journal.failure {
      result.stopped = failure
      return false
    }
    do {
      try await stillHeld()
      return true
    } catch {
      result.stopped = Diagnostic(wrapping: error)
      return false
    }
  }

  private mutating func begin(_ change: ResourceChange) {
    guard startedAt[change.address] == nil else { return }
    startedAt[change.address] = environment.clock.uptime
    environment.events(.started(change.address, change.action))
  }

  /// What only concerns the state. True when that was all.
  private mutating func finishWithoutWork(_ operation: Operation, _ change: ResourceChange) async -> Bool {
    switch change.action {
    case .forget:
      _ = try? await journal.note([change.address: nil])
      result.done.append(.init(address: change.address, action: .forget, id: change.id))
    case .noChange:
      if let record = refreshed(change) { _ = try? await journal.note([change.address: record]) }
      if let observed = change.observed {
        attributes[change.address] = Attributes(id: change.id, outputs: observed.outputs, inputs: observed.inputs)
      }
    default: return false
    }
    status[operation] = .done
    unlock(after: operation)
    return true
  }

  /// The record of an unchanged resource, with what was observed and what the stack file says of it now.
  private func refreshed(_ change: ResourceChange) -> StateResource? {
    guard var record = records[change.address], let observed = change.observed else { return nil }
    record.outputs = observed.outputs
    record.inputs = observed.inputs
    if let id = change.id { record.id = id }
    if plan.mode == .up {
      record.written = change.desired
      record.dependsOn = change.dependsOn
      record.keep = change.keep
      record.protect = change.protect
    }
    return record
  }

  /// Finds out the inputs and saves the intent, then gives what is to be done.
  private mutating func prepare(
    _ operation: Operation, _ change: ResourceChange
  ) async throws -> @Sendable () async -> WorkOutcome {
    let events = environment.events
    let clock = environment.clock
    let start = startedAt[change.address] ?? clock.uptime
    let work = ResourceWork(environment: environment, journal: journal) { text in
      events(.progress(change.address, change.action, text, elapsed: clock.uptime - start))
    }
    if operation.phase == .destroy {
      let prepared = PreparedChange(change: change, previous: records[change.address], mode: plan.mode)
      return { await work.delete(prepared) }
    }
    switch change.action {
    case .create, .replace:
      let (prepared, intent, durable) = try intents.take(change.address) ?? announce(operation)
      return {
        guard await durable.isSaved() else { return .notStarted }
        return await work.create(prepared, intent: intent)
      }
    default:
      let prepared = try resolve(change)
      return { await work.update(prepared) }
    }
  }

  /// Saves the intents of this and of other creates that could start now, in one write.
  private mutating func announce(_ operation: Operation) throws -> IntentBook.Entry {
    var batch = [try resolve(operation.address)]
    for other in ready.prefix(IntentBook.batch) where other.phase == .make && changes[other.address]?.action == .create
    {
      guard !intents.contains(other.address), let prepared = try? resolve(other.address) else { continue }
      batch.append(prepared)
    }
    intents.announce(batch)
    guard let entry = intents.take(operation.address) else {
      throw Diagnostic("The intent was not kept", address: operation.address)
    }
    return entry
  }

  private func resolve(_ address: Address) throws -> PreparedChange {
    guard let change = changes[address] else { throw Diagnostic("It is not in the plan", address: address) }
    return try resolve(change)
  }

  /// Inputs with all references filled in from what really is, in canonical form.
  private func resolve(_ change: ResourceChange) throws -> PreparedChange {
    let written = try (change.inputs ?? [:]).substituting { reference -> Value? in
      if let address = reference.address {
        guard let found = attributes[address] else {
          throw Diagnostic(
            "\(reference) has no value", detail: "\(address) is not in the plan.", remedy: "Make a new plan.")
        }
        return try found.value(of: reference)
      }
      return try plan.variables[reference.text]?.value ?? environment.variable(reference)
    }
    guard !written.containsUnknown else {
      throw Diagnostic(
        "An input is still unknown", detail: "What it refers to has not been made.", address: change.address)
    }
    let canonical = try environment.provider(for: change.address).normalize(written)
    return PreparedChange(
      change: change, written: written, canonical: canonical, previous: records[change.address], mode: plan.mode)
  }

  // MARK: Finishing

  private mutating func finish(_ operation: Operation, _ outcome: WorkOutcome) async {
    guard let change = changes[operation.address] else { return }
    let elapsed = environment.clock.uptime - (startedAt[change.address] ?? environment.clock.uptime)
    switch outcome {
    case .done(let id, let now):
      status[operation] = .done
      if let now { attributes[change.address] = now }
      let isLast = change.action != .replace || operation.phase == .make
      if isLast {
        result.done.append(.init(address: change.address, action: change.action, id: id))
        environment.events(.finished(change.address, change.action, id: id, elapsed: elapsed))
      }
      unlock(after: operation)
    case .failed(let diagnostic):
      status[operation] = .dead
      result.failed.append(.init(address: change.address, action: change.action, diagnostic: diagnostic))
      environment.events(.failed(change.address, change.action, diagnostic, elapsed: elapsed))
      skip(blockedBy: operation)
    case .interrupted(let id):
      status[operation] = .dead
      result.underway.append(.init(address: change.address, action: change.action, id: id))
    case .notStarted:
      // The journal says why; everything else stops as well.
      status[operation] = .waiting(0)
    }
  }

  private mutating func unlock(after operation: Operation) {
    for next in graph.unlocks[operation] ?? [] {
      guard case .waiting(let count) = status[next] else { continue }
      status[next] = .waiting(count - 1)
    }
    // In the order of the plan, whatever the order of a set.
    let unlocked = (graph.unlocks[operation] ?? []).filter {
      if case .waiting(0) = status[$0] { true } else { false }
    }
    ready += unlocked.sorted { ($0.address, $0.phase == .make ? 1 : 0) < ($1.address, $1.phase == .make ? 1 : 0) }
  }

  private mutating func skip(blockedBy operation: Operation) {
    var skipped: Set<Address> = []
    for blocked in graph.blocked(by: operation) {
      guard case .waiting = status[blocked] else { continue }
      status[blocked] = .dead
      if blocked.address != operation.address { skipped.insert(blocked.address) }
    }
    for address in skipped.subtracting(result.skipped).sorted() {
      guard let change = changes[address], change.action.isChange else { continue }
      result.skipped.append(address)
      environment.events(.skipped(address, change.action, because: operation.address))
    }
  }

  /// Takes back unused intents, waits for the last save, and tells what was left.
  private mutating func close() async {
    await intents.withdraw()
    do {
      try await journal.flush()
    } catch {
      result.stopped = result.stopped ?? Diagnostic(wrapping: error)
    }
    var left: Set<Address> = []
    for case (let operation, .waiting) in status where changes[operation.address]?.action.isChange ?? false {
      left.insert(operation.address)
    }
    result.unstarted = left.subtracting(result.skipped).subtracting(result.failed.map(\.address))
      .subtracting(result.underway.map(\.address)).sorted()
    result.interrupted = environment.interruption.isInterrupted
  }
}
