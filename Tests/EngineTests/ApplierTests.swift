import Engine
import Model
import Support
import Synchronization
import Testing

/// Order, parallelism, failures and interrupts.
@Suite struct ApplierTests {
  @Test func eachStartsAsSoonAsWhatItNeedsIsDone() async throws {
    let world = World()
    world.cloud.hold(.create)
    let declarations = [
      declare("a"), declare("b"), declare("a1", dependsOn: ["a"]), declare("ab", dependsOn: ["a", "b"]),
    ]
    let plan = try await world.plan(declarations)
    async let result = world.apply(plan)
    await world.cloud.untilHeld(.create, ["a", "b"])
    world.cloud.release(.create, thing("a"))
    await world.cloud.untilHeld(.create, ["b", "a1"])
    world.cloud.release(.create, thing("b"))
    await world.cloud.untilHeld(.create, ["a1", "ab"])
    world.cloud.releaseAll()
    #expect(try await result.isComplete)
    #expect(try await result.done.count == 4)
  }

  @Test func noMoreThanTheWidthRunAtOnce() async throws {
    let world = World(width: 3)
    world.cloud.hold(.create)
    let plan = try await world.plan((0..<10).map { declare("r\($0)") })
    async let result = world.apply(plan)
    await world.cloud.untilHeld(.create, count: 3)
    world.cloud.releaseAll()
    #expect(try await result.done.count == 10)
    #expect(world.cloud.highWater == 3)
  }

