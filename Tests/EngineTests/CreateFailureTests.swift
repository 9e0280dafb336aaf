import Engine
import Model
import Support
import Testing

/// What a failed create leaves in the state, and what the next `up` makes of it (invariants 1 and 2).
@Suite struct CreateFailureTests {
  let world = World()
  let declarations = [declare("a", ["size": 1])]

  private func status() async throws -> StateResource.Status? {
    try await world.state?.resources[thing("a")]?.status
  }

  @Test func nothingMadeForCertainLeavesNothing() async throws {
    world.cloud.fail(.create, thing("a"), with: CreateFailure(.nothing, Diagnostic("AccessDenied")))
    let result = try await world.up(declarations)
    #expect(result.failed.map(\.diagnostic.summary) == ["AccessDenied"])
    #expect(try await world.state?.resources.isEmpty == true)
  }

  @Test func notKnownWhetherMadeIsLookedUpAndTakenOver() async throws {
    world.cloud.fail(.create, thing("a"), .unheard, with: Diagnostic("ConnectionReset"))
    try await world.up(declarations)
    #expect(try await status() == .creating)
    let plan = try await world.plan(declarations)
    #expect(plan.actions == ["a": .adopt])
    #expect(plan.named("a")?.id == "id-1")
    #expect(try await world.apply(plan).isComplete)
    #expect(world.cloud.things.count == 1)
    #expect(world.cloud.calls(.create).count == 1)
    #expect(try await !world.plan(declarations).hasChanges)
  }

  @Test func notKnownAndNotMadeIsCreated() async throws {
    world.cloud.fail(.create, thing("a"), .before, with: Diagnostic("ConnectionReset"))
    try await world.up(declarations)
    #expect(try await status() == .creating)
    let plan = try await world.plan(declarations)
    #expect(plan.actions == ["a": .create])
    #expect(plan.named("a")?.drift == [])
    try await world.apply(plan)
    #expect(world.cloud.things.count == 1)
  }

  @Test func whatWasTakenOverIsBroughtToWhatIsWantedNow() async throws {
    world.cloud.fail(.create, thing("a"), .unheard)
    try await world.up(declarations)
    let plan = try await world.plan([declare("a", ["size": 2])])
    #expect(plan.actions == ["a": .adopt])
    #expect(plan.named("a")?.shown == ["size: 1 -> 2"])
    try await world.apply(plan)
    #expect(world.cloud.thing("a")?.inputs["size"] == 2)
  }

  @Test func whatWasTakenOverAndCannotBeChangedIsReplaced() async throws {
    world.cloud.fail(.create, thing("a"), .unheard)
    try await world.up([declare("a", ["shape": "round"])])
    try await world.up([declare("a", ["shape": "flat"])])
    #expect(world.cloud.things.map(\.inputs["shape"]) == ["flat"])
  }

  @Test func brokenAfterItsIdWasToldIsReplaced() async throws {
    world.cloud.fail(.create, thing("a"), .after, with: Diagnostic("TERMINATED_WITH_ERRORS"))
    try await world.up(declarations)
    #expect(try await status() == .failed)
    let plan = try await world.plan(declarations)
    #expect(plan.actions == ["a": .replace])
    try await world.apply(plan)
    #expect(world.cloud.things.map(\.id) == ["id-2"])
  }

  @Test func cutOffWhileWaitingIsTakenOver() async throws {
    for error in [CreateFailure(.unfinished, Diagnostic("Timeout")), CancellationError()] as [any Error] {
      let world = World()
      world.cloud.fail(.create, thing("a"), .after, with: error)
      try await world.up(declarations)
      let plan = try await world.plan(declarations)
      #expect(plan.actions == ["a": .adopt])
      #expect(world.cloud.calls(.find) == [])
      try await world.apply(plan)
      #expect(world.cloud.calls(.create).count == 1)
    }
  }

  @Test func anUnfinishedCreateThatIsNotWantedAnyMoreIsDeleted() async throws {
    world.cloud.fail(.create, thing("a"), .unheard)
    try await world.up(declarations)
    let plan = try await world.plan([])
    #expect(plan.actions == ["a": .delete])
    #expect(plan.named("a")?.id == "id-1")
    #expect(try await world.apply(plan).isComplete)
    #expect(world.cloud.things.isEmpty)
    #expect(try await world.state?.resources.isEmpty == true)
  }

  @Test func destroyFindsUnfinishedCreates() async throws {
    world.cloud.fail(.create, thing("a"), .unheard)
    world.cloud.fail(.create, thing("b"), .before)
    try await world.up(declarations + [declare("b")])
    #expect(try await world.destroy().isComplete)
    #expect(world.cloud.things.isEmpty)
    #expect(try await world.state?.resources.isEmpty == true)
  }

  @Test func aNameTakenBySomeoneElseStopsThePlan() async throws {
    world.cloud.fail(.create, thing("a"), .before)
    try await world.up(declarations)
    world.cloud.fail(.find, thing("a"), with: Diagnostic("The name is taken"))
    await #expect { try await world.plan(declarations) } throws: { error in
      (error as? Diagnostics)?.all.map(\.address) == [thing("a")]
    }
  }

  @Test func aFailedRelaunchKeepsTheOldRecord() async throws {
    try await world.up(declarations)
    world.cloud.fail(.create, thing("a"), with: CreateFailure(.nothing, Diagnostic("Refused")))
    try await world.up(declarations, .init(relaunch: [thing("a")]))
    #expect(try await world.state?.resources[thing("a")]?.id == "id-1")
    #expect(try await status() == .created)
  }

  @Test func aFailedUpdateIsTriedAgain() async throws {
    try await world.up(declarations)
    for moment in [FakeCloud.Moment.before, .unheard] {
      let wanted = [declare("a", ["size": moment == .before ? 2 : 3])]
      world.cloud.fail(.update, thing("a"), moment)
      #expect(try await world.up(wanted).failed.count == 1)
      #expect(try await world.up(wanted).isComplete)
      #expect(try await !world.plan(wanted).hasDrift)
    }
  }
}
