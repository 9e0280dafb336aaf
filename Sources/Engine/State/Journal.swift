package import Model

/// Owns the state while things change: every change goes through it, and it alone saves.
///
/// Saves are coalesced: while one write is under way, all further changes gather for the next. The pause
/// between writes grows a little with their number, so that a small stack is saved at once and a thousand
/// resources do not mean a thousand writes.
package actor Journal {
  package private(set) var state: State
  private var version: StateVersion?
  private let store: any StateStore
  private let clock: any EngineClock
  private let stillHeld: @Sendable () async throws -> Void
  private let fallback: @Sendable (State, Diagnostic) -> Void

  /// Counts changes; `saved` is the count that the store holds.
  private var changed = 0
  private var saved = 0
  private var waiters: [(change: Int, continuation: CheckedContinuation<Void, any Error>)] = []
  private var isWriting = false
  /// Set for good when saving has failed for good.
  package private(set) var failure: Diagnostic?
  package private(set) var writes = 0

  /// - Parameters:
  ///   - version: What the state was loaded as; nil when there is none in the store yet.
  ///   - stillHeld: Asked before each write; throws when the lock is lost. `LeaseLock.confirm`.
  ///   - fallback: Called when saving has failed for good, and again on every change after that, so that what
  ///     only memory knows can be kept in a local file.
  package init(
    state: State, version: StateVersion?, store: any StateStore, clock: any EngineClock = SystemEngineClock(),
    stillHeld: @escaping @Sendable () async throws -> Void = {},
    fallback: @escaping @Sendable (State, Diagnostic) -> Void = { _, _ in }
  ) {
    self.state = state
    self.version = version
    self.store = store
    self.clock = clock
    self.stillHeld = stillHeld
    self.fallback = fallback
  }

  /// Makes a change and returns when it is in the store.
  /// - Throws: `Diagnostic` when it could not be saved; the change stays in memory and goes to `fallback`.
  package func record(_ mutate: @Sendable (inout State) -> Void) async throws {
    let before = state.resources
    mutate(&state)
    guard state.resources != before else { return }
    try didChange()
    try await waitUntilSaved()
  }

  /// Sets or (nil) removes the records of some resources and returns when that is in the store.
  package func record(_ records: [Address: StateResource?]) async throws {
    if try note(records) { try await waitUntilSaved() }
  }

  /// Sets or (nil) removes records with the next write, without waiting for it.
  /// - Returns: False when that changes nothing.
  @discardableResult
  package func note(_ records: [Address: StateResource?]) throws -> Bool {
    var isDifferent = false
    for (address, record) in records where state.resources[address] != record {
      state.resources[address] = record
      isDifferent = true
    }
    if isDifferent { try didChange() }
    return isDifferent
  }

  private func didChange() throws {
    changed += 1
    if let failure {
      fallback(state, failure)
      throw failure
    }
    startWriting()
  }

  /// Returns when everything noted so far is in the store.
  package func flush() async throws {
    if saved < changed { try await waitUntilSaved() }
    if let failure { throw failure }
  }

  private func waitUntilSaved() async throws {
    let change = changed
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      if let failure {
        continuation.resume(throwing: failure)
      } else {
        waiters.append((change, continuation))
        startWriting()
      }
    }
  }

  // MARK: Writing

  private func startWriting() {
    guard !isWriting else { return }
    isWriting = true
    Task { await writeAll() }
  }

  private func writeAll() async {
    while saved < changed, failure == nil {
      // Lets everything that is ready to change the state do so first.
      await pause()
      let change = changed
      do {
        try await write()
        saved = change
        resumeWaiters()
      } catch {
        fail(error)
      }
    }
    isWriting = false
  }

  /// A stack of some dozen resources is saved at once; of a large one, more and more changes go together.
  private func pause() async {
    let pause = min(500, max(0, writes - 30) * 10)
    if pause > 0 { try? await clock.sleep(for: .milliseconds(pause)) } else { await Task.yield() }
  }

  private func write() async throws {
    state.serial += 1
    state.updatedAt = clock.now.wholeSeconds
    let bytes = try state.encoded()
    var delay = Duration.seconds(1)
    for attempt in 1... {
      try await stillHeld()
      do {
        version = try await store.save(bytes, replacing: version)
        writes += 1
        return
      } catch {
        // Our own write may have gone through unheard, and then stands in its own way.
        if let stored = try? await store.load(), stored.version != version {
          guard stored.bytes == bytes else { throw StateConflict() }
          version = stored.version
          writes += 1
          return
        }
        if error is StateConflict || attempt == 3 { throw error }
      }
      try? await clock.sleep(for: delay)
      delay *= 3
    }
  }

  private func resumeWaiters() {
    let ready = waiters.filter { $0.change <= saved }
    waiters.removeAll { $0.change <= saved }
    for waiter in ready { waiter.continuation.resume() }
  }

  private func fail(_ error: any Error) {
    let diagnostic = explain(error)
    failure = diagnostic
    fallback(state, diagnostic)
    let all = waiters
    waiters = []
    for waiter in all { waiter.continuation.resume(throwing: diagnostic) }
  }

  private func explain(_ error: any Error) -> Diagnostic {
    if error is StateConflict {
      return Diagnostic(
        "The state was changed by someone else",
        detail: "\(store.location) is not the version that this command began with, so it was not overwritten.",
        remedy: "Run the command again: it starts from the new state and finds whatever was left unfinished.")
    }
    let cause = Diagnostic(wrapping: error)
    if error is LockLost { return cause }
    return Diagnostic(
      "The state could not be saved", detail: "\(store.location): \(cause.summary). \(cause.detail)",
      remedy: cause.remedy)
  }
}

extension Journal {
  /// Loads the state, or begins a new one.
  /// - Throws: `Diagnostic` when it cannot be read or belongs to another stack.
  package static func open(
    store: any StateStore, stack: String, producer: String, clock: any EngineClock = SystemEngineClock(),
    stillHeld: @escaping @Sendable () async throws -> Void = {},
    fallback: @escaping @Sendable (State, Diagnostic) -> Void = { _, _ in }
  ) async throws -> Journal {
    let loaded = try await store.loadState()
    if let other = loaded?.state.stack, other != stack {
      throw Diagnostic(
        "The state is of another stack",
        detail: "\(store.location) belongs to \"\(other)\", this stack is \"\(stack)\".",
        remedy: "Give the stack the name it had, or work in another bucket.")
    }
    var state = loaded?.state ?? State(stack: stack, updatedAt: clock.now)
    state.producer = producer
    return Journal(
      state: state, version: loaded?.version, store: store, clock: clock, stillHeld: stillHeld, fallback: fallback)
  }

  /// The state as the store has it; nil when nothing was ever saved.
  package var storedState: State? { version == nil ? nil : state }
}
