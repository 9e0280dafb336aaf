import Engine
import Model
import Support
import Synchronization
import Testing

@Suite struct JournalTests {
  let store = InMemoryStore()

  private func record(_ name: String, _ id: String = "id") -> StateResource {
    StateResource(address: thing(name), id: id, status: .created, inputs: [:])
  }

  private func open(
    stillHeld: @escaping @Sendable () async throws -> Void = {},
    fallback: @escaping @Sendable (State, Diagnostic) -> Void = { _, _ in }
  ) async throws -> Journal {
    try await Journal.open(
      store: store, stack: "shop", producer: "test 1", clock: InstantClock(), stillHeld: stillHeld, fallback: fallback)
  }

  @Test func whatIsRecordedIsInTheStore() async throws {
    let journal = try await open()
    #expect(await journal.storedState == nil)
    try await journal.record([thing("a"): record("a")])
    let saved = try #require(try await store.loadState()?.state)
    #expect(saved.resources == [thing("a"): record("a")])
    #expect(saved.serial == 1 && saved.producer == "test 1")
    #expect(await journal.storedState == saved)
    try await journal.record([thing("a"): .none])
    #expect(try await store.loadState()?.state.resources == [:])
    #expect(try store.saved.map(\.serial) == [1, 2])
    #expect(Set(try store.saved.map(\.lineage)).count == 1)
  }

  @Test func whatChangesNothingIsNotWritten() async throws {
    let journal = try await open()
    try await journal.record([thing("a"): record("a")])
    try await journal.record([thing("a"): record("a"), thing("b"): .none])
    try await journal.record { _ in }
    #expect(store.saves == 1)
  }

  @Test func manyChangesAreFewWrites() async throws {
    let journal = try await open()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<1000 {
        group.addTask {
          try await journal.record([thing("r\(index)"): record("r\(index)")])
          guard index % 250 == 0 else { return }
          #expect(try await store.loadState()?.state.resources[thing("r\(index)")] != nil)
        }
      }
      try await group.waitForAll()
    }
    #expect(try await store.loadState()?.state.resources.count == 1000)
    #expect(store.saves < 50, "\(store.saves) writes")
  }

  @Test func aThousandResourcesAreFewWrites() async throws {
    let world = World()
    let result = try await world.up((0..<1000).map { declare("r\($0)") })
    #expect(result.done.count == 1000)
    #expect(world.store.saves < 500, "\(world.store.saves) writes")
  }

  @Test func notedChangesAreSavedWithoutAnyoneWaiting() async throws {
    let journal = try await open()
    try await journal.note([thing("a"): record("a")])
    try await journal.flush()
    #expect(store.saves == 1)
    try await journal.flush()
    #expect(store.saves == 1)
  }

  @Test func aLostAnswerIsRecognisedAsOurOwnWrite() async throws {
    let journal = try await open()
    store.loseAnswers(1)
    try await journal.record([thing("a"): record("a")])
    try await journal.record([thing("b"): record("b")])
    #expect(store.saves == 2)
  }

  @Test func aPassingFailureIsTriedAgain() async throws {
    let journal = try await open()
    store.refuse([Diagnostic("SlowDown"), Diagnostic("SlowDown")])
    try await journal.record([thing("a"): record("a")])
    #expect(store.saves == 1)
  }

  @Test func whenSavingFailsForGoodTheFallbackGetsEverything() async throws {
    let kept = Mutex<[(count: Int, why: String)]>([])
    struct Keep: Sendable { let put: @Sendable (State, Diagnostic) -> Void }
    let keep = Keep { state, why in kept.withLock { $0.append((state.resources.count, why.summary)) } }
    let journal = try await open(fallback: keep.put)
    store.refuse(Array(repeating: Diagnostic("AccessDenied"), count: 9))
    await #expect(throws: Diagnostic.self) { try await journal.record([thing("a"): record("a")]) }
    await #expect(throws: Diagnostic.self) { try await journal.record([thing("b"): record("b")]) }
    await #expect(throws: Diagnostic.self) { try await journal.flush() }
    #expect(kept.withLock { $0.map(\.count) } == [1, 2])
    #expect(kept.withLock { $0.first?.why } == "The state could not be saved")
    #expect(await journal.failure?.detail == "memory://state.json: AccessDenied. ")
  }

  @Test func ofTwoWritersTheSecondIsStopped() async throws {
    let first = try await open()
    let second = try await open()
    try await first.record([thing("a"): record("a", "first")])
    await #expect { try await second.record([thing("a"): record("a", "second")]) } throws: { error in
      (error as? Diagnostic)?.summary == "The state was changed by someone else"
    }
    try await first.record([thing("b"): record("b", "first")])
    #expect(try await store.loadState()?.state.resources.values.allSatisfy { $0.id == "first" } == true)
  }

  @Test func twoAppliesAtOnceMakeNothingTwice() async throws {
    let world = World()
    let declarations = (0..<20).map { declare("r\($0)", dependsOn: $0 == 0 ? [] : ["r\(($0 - 1) / 2)"]) }
    let plan = try await world.plan(declarations)
    async let one = world.apply(plan)
    async let other = world.apply(plan)
    let results = try await [one, other]
    // Whoever lost the race for the first write has created nothing.
    #expect(results.filter(\.isComplete).count == 1)
    let stopped = try #require(results.first { !$0.isComplete })
    #expect(stopped.stopped?.summary == "The state was changed by someone else")
    #expect(stopped.unstarted.count == 20)
    #expect(world.cloud.things.count == 20)
  }

  @Test func aLostLockStopsTheSaving() async throws {
    let journal = try await open(stillHeld: { throw LockLost() })
    await #expect { try await journal.record([thing("a"): record("a")]) } throws: { error in
      (error as? Diagnostic)?.summary == "The lock was lost"
    }
    #expect(store.saves == 0)
  }

  @Test func theStateOfAnotherStackIsRefused() async throws {
    try await open().record([thing("a"): record("a")])
    await #expect { try await Journal.open(store: store, stack: "other", producer: "test") } throws: { error in
      (error as? Diagnostic)?.summary == "The state is of another stack"
    }
  }
}
