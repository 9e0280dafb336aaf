import Engine
import FoundationEssentials
import Model
import Support
import Synchronization
import Testing

@Suite struct LeaseLockTests {
  let store = InMemoryStore()
  let clock = ManualClock()

  private func lock(
    _ user: String, isGone: @escaping @Sendable (LockRecord) -> Bool = { _ in false },
    events: @escaping EventHandler = { _ in }
  ) -> LeaseLock {
    let record = LockRecord(
      user: user, host: "laptop", pid: 7, command: "mrhealth up", since: Date(timeIntervalSince1970: 1_700_000_000),
      token: "token-\(user)", lease: 30, interval: 8)
    return LeaseLock(store: store, record: record, clock: clock, isGone: isGone, events: events)
  }

  private func holder() async throws -> LockRecord? {
    try await store.readLock().flatMap { LockRecord.decode($0.bytes) }
  }

  /// A lock whose holder has died: written once and never again.
  private func leaveDeadLock(_ user: String = "ghost") async throws {
    let record = LockRecord(
      user: user, host: "gone", pid: 1, command: "mrhealth up", token: "token-\(user)", lease: 30, interval: 8)
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    _ = try await store.writeLock(Array(try encoder.encode(record)), replacing: try await store.readLock()?.version)
  }

  @Test func itIsTakenAndGivenBack() async throws {
    let lock = lock("ana")
    #expect(!lock.isHeld)
    try await lock.acquire()
    #expect(lock.isHeld)
    #expect(try await holder()?.user == "ana")
    try await lock.release()
    #expect(!lock.isHeld)
    #expect(try await store.readLock() == nil)
    try await lock.release()
  }

