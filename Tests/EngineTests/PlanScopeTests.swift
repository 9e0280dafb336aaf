import Engine
import Model
import Support
import Testing

/// `--target`, `destroy`, and what stays.
@Suite struct PlanScopeTests {
  let world = World()
  let chain = [
    declare("a"), declare("b", dependsOn: ["a"]), declare("c", dependsOn: ["b"]), declare("other"),
  ]

  @Test func aTargetComesWithWhatItNeeds() async throws {
    let plan = try await world.plan(chain, .init(targets: [thing("b")]))
    #expect(plan.actions == ["a": .create, "b": .create])
  }

  @Test func aTargetThatIsOnlyRecordedIsDeletedWithItsDependents() async throws {
    try await world.up(chain)
    let plan = try await world.plan([declare("other")], .init(targets: [thing("b")]))
    #expect(plan.changes.map(\.address.name) == ["c", "b"])
    #expect(Set(plan.changes.map(\.action)) == [.delete])
  }

  @Test func destroyingATargetTakesItsDependents() async throws {
    try await world.up(chain)
    let plan = try await world.plan(chain, .init(mode: .destroy, targets: [thing("b")]))
    #expect(plan.changes.map(\.address.name) == ["c", "b"])
    try await world.apply(plan)
    #expect(Set(world.cloud.things.map(\.address.name)) == ["a", "other"])
  }

  @Test(arguments: [Plan.Mode.up, .destroy])
  func anUnknownTargetIsSaid(_ mode: Plan.Mode) async throws {
    try await world.up(chain)
    await #expect { try await world.plan(chain, .init(mode: mode, targets: [thing("othr")])) } throws: { error in
      (error as? Diagnostics)?.all.map(\.remedy) == ["Did you mean test.thing.other?"]
    }
  }

  @Test func destroyGoesInReverseOrder() async throws {
    try await world.up(chain)
    world.cloud.forgetCalls()
    let result = try await world.destroy()
    #expect(result.isComplete)
    #expect(world.cloud.things.isEmpty)
    #expect(world.cloud.calls(.delete).filter { $0 != "other" } == ["c", "b", "a"])
    #expect(try await world.state?.resources.isEmpty == true)
  }

  @Test func destroyLeavesWhatIsKeptAndWhatThatNeeds() async throws {
    let declarations = [
      declare("key"), declare("lake", dependsOn: ["key"], keep: true), declare("x", dependsOn: ["lake"]),
    ]
    try await world.up(declarations)
    let plan = try await world.plan(declarations, .init(mode: .destroy))
    #expect(plan.actions == ["key": .keep, "lake": .keep, "x": .delete])
    #expect(plan.named("key")?.reason == "test.thing.lake, which is kept, needs it")
    try await world.apply(plan)
    #expect(Set(world.cloud.things.map(\.address.name)) == ["key", "lake"])
    #expect(Set(try await world.state?.resources.keys.map(\.name) ?? []) == ["key", "lake"])
    try await world.destroy(.init(mode: .destroy, purge: true))
    #expect(world.cloud.things.isEmpty)
  }

  @Test func theStackFileDecidesWhatIsKept() async throws {
    try await world.up([declare("a", keep: true), declare("b")])
    let plan = try await world.plan([declare("a"), declare("b", keep: true)], .init(mode: .destroy))
    #expect(plan.actions == ["a": .delete, "b": .keep])
  }

  @Test func destroyTakesMissingForDone() async throws {
    try await world.up(chain)
    world.cloud.deleteOutside("b")
    let plan = try await world.plan([], .init(mode: .destroy))
    #expect(plan.named("b")?.action == .forget)
    #expect(try await world.apply(plan).isComplete)
    #expect(world.cloud.things.isEmpty)
  }

  @Test func destroyWithoutAStateIsDone() async throws {
    let plan = try await world.plan([], .init(mode: .destroy))
    #expect(!plan.hasChanges)
    #expect(try await world.apply(plan).isComplete)
    #expect(world.store.saves == 0)
  }

  @Test func readsRunManyAtOnceButNotMoreThanAllowed() async throws {
    let world = World(width: 5)
    let many = (0..<12).map { declare("r\($0)") }
    try await world.up(many)
    world.cloud.forgetCalls()
    world.cloud.hold(.read)
    async let plan = world.plan(many)
    await world.cloud.untilHeld(.read, count: 5)
    world.cloud.releaseAll()
    #expect(try await !plan.hasChanges)
    #expect(world.cloud.highWater == 5)
  }
}
