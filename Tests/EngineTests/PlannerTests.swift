import Engine
import Model
import Support
import Testing

/// One resource, every case of the three-way comparison.
@Suite struct PlannerTests {
  let world = World()

  @Test func withoutAStateEverythingIsCreated() async throws {
    let plan = try await world.plan([declare("a", ["size": 1, "zones": ["b", "a"]])])
    #expect(plan.actions == ["a": .create])
    #expect(plan.named("a")?.shown == ["size: - -> 1", "zones: - -> [\"b\",\"a\"]"])
    #expect(plan.lineage == nil && plan.serial == nil)
    #expect(plan.summary.line == "1 to create")
    #expect(world.store.saves == 0)
  }

  @Test func afterAnApplyNothingChanges() async throws {
    let declarations = [declare("a", ["size": 1, "zones": ["b", "a"], "note": nil])]
    try await world.up(declarations)
    let saves = world.store.saves
    let plan = try await world.plan(declarations)
    #expect(plan.actions == ["a": .noChange])
    #expect(!plan.hasChanges && !plan.hasDrift)
    #expect(plan.summary.line == "No changes")
    try await world.apply(plan)
    #expect(world.store.saves == saves)
  }

  @Test func anOrderThatMeansNothingIsNoChange() async throws {
    try await world.up([declare("a", ["zones": ["b", "a"]])])
    #expect(try await world.plan([declare("a", ["zones": ["a", "b"], "color": "red"])]).actions == ["a": .noChange])
  }

  @Test func whatTheUserChangesIsAnUpdate() async throws {
    try await world.up([declare("a", ["size": 1, "color": "blue"])])
    let plan = try await world.plan([declare("a", ["size": 2])])
    #expect(plan.actions == ["a": .update])
    #expect(plan.named("a")?.shown == ["color: blue -> red", "size: 1 -> 2"])
    #expect(plan.named("a")?.drift == [])
  }

  @Test func whatCannotBeChangedInPlaceIsAReplacement() async throws {
    try await world.up([declare("a", ["shape": "round", "size": 1])])
    let plan = try await world.plan([declare("a", ["shape": "square", "size": 2])])
    let change = try #require(plan.named("a"))
    #expect(change.action == .replace)
    #expect(change.shown == ["shape: round -> square!", "size: 1 -> 2"])
    #expect(change.reason == "shape cannot be changed in place")
    #expect(!change.needsConsent)
  }

  @Test func whatWasChangedOutsideIsSetBackAndShownAsDrift() async throws {
    try await world.up([declare("a", ["size": 1])])
    world.cloud.changeOutside("a", "size", 9)
    let plan = try await world.plan([declare("a", ["size": 1])])
    #expect(plan.actions == ["a": .update])
    #expect(plan.named("a")?.shown == ["size: 9 -> 1"])
    #expect(plan.named("a")?.drift.map(\.shown) == ["size: 1 -> 9"])
    #expect(plan.summary.line == "1 to update; 1 changed outside")
  }

  @Test func aChangeOutsideThatIsNowWantedIsTakenOver() async throws {
    try await world.up([declare("a", ["size": 1])])
    world.cloud.changeOutside("a", "size", 2)
    let plan = try await world.plan([declare("a", ["size": 2])])
    #expect(plan.actions == ["a": .noChange])
    #expect(plan.hasDrift)
    try await world.apply(plan)
    #expect(try await world.state?.resources[thing("a")]?.inputs["size"] == 2)
    #expect(try await !world.plan([declare("a", ["size": 2])]).hasDrift)
  }

  @Test func whatAWSFillsInIsNeitherChangeNorDrift() async throws {
    try await world.up([declare("a")])
    #expect(world.cloud.thing("a")?.inputs["serverDefault"] == "surprise")
    let plan = try await world.plan([declare("a")])
    #expect(!plan.hasChanges && !plan.hasDrift)
  }

