import Engine
import FoundationEssentials
import Model
import Support
import Testing

/// References between resources: what is known when, and what an unknown means for a plan.
@Suite struct PlanReferenceTests {
  let world = World()

  private func pair(_ shape: String = "round", size: Int64 = 1, _ key: String = "of") -> [ResourceDeclaration] {
    [
      declare("base", ["shape": .string(shape), "size": .int(size)]),
      declare("user", [key: "${test.thing.base.arn}", "zones": ["b", "a"], "label": "for ${account}"]),
    ]
  }

  @Test func inputsOfWhatIsToBeCreatedAreKnownAndOutputsAreNot() async throws {
    let plan = try await world.plan([
      declare("a", ["name": "lake-${account}"]),
      declare(
        "b", ["bucket": "s3://${test.thing.a.name}/x", "arn": "${test.thing.a.arn}", "id": "${test.thing.a.id}"]),
    ])
    #expect(
      plan.named("b")?.shown == [
        "arn: - -> (known after apply)", "bucket: - -> s3://lake-123456789012/x", "id: - -> (known after apply)",
      ])
  }

  @Test func atApplyTheRealOutputsAreUsed() async throws {
    try await world.up(pair())
    #expect(world.cloud.thing("user")?.inputs["of"] == "arn:id-1")
    #expect(try await !world.plan(pair()).hasChanges)
  }

  @Test func anUpdateKeepsTheOutputsKnown() async throws {
    try await world.up(pair())
    let plan = try await world.plan(pair(size: 2))
    #expect(plan.actions == ["base": .update, "user": .noChange])
  }

  @Test func anInputThatIsBeingUpdatedIsSeenAsItWillBe() async throws {
    func declarations(_ size: Int64) -> [ResourceDeclaration] {
      [declare("a", ["size": .int(size)]), declare("b", ["twin": "${test.thing.a.size}"])]
    }
    try await world.up(declarations(1))
    #expect(try await world.plan(declarations(2)).named("b")?.shown == ["twin: 1 -> 2"])
    try await world.up(declarations(2))
    #expect(try await !world.plan(declarations(2)).hasChanges)
  }

  @Test func aReplacementMakesDependentsKnownAfterApplyAndNothingElseOfThemDiffer() async throws {
    try await world.up(pair())
    let plan = try await world.plan(pair("square"))
    #expect(plan.actions == ["base": .replace, "user": .update])
    #expect(plan.named("user")?.shown == ["of: arn:id-1 -> (known after apply)"])
    try await world.apply(plan)
    #expect(world.cloud.thing("user")?.inputs["of"] == "arn:id-3")
    #expect(try await !world.plan(pair("square")).hasChanges)
  }

  @Test func anUnknownInWhatCannotBeChangedInPlaceReplacesTheDependentToo() async throws {
    try await world.up(pair("round", size: 1, "parent"))
    let plan = try await world.plan(pair("square", size: 1, "parent"))
    #expect(plan.actions == ["base": .replace, "user": .replace])
    #expect(plan.named("user")?.shown == ["parent: arn:id-1 -> (known after apply)!"])
    world.cloud.forgetCalls()
    try await world.apply(plan)
    #expect(world.cloud.calls.map(\.description) == ["delete user", "delete base", "create base", "create user"])
  }

  @Test func driftBesidesAnUnknownIsSetBack() async throws {
    try await world.up(pair())
    world.cloud.changeOutside("user", "color", "green")
    let plan = try await world.plan(pair("square"))
    #expect(
      plan.named("user")?.shown == ["of: arn:id-1 -> (known after apply)", "color: green -> red"])
    try await world.apply(plan)
    #expect(world.cloud.thing("user")?.inputs["color"] == "red")
  }

  @Test func anUnknownThatTurnsOutTheSameChangesNothing() async throws {
    func declarations(_ shape: String) -> [ResourceDeclaration] {
      [declare("base", ["shape": .string(shape)]), declare("user", ["r": "${test.thing.base.revision}"])]
    }
    try await world.up(declarations("round"))
    let plan = try await world.plan(declarations("square"))
    #expect(plan.actions == ["base": .replace, "user": .update])
    let result = try await world.apply(plan)
    #expect(result.isComplete)
    #expect(world.cloud.calls(.update) == [])
    #expect(try await !world.plan(declarations("square")).hasChanges)
  }

  @Test func onlyWhatIsShownIsDone() async throws {
    // `parent` is known while planning; at apply its value has become another, which would force a replacement.
    func declarations(_ size: Int64) -> [ResourceDeclaration] {
      [
        declare("base", ["size": .int(size)]),
        declare("user", ["parent": "r${test.thing.base.revision}", "size": .int(size)]),
      ]
    }
    try await world.up(declarations(1))
    let plan = try await world.plan(declarations(2))
    #expect(plan.actions == ["base": .update, "user": .update])
    let result = try await world.apply(plan)
    #expect(result.failed.map(\.diagnostic.summary) == ["It has to be replaced, which the plan did not say"])
    #expect(world.cloud.calls(.delete) == [])
    #expect(try await world.plan(declarations(2)).actions == ["base": .noChange, "user": .replace])
  }

  @Test func anAttributeThatDoesNotExistIsSaid() async throws {
    try await world.up([declare("a")])
    await #expect { try await world.plan([declare("a"), declare("b", ["x": "${test.thing.a.arm}"])]) } throws: {
      error in
      let problem = (error as? Diagnostics)?.all.first
      return problem?.remedy == "Did you mean \"arn\"?" && problem?.position?.line == 4
        && problem?.detail == "test.thing.a has no attribute \"arm\"; it has arn, color, id, revision."
    }
  }

  @Test func aNewDependencyOfAnExistingResourceIsKnownAfterApply() async throws {
    try await world.up([declare("user", ["size": 1])])
    let plan = try await world.plan([declare("base"), declare("user", ["size": 1, "of": "${test.thing.base.arn}"])])
    #expect(plan.actions == ["base": .create, "user": .update])
    #expect(plan.named("user")?.shown == ["of: - -> (known after apply)"])
  }

  @Test func whatWasImportedIsComparedInWhatTheUserWrites() async throws {
    try await world.up(pair())
    try await world.edit(thing("user")) { $0.written = nil }
    let plan = try await world.plan(pair("square"))
    #expect(plan.named("user")?.action == .update)
    #expect(plan.named("user")?.attributes.contains { $0.name == "of" && $0.new == .unknown } == true)
  }

  @Test func aPlanSurvivesItsFile() async throws {
    try await world.up(pair() + [declare("gone"), declare("d", ["c": "${var.color}"])])
    world.cloud.changeOutside("d", "c", "pink")
    let plan = try await world.plan(pair("square") + [declare("d", ["c": "${var.color}"])])
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let read = try JSONDecoder().decode(Plan.self, from: try encoder.encode(plan))
    #expect(read == plan)
    // Applied by a process that was not given the variables.
    var other = world
    other.variables = [:]
    #expect(try await other.apply(read).isComplete)
    #expect(world.cloud.thing("d")?.inputs["c"] == "blue")
  }

  @Test func anOldPlanIsRefused() async throws {
    let plan = try await world.plan(pair())
    try await world.up(pair())
    await #expect { try await world.apply(plan) } throws: { error in
      (error as? Diagnostics)?.all.map(\.summary) == ["The plan is out of date"]
    }
  }
}