  @Test func oneTryFailsAtOnceAndNamesTheHolder() async throws {
    let first = lock("ana")
    try await first.acquire()
    await #expect { try await lock("ben").acquire(timeout: .zero) } throws: { error in
      (error as? LockHeld)?.diagnostic.detail
        == "Held by ana@laptop (pid 7), mrhealth up, since 2023-11-14T22:13:20Z, for memory://state.json."
    }
    try await first.release()
  }

  @Test func itIsRenewedWhileItsHolderLives() async throws {
    let lock = lock("ana")
    try await lock.acquire()
    for beat in 1...10 {
      await clock.untilSleeping(1)
      clock.advance(by: .seconds(8))
      await clock.untilSleeping(1)
      #expect(try await holder()?.beat == beat)
      #expect(lock.isHeld)
    }
    try await lock.release()
  }

  @Test func aLiveHolderIsFoundOutByItsBeat() async throws {
    let events = Mutex(0)
    let first = lock("ana")
    try await first.acquire()
    let second = lock("ben", events: { _ in events.withLock { $0 += 1 } })
    await clock.untilSleeping(1)
    clock.advance(by: .milliseconds(500))
    let waiting = Task { try await second.acquire() }
    // One sleeps between beats, the other between looks: looks at 0.5, 1.5 ... 7.5, a beat at 8, a look at 8.5.
    for _ in 0..<16 {
      await clock.untilSleeping(2)
      clock.advance(by: .milliseconds(500))
    }
    await #expect(throws: LockHeld.self) { try await waiting.value }
    #expect(events.withLock { $0 } == 1)
    #expect(first.isHeld)
    try await first.release()
  }

  @Test func aDeadHoldersLockIsTakenOverAfterTheWholeLease() async throws {
    try await leaveDeadLock()
    let lock = lock("ben")
    let waiting = Task { try await lock.acquire() }
    for second in 0..<30 {
      await clock.untilSleeping(1)
      #expect(try await holder()?.user == "ghost", "at \(second) s")
      clock.advance(by: .seconds(1))
    }
    try await waiting.value
    #expect(lock.isHeld)
    #expect(try await holder()?.user == "ben")
    try await lock.release()
  }

  @Test func aHolderWhoseProcessIsGoneIsNotWaitedFor() async throws {
    try await leaveDeadLock()
    let lock = self.lock("ben", isGone: { $0.user == "ghost" })
    let waiting = Task { try await lock.acquire() }
    for second in 0..<2 {
      await clock.untilSleeping(1)
      #expect(try await holder()?.user == "ghost", "at \(second) s: what it sent may still arrive")
      clock.advance(by: .seconds(1))
    }
    try await waiting.value
    #expect(try await holder()?.user == "ben")
    try await lock.release()
  }

  @Test func whatAGoneProcessHadSentIsWaitedForAgain() async throws {
    try await leaveDeadLock()
    let lock = self.lock("ben", isGone: { $0.user == "ghost" })
    let waiting = Task { try await lock.acquire() }
    await clock.untilSleeping(1)
    // Its last beat arrives only now.
    try await leaveDeadLock()
    for _ in 0..<3 {
      await clock.untilSleeping(1)
      #expect(try await holder()?.user == "ghost")
      clock.advance(by: .seconds(1))
    }
    try await waiting.value
    #expect(lock.isHeld)
    try await lock.release()
  }

  @Test func aTimeoutEndsTheWaitForADeadHolderToo() async throws {
    try await leaveDeadLock()
    let lock = lock("ben")
    let waiting = Task { try await lock.acquire(timeout: .seconds(5)) }
    for _ in 0..<5 {
      await clock.untilSleeping(1)
      clock.advance(by: .seconds(1))
    }
    await #expect(throws: LockHeld.self) { try await waiting.value }
  }

  @Test func aReleasedLockIsTakenWithinTheTimeout() async throws {
    try await leaveDeadLock()
    let lock = lock("ben")
    let waiting = Task { try await lock.acquire(timeout: .seconds(20)) }
    await clock.untilSleeping(1)
    try await store.deleteLock(try #require(try await store.readLock()).version)
    clock.advance(by: .seconds(1))
    try await waiting.value
    try await lock.release()
  }

  @Test func ofTwoWhoTakeOverOneSucceeds() async throws {
    try await leaveDeadLock()
    let locks = [lock("ben"), lock("cleo")]
    let waiting = locks.map { lock in
      Task {
        do {
          try await lock.acquire(timeout: .seconds(35))
          return true
        } catch {
          return false
        }
      }
    }
    for _ in 0..<30 {
      await clock.untilSleeping(2)
      clock.advance(by: .seconds(1))
    }
    // From here on one beats; the other goes on looking until its time is over, at 35 s.
    for _ in 0..<5 {
      await clock.untilSleeping(2)
      clock.advance(by: .seconds(1))
    }
    var won: [Bool] = []
    for task in waiting { won.append(await task.value) }
    #expect(won.filter { $0 }.count == 1)
    #expect(locks.map(\.isHeld) == won)
    for lock in locks { try await lock.release() }
    #expect(try await store.readLock() == nil)
  }

  @Test func aLostAnswerWhenTakingIsRecognised() async throws {
    store.loseAnswers(1)
    let lock = lock("ana")
    try await lock.acquire(timeout: .zero)
    #expect(lock.isHeld)
    try await lock.release()
    #expect(try await store.readLock() == nil)
  }

  @Test func aLostAnswerToABeatIsRecognised() async throws {
    let lock = lock("ana")
    try await lock.acquire()
    for _ in 0..<3 {
      await clock.untilSleeping(1)
      store.loseAnswers(1)
      clock.advance(by: .seconds(8))
    }
    await clock.untilSleeping(1)
    #expect(lock.isHeld)
    #expect(try await holder()?.beat == 3)
    try await lock.release()
    #expect(try await store.readLock() == nil)
  }

  @Test func beatsThatFailEndTheHoldingBeforeAnyoneMayTakeOver() async throws {
    let lock = lock("ana")
    try await lock.acquire()
    store.refuse(Array(repeating: Diagnostic("unreachable"), count: 4))
    for _ in 0..<3 {
      await clock.untilSleeping(1)
      clock.advance(by: .seconds(8))
    }
    await clock.untilSleeping(1)
    #expect(lock.isHeld)
    clock.advance(by: .seconds(6))
    #expect(!lock.isHeld)
    // Once the network is back and nobody has taken over, it is still ours.
    await #expect(throws: Diagnostic.self) { try await lock.confirm() }
    try await lock.confirm()
    #expect(lock.isHeld)
    try await lock.release()
  }

  @Test func aHolderThatWasFrozenAndRobbedNoticesAndLeavesTheThiefAlone() async throws {
    let lock = lock("ana")
    try await lock.acquire()
    await clock.untilSleeping(1)
    try await leaveDeadLock("ben")
    await #expect(throws: LockLost.self) {
      clock.advance(by: .seconds(100))
      try await lock.confirm()
    }
    #expect(lock.lost?.holder?.user == "ben")
    #expect(!lock.isHeld)
    try await lock.release()
    #expect(try await holder()?.user == "ben")
  }

  @Test func aLockRemovedByHandIsLost() async throws {
    let lock = lock("ana")
    try await lock.acquire()
    try await store.deleteLock(try #require(try await store.readLock()).version)
    clock.advance(by: .seconds(31))
    await #expect(throws: LockLost.self) { try await lock.confirm() }
    try await lock.release()
  }

  @Test func whatIsNoLockRecordIsALockOfSomeoneUnknown() async throws {
    _ = try await store.writeLock(Array("?".utf8), replacing: nil)
    await #expect { try await lock("ana").acquire(timeout: .zero) } throws: { error in
      (error as? LockHeld)?.diagnostic.detail == "Held by someone unknown, for memory://state.json."
    }
  }

  @Test func anUnreachableStoreIsSaid() async throws {
    store.refuse([Diagnostic("unreachable")])
    await #expect(throws: Diagnostic.self) { try await lock("ana").acquire() }
  }
}
