import Model
import Synchronization

/// The lock of a state: a lease that is renewed while its holder lives (invariant 3).
///
/// No clock of another machine is trusted. A lock is taken over when its object has kept one version, seen by
/// us, for the whole lease on our own monotonic clock. The holder in turn counts its lease from the moment it
/// *sent* its last successful beat, so it always gives up before anyone else may take over. A holder of which
/// this machine knows that its process is gone is not waited for so long: only until what it had sent has arrived.
package final class LeaseLock: Sendable {
  private struct Holding {
    var version: StateVersion
    var record: LockRecord
    /// Uptime when the last successful write of the lock was sent.
    var confirmed: Duration
    var lost: LockLost?
    var heartbeat: Task<Void, Never>?
  }

  /// What a process has sent before it was killed has arrived after this long.
  package static let settling = Duration.seconds(2)

  private let store: any StateStore
  private let clock: any EngineClock
  private let record: LockRecord
  private let isGone: @Sendable (LockRecord) -> Bool
  private let events: EventHandler
  private let holding = Mutex<Holding?>(nil)
  /// One write of the lock object at a time: the heartbeat's and `confirm`'s must not race each other.
  private let beats = SerialGate()

  /// - Parameter isGone: True when the holder's process certainly does not run any more. Only the machine that it ran
  ///   on can tell.
  package init(
    store: any StateStore, record: LockRecord, clock: any EngineClock = SystemEngineClock(),
    isGone: @escaping @Sendable (LockRecord) -> Bool = { _ in false }, events: @escaping EventHandler = { _ in }
  ) {
    self.store = store
    self.record = record
    self.clock = clock
    self.isGone = isGone
    self.events = events
  }

  // MARK: Taking

  /// Takes the lock and begins to renew it.
  /// - Parameter timeout: How long to try. Nil: until it is certain whether the holder lives, which is one
  ///   beat of a live one, or the lease of a dead one. Zero: one try.
  /// - Throws: `LockHeld`, or what the store throws.
  package func acquire(timeout: Duration? = nil) async throws {
    let start = clock.uptime
    var watch = Watch()
    var stale: StateVersion?
    while true {
      if let taken = try await attempt(replacing: stale) {
        begin(taken)
        return
      }
      stale = try await waitForTurn(&watch, start: start, timeout: timeout)
    }
  }

  /// Watches someone else's lock until it is gone (nil) or its lease has run out (its version).
  private func waitForTurn(_ watch: inout Watch, start: Duration, timeout: Duration?) async throws -> StateVersion? {
    while let current = try await store.readLock() {
      let holder = LockRecord.decode(current.bytes)
      watch.saw(current.version, holder, at: clock.uptime)
      if watch.isExpired(at: clock.uptime) { return current.version }
      if let holder, isGone(holder) { watch.isGone(settling: Self.settling) }
      let isOver = timeout.map { clock.uptime - start >= $0 } ?? watch.isAlive
      if isOver { throw LockHeld(holder: holder, location: store.location) }
      if watch.isFirstSight, let holder { events(.waitingForLock(holder)) }
      try await clock.sleep(for: .seconds(min(1, record.interval / 4)))
    }
    return nil
  }

  private typealias Taken = (version: StateVersion, sent: Duration)

  /// One conditional write; nil when someone else has the lock.
  private func attempt(replacing stale: StateVersion?) async throws -> Taken? {
    let sent = clock.uptime
    do {
      return (try await store.writeLock(try record.encoded(), replacing: stale), sent)
    } catch {
      // The answer may have been lost, or a retry inside the store met our own write: look.
      let current = try? await store.readLock()
      if let current, LockRecord.decode(current.bytes)?.token == record.token { return (current.version, sent) }
      if error is StateConflict { return nil }
      throw error
    }
  }

  private func begin(_ taken: Taken) {
    let task = Task { [weak self] in
      while !Task.isCancelled {
        guard let clock = self?.clock, let interval = self?.record.interval else { return }
        try? await clock.sleep(for: .seconds(interval))
        guard !Task.isCancelled, let self else { return }
        try? await self.beat()
        if self.lost != nil { return }
      }
    }
    holding.withLock {
      $0 = Holding(version: taken.version, record: record, confirmed: taken.sent, lost: nil, heartbeat: task)
    }
  }

  // MARK: Holding

  /// Set for good once someone else has, or someone removed, the lock.
  package var lost: LockLost? { holding.withLock { $0?.lost } }

  /// True while nobody else may have taken over.
  package var isHeld: Bool {
    let now = clock.uptime
    return holding.withLock { $0.map { $0.lost == nil && now - $0.confirmed < .seconds($0.record.lease) } ?? false }
  }

  /// Returns when the lock is certainly ours, renewing it first if the lease has run out meanwhile, as after
  /// the machine slept.
  /// - Throws: `LockLost`, or what the store throws when it cannot be renewed.
  package func confirm() async throws {
    if isHeld { return }
    try await beat()
  }

  /// Renews the lease once.
  func beat() async throws {
    try await beats.run { try await self.renew() }
  }

  private func renew() async throws {
    guard let current = holding.withLock({ $0 }) else { throw LockLost() }
    if let lost = current.lost { throw lost }
    var record = current.record
    record.beat += 1
    let sent = clock.uptime
    let version: StateVersion
    do {
      version = try await store.writeLock(try record.encoded(), replacing: current.version)
    } catch {
      // Ours all the same if an earlier or this write went through unheard.
      let found = try await look(after: error)
      guard let found else { throw error }
      version = found
    }
    holding.withLock {
      $0?.version = version
      $0?.record = record
      $0?.confirmed = sent
    }
  }

  /// After a failed write: the version, if the lock is ours; nil if that is not known. Marks it lost if not ours.
  private func look(after error: any Error) async throws -> StateVersion? {
    let stored: StoredObject?
    do {
      stored = try await store.readLock()
    } catch let second {
      if error is StateConflict { throw second }
      return nil
    }
    let holder = stored.flatMap { LockRecord.decode($0.bytes) }
    if let stored, holder?.token == record.token {
      let ours = holding.withLock { $0?.version }
      // The same version as before: the write has not happened (yet); the lease is not renewed.
      if stored.version == ours { return nil }
      return stored.version
    }
    let lost = LockLost(holder: holder)
    holding.withLock { $0?.lost = lost }
    throw lost
  }

  // MARK: Giving back

  /// Stops renewing and removes the lock if it is still ours. Not held is success.
  package func release() async throws {
    guard let task = holding.withLock({ $0?.heartbeat }) else { return }
    task.cancel()
    try await beats.run { try await self.remove() }
  }

  private func remove() async throws {
    guard let current = holding.withLock({ $0 }) else { return }
    holding.withLock { $0 = nil }
    if current.lost != nil { return }
    do {
      try await store.deleteLock(current.version)
    } catch {
      // A beat that was cancelled may have gone through: if the lock is ours, that version goes.
      guard let stored = try await store.readLock(), LockRecord.decode(stored.bytes)?.token == record.token else {
        return
      }
      try await store.deleteLock(stored.version)
    }
  }
}

/// What has been seen of someone else's lock, on our clock.
private struct Watch {
  private(set) var version: StateVersion?
  private var since: Duration = .zero
  private var lease: Duration = .zero
  private var sightings = 0
  /// It changed under our eyes: its holder lives.
  private(set) var isAlive = false

  /// True just after the very first look.
  var isFirstSight: Bool { sightings == 1 }

  mutating func saw(_ new: StateVersion, _ holder: LockRecord?, at now: Duration) {
    sightings += 1
    guard new != version else { return }
    isAlive = version != nil
    version = new
    since = now
    // Bounded, so that a damaged record neither locks for ever nor is robbed at once.
    lease = .seconds(min(max(holder?.lease ?? 60, 5), 600))
  }

  /// The holder of the version last seen does not live: nothing but what it had sent is waited for.
  mutating func isGone(settling: Duration) {
    lease = min(lease, settling)
    isAlive = false
  }

  func isExpired(at now: Duration) -> Bool {
    version != nil && now - since >= lease
  }
}