  @Test func whatWasDeletedOutsideIsCreatedAgain() async throws {
    try await world.up([declare("a")])
    world.cloud.deleteOutside("a")
    let plan = try await world.plan([declare("a")])
    #expect(plan.actions == ["a": .create])
    #expect(plan.named("a")?.reason == "it was deleted outside")
    #expect(plan.hasDrift)
    try await world.apply(plan)
    #expect(world.cloud.things.count == 1)
  }

  @Test func whatIsNotDeclaredAnyMoreIsDeleted() async throws {
    try await world.up([declare("a"), declare("b")])
    let plan = try await world.plan([declare("b")])
    #expect(plan.actions == ["a": .delete, "b": .noChange])
    #expect(plan.named("a")?.reason == "the stack file no longer has it")
  }

  @Test func whatIsNeitherDeclaredNorThereIsForgotten() async throws {
    try await world.up([declare("a")])
    world.cloud.deleteOutside("a")
    let plan = try await world.plan([])
    #expect(plan.actions == ["a": .forget])
    try await world.apply(plan)
    #expect(try await world.state?.resources.isEmpty == true)
  }

  @Test func whatIsMarkedKeepStaysWhenItLeavesTheFile() async throws {
    try await world.up([declare("a", keep: true)])
    let plan = try await world.plan([])
    #expect(plan.actions == ["a": .keep])
    #expect(!plan.hasChanges)
    try await world.apply(plan)
    #expect(world.cloud.thing("a") != nil)
    #expect(try await world.state?.resources.count == 1)
  }

  @Test func aBrokenResourceIsReplaced() async throws {
    try await world.up([declare("a")])
    try await world.edit(thing("a")) { $0.status = .failed }
    let plan = try await world.plan([declare("a")])
    #expect(plan.actions == ["a": .replace])
    #expect(plan.named("a")?.reason == "its creation failed half-way")
  }

  @Test func aBrokenResourceWithDataIsMendedInPlace() async throws {
    let address = Address(kind: "test.data", name: "a")
    try await world.up([declare("a", kind: "test.data")])
    for status in [StateResource.Status.failed, .deleting] {
      try await world.edit(address) { $0.status = status }
      let plan = try await world.plan([declare("a", kind: "test.data", ["size": 1])])
      #expect(plan.actions == ["a": .adopt])
      #expect(plan.needingConsent == [])
      try await world.apply(plan)
      #expect(try await world.state?.resources[address]?.status == .created)
    }
  }

  @Test func aHalfDeletedResourceIsReplacedIfWantedAndDeletedIfNot() async throws {
    try await world.up([declare("a")])
    try await world.edit(thing("a")) { $0.status = .deleting }
    #expect(try await world.plan([declare("a")]).actions == ["a": .replace])
    #expect(try await world.plan([]).actions == ["a": .delete])
    world.cloud.deleteOutside("a")
    #expect(try await world.plan([declare("a")]).actions == ["a": .create])
    #expect(try await world.plan([]).actions == ["a": .forget])
  }

  @Test func aReplacementCanBeAskedFor() async throws {
    try await world.up([declare("a")])
    let plan = try await world.plan([declare("a")], .init(replace: [thing("a")]))
    #expect(plan.actions == ["a": .replace])
    #expect(plan.named("a")?.deleteFirst == true)
  }