  @Test func theStoreHoldsTheIntentBeforeTheCreateAndTheIdBeforeTheWait() async throws {
    let world = World()
    let seen = Mutex<[String]>([])
    world.cloud.onCall { [store = world.store] call in
      guard call.verb == .create else { return }
      let record = (try? store.saved.last)?.resources[call.address]
      seen.withLock { $0.append("\(call.address.name) \(record?.status.rawValue ?? "-") \(record?.token != nil)") }
    }
    try await world.up([declare("a", ["size": 1]), declare("b", dependsOn: ["a"])])
    #expect(seen.withLock { $0 } == ["a creating true", "b creating true"])
    let waiting = try world.store.saved.first { $0.resources[thing("a")]?.id != nil }?.resources[thing("a")]
    #expect(waiting?.status == .creating)
    let record = try #require(try await world.state?.resources[thing("a")])
    let made = try #require(world.cloud.thing("a"))
    #expect(record.status == .created && record.id == made.id && record.token == made.token)
    #expect(record.inputs == ["size": 1, "color": "red"] && record.written == ["size": 1])
    #expect(
      made.tags == [
        "team": "data", "mrhealth:stack": "shop", "mrhealth:address": "test.thing.a", "mrhealth:token": made.token,
      ])
  }

  @Test func aFailureStopsItsDependentsAndNothingElse() async throws {
    let world = World()
    world.cloud.fail(.create, thing("b"))
    world.cloud.fail(.create, thing("y"))
    let result = try await world.up([
      declare("a"), declare("b", dependsOn: ["a"]), declare("c", dependsOn: ["b"]), declare("d", dependsOn: ["c"]),
      declare("x"), declare("y"), declare("z", dependsOn: ["x"]),
    ])
    #expect(Set(result.done.map(\.address.name)) == ["a", "x", "z"])
    #expect(Set(result.failed.map(\.address.name)) == ["b", "y"])
    #expect(result.failed.allSatisfy { $0.diagnostic.summary == "AccessDenied" && $0.diagnostic.address == $0.address })
    #expect(result.skipped.map(\.name) == ["c", "d"])
    #expect(result.unstarted == [] && !result.isComplete && !result.interrupted)
  }

  @Test func aFailedDeleteKeepsWhatItNeeds() async throws {
    let world = World()
    try await world.up([declare("a"), declare("b", dependsOn: ["a"]), declare("c")])
    world.cloud.fail(.delete, thing("b"))
    let result = try await world.destroy()
    #expect(result.failed.map(\.address.name) == ["b"])
    #expect(result.skipped.map(\.name) == ["a"])
    #expect(Set(world.cloud.things.map(\.address.name)) == ["a", "b"])
    #expect(try await world.destroy().isComplete)
    #expect(world.cloud.things.isEmpty)
  }

  @Test func whatNoLongerNeedsItIsUpdatedBeforeItGoes() async throws {
    let world = World()
    try await world.up([declare("a"), declare("b", ["of": "${test.thing.a.arn}"])])
    world.cloud.forgetCalls()
    try await world.up([declare("b")])
    #expect(world.cloud.calls.filter { $0.verb != .read }.map(\.description) == ["update b", "delete a"])
  }

  @Test func reversedDependenciesDoNotHang() async throws {
    let world = World()
    func declarations(_ reversed: Bool, _ shape: String) -> [ResourceDeclaration] {
      [
        declare("a", ["shape": .string(shape)], dependsOn: reversed ? ["b"] : []),
        declare("b", ["shape": .string(shape), "n": .bool(reversed)], dependsOn: reversed ? [] : ["a"]),
      ]
    }
    try await world.up(declarations(false, "round") + [declare("c", dependsOn: ["b"])])
    #expect(try await world.up(declarations(true, "flat")).isComplete)
    #expect(try await !world.plan(declarations(true, "flat")).hasChanges)
  }

  @Test func anInterruptStartsNothingNewAndSavesWhatFinishes() async throws {
    let world = World()
    world.cloud.hold(.create)
    let declarations = [declare("a"), declare("b", dependsOn: ["a"]), declare("c", dependsOn: ["b"])]
    let plan = try await world.plan(declarations)
    async let applied = world.apply(plan)
    await world.cloud.untilHeld(.create, ["a"])
    world.interruption.interrupt()
    world.cloud.releaseAll()
    let result = try await applied
    #expect(result.interrupted && !result.isComplete)
    #expect(result.done.map(\.address.name) == ["a"])
    #expect(result.unstarted.map(\.name) == ["b", "c"])
    #expect(try await world.state?.resources.values.map(\.status) == [.created])

    var again = world
    again.interruption = Interruption()
    #expect(try await again.up(declarations).isComplete)
    #expect(world.cloud.things.count == 3)
  }

  @Test func announcedIntentsThatWereNotUsedAreWithdrawn() async throws {
    let world = World(width: 1)
    world.cloud.hold(.create)
    let plan = try await world.plan((0..<5).map { declare("r\($0)") })
    async let applied = world.apply(plan)
    await world.cloud.untilHeld(.create, ["r0"])
    #expect(try world.store.saved.last?.resources.count == 5)
    world.interruption.interrupt()
    world.cloud.releaseAll()
    #expect(try await applied.unstarted.count == 4)
    #expect(try await world.state?.resources.count == 1)
  }

  @Test func anInterruptWhilePlanningIsACancellation() async throws {
    let world = World()
    try await world.up([declare("a")])
    world.interruption.interrupt()
    await #expect(throws: CancellationError.self) { try await world.plan([]) }
  }

  @Test func aLostLockStartsNothingNew() async throws {
    let world = World()
    let plan = try await world.plan([declare("a"), declare("b", dependsOn: ["a"])])
    let starts = Mutex(0)
    let applier = Applier(world.environment, journal: try await world.journal()) {
      if starts.withLock({ count in
        count += 1
        return count > 1
      }) {
        throw LockLost()
      }
    }
    let result = try await applier.apply(plan)
    #expect(result.done.map(\.address.name) == ["a"])
    #expect(result.unstarted.map(\.name) == ["b"])
    #expect(result.stopped?.summary == "The lock was lost")
    #expect(!result.interrupted)
  }

  @Test func eventsTellTheStory() async throws {
    var world = World()
    let events = Mutex<[String]>([])
    struct Log: Sendable { let add: @Sendable (String) -> Void }
    let log = Log { text in events.withLock { $0.append(text) } }
    world.events = { event in
      switch event {
      case .reading(let total): log.add("reading \(total)")
      case .read(let address, let done, let total): log.add("read \(address.name) \(done)/\(total)")
      case .started(let address, let action): log.add("started \(address.name) \(action)")
      case .progress(let address, _, let text, _): log.add("progress \(address.name) \(text)")
      case .finished(let address, let action, let id, _): log.add("finished \(address.name) \(action) \(id ?? "-")")
      case .failed(let address, _, let problem, _): log.add("failed \(address.name) \(problem.summary)")
      case .skipped(let address, _, let cause): log.add("skipped \(address.name) for \(cause.name)")
      case .waitingForLock: log.add("waiting")
      }
    }
    world.width = 1
    try await world.up([declare("a", ["shape": "round"])])
    world.cloud.fail(.create, thing("b"))
    try await world.up([
      declare("a", ["shape": "flat"]), declare("b", dependsOn: ["a"]), declare("c", dependsOn: ["b"]),
    ])
    #expect(
      events.withLock { $0 } == [
        "reading 0", "started a create", "progress a WAITING", "finished a create id-1", "reading 1", "read a 1/1",
        "started a replace", "progress a WAITING", "finished a replace id-2", "started b create",
        "failed b AccessDenied",
        "skipped c for b",
      ])
  }

  @Test func whatAnInterruptLeavesToTheCloudIsGoneOnWith() async throws {
    let world = World()
    let chain = [declare("a"), declare("b", ["of": "${test.thing.a.arn}"])]
    world.cloud.fail(.create, thing("a"), .after, with: CancellationError())
    let first = try await world.up(chain)
    #expect(first.underway == [.init(address: thing("a"), action: .create, id: "id-1")])
    #expect(first.failed.isEmpty && first.unstarted == [thing("b")] && !first.isComplete)
    let record = try await world.state?.resources[thing("a")]
    #expect(record?.status == .creating && record?.id == "id-1")
    #expect(try await world.plan(chain).actions == ["a": .adopt, "b": .create])
    #expect(try await world.up(chain).isComplete)
    #expect(world.cloud.things.count == 2)

    world.cloud.fail(.delete, thing("b"), .before, with: CancellationError())
    let second = try await world.destroy()
    #expect(second.underway == [.init(address: thing("b"), action: .delete, id: "id-2")])
    #expect(second.unstarted == [thing("a")])
    #expect(try await world.state?.resources[thing("b")]?.status == .deleting)
    #expect(try await world.destroy().isComplete)
    #expect(world.cloud.things.isEmpty)
  }
}