  @Test func dataIsNotLostWithoutConsent() async throws {
    let address = Address(kind: "test.data", name: "d")
    try await world.up([declare("d", kind: "test.data", ["shape": "round"])])
    for (plan, verb) in [
      (try await world.plan([declare("d", kind: "test.data", ["shape": "flat"])]), "Replacing"),
      (try await world.plan([]), "Deleting"),
    ] {
      #expect(plan.needingConsent == [address])
      await #expect { try await world.apply(plan) } throws: { error in
        (error as? Diagnostics)?.all.map(\.summary) == ["\(verb) test.data.d would lose its data"]
      }
      #expect(world.cloud.calls(.delete) == [])
    }
    try await world.apply(try await world.plan([]), consented: [address])
    #expect(world.cloud.things.isEmpty)
  }

  @Test func protectForbidsEvenWithConsent() async throws {
    try await world.up([declare("a", ["shape": "round"], protect: true)])
    let plans = [
      try await world.plan([declare("a", ["shape": "flat"], protect: true)]),
      try await world.plan([declare("a", ["shape": "flat"])]), try await world.plan([]),
      try await world.plan([], .init(mode: .destroy)),
    ]
    for plan in plans {
      #expect(plan.errors.count == 1)
      await #expect(throws: Diagnostics.self) { try await world.apply(plan, consented: [thing("a")]) }
    }
    #expect(world.cloud.calls(.delete) == [])
    try await world.up([declare("a", ["shape": "round"])])
    try await world.up([declare("a", ["shape": "flat"])])
    #expect(world.cloud.thing("a")?.inputs["shape"] == "flat")
  }

  @Test func aRelaunchDeletesNothingAndNeedsNoConsent() async throws {
    let address = Address(kind: "test.data", name: "d")
    let declarations = [declare("d", kind: "test.data", protect: true), declare("user", ["of": "${test.data.d.arn}"])]
    try await world.up(declarations)
    let plan = try await world.plan(declarations, .init(relaunch: [address]))
    #expect(plan.actions == ["d": .replace, "user": .update])
    #expect(plan.needingConsent == [] && plan.errors == [])
    world.cloud.forgetCalls()
    try await world.apply(plan)
    #expect(world.cloud.calls(.delete) == [])
    #expect(world.cloud.calls.map(\.description) == ["create d", "update user"])
    #expect(try await world.state?.resources[address]?.id == "id-3")
  }

  @Test func aRenameIsRecognised() async throws {
    try await world.up([declare("old", ["size": 4])])
    let plan = try await world.plan([declare("new", ["size": 4])])
    #expect(plan.diagnostics.map(\.remedy) == ["mrhealth state mv test.thing.old test.thing.new"])
    #expect(plan.errors == [])
  }

  @Test func wrongInputsAreSaidAllAtOnceWithTheirPlace() async throws {
    let declarations = [
      declare("a", ["bad": true]), declare("b", ["x": "${var.colour}"]), declare("c", ["x": "${test.thing.a.size}"]),
      declare("z", kind: "test.nothing"),
    ]
    await #expect { try await world.plan(declarations) } throws: { error in
      let all = (error as? Diagnostics)?.all ?? []
      return all.map(\.summary) == [
        "Unknown kind of resource: test.nothing", "bad must not be true", "${var.colour} has no value",
      ] && all.map(\.position?.line) == [3, 3, 4]
    }
  }

  @Test func failedReadsAreSaidAllAtOnce() async throws {
    try await world.up([declare("a"), declare("b"), declare("c")])
    world.cloud.fail(.read, thing("a"))
    world.cloud.fail(.read, thing("c"))
    await #expect { try await world.plan([]) } throws: { error in
      (error as? Diagnostics)?.all.map(\.address) == [thing("a"), thing("c")]
    }
  }

  @Test func withoutRefreshNothingIsRead() async throws {
    try await world.up([declare("a", ["size": 1])])
    world.cloud.forgetCalls()
    #expect(try await world.plan([declare("a", ["size": 2])], .init(refresh: false)).actions == ["a": .update])
    #expect(world.cloud.calls.isEmpty)
  }

  @Test func refreshOnlyTakesOverWhatIsAndChangesNothing() async throws {
    try await world.up([declare("a", ["size": 1]), declare("b")])
    world.cloud.changeOutside("a", "size", 2)
    world.cloud.deleteOutside("b")
    world.cloud.forgetCalls()
    let plan = try await world.plan([declare("a", ["size": 1]), declare("new")], .init(mode: .refreshOnly))
    #expect(plan.actions == ["a": .noChange, "b": .forget])
    #expect(plan.hasChanges)
    try await world.apply(plan)
    #expect(Set(world.cloud.calls.map(\.verb)) == [.read])
    #expect(try await world.state?.resources.keys.map(\.name) == ["a"])
    #expect(try await world.state?.resources[thing("a")]?.inputs["size"] == 2)
    #expect(try await world.plan([declare("a", ["size": 1])]).named("a")?.shown == ["size: 2 -> 1"])
  }
}
