import Engine
import Model
import Support
import Testing

@Suite struct RebuilderTests {
  /// Everything that the fake cloud has, as a look by tags would find it.
  private func found(_ world: World, needs: Set<String> = []) -> [Discovered] {
    world.cloud.things.map { Discovered(address: $0.address, id: $0.id, inputs: ["size": 0], needs: needs) }
  }

  private func rebuild(
    _ world: World, _ declarations: [ResourceDeclaration], known: State? = nil, found: [Discovered]? = nil
  ) async throws -> Rebuilder.Result {
    try await Rebuilder(world.environment).rebuild(
      try Graph(declarations), found: found ?? self.found(world), known: known)
  }

  /// The state as the rebuilt one, then a plan.
  private func plan(_ result: Rebuilder.Result, _ declarations: [ResourceDeclaration], _ world: World) async throws
    -> Plan
  {
    try await Planner(world.environment).plan(
      try Graph(declarations), state: State(stack: "shop", resources: result.records))
  }

  private let chain = [
    declare("a", ["size": 1]), declare("b", ["of": "${test.thing.a.arn}"]),
    declare("c", ["of": "${test.thing.b.id}"], keep: true),
  ]

  @Test func aLostStateComesBackAndThePlanIsEmpty() async throws {
    let world = World()
    try await world.up(chain)
    let before = try #require(try await world.state)
    let result = try await rebuild(world, chain)
    #expect(result.missing.isEmpty && result.warnings.isEmpty)
    #expect(result.records.map(\.address) == chain.map(\.address))
    for record in result.records {
      let old = before.resources[record.address]
      #expect(record.id == old?.id && record.dependsOn == old?.dependsOn && record.keep == old?.keep)
      #expect(record.inputs == old?.inputs && record.outputs == old?.outputs && record.written == old?.written)
    }
    let plan = try await plan(result, chain, world)
    #expect(!plan.hasChanges && !plan.hasDrift)
  }

  @Test func whatIsNotThereIsMissingWithAllThatNeedsIt() async throws {
    let world = World()
    try await world.up([chain[0]])
    let result = try await rebuild(world, chain)
    #expect(result.records.map(\.address.name) == ["a"])
    #expect(result.missing.map(\.name) == ["b", "c"])
    #expect(try await plan(result, chain, world).actions == ["a": .noChange, "b": .create, "c": .create])
  }

  @Test func whatIsNotDeclaredIsTakenDownInTheRightOrder() async throws {
    let world = World()
    try await world.up(chain + [declare("d", kind: "test.data")])
    let all = world.cloud.things.map { thing in
      Discovered(
        address: thing.address, id: thing.id, inputs: [:],
        needs: thing.address.kind == "test.data" ? ["test.thing"] : [])
    }
    let result = try await rebuild(world, [], found: all)
    #expect(Set(result.records.map(\.address.name)) == ["a", "b", "c", "d"])
    let data = result.records.first { $0.address.kind == "test.data" }
    #expect(data?.dependsOn.map(\.name) == ["a", "b", "c"])
    let plan = try await plan(result, [], world)
    #expect(plan.changes.map(\.action) == [.delete, .delete, .delete, .delete])
    #expect(plan.changes.first?.address.name == "d")
  }

  @Test func knownRecordsStayAsTheyAre() async throws {
    let world = World()
    try await world.up(chain)
    var known = try #require(try await world.state)
    known.resources[thing("a")]?.inputs = ["size": 7]
    known.resources[thing("b")] = nil
    let result = try await rebuild(world, chain, known: known)
    #expect(result.records.map(\.address.name) == ["b"])
    // A record of a create that was never seen to end knows nothing yet.
    known.resources[thing("b")] = StateResource(address: thing("b"), status: .creating, token: "t", inputs: [:])
    #expect(try await rebuild(world, chain, known: known).records.map(\.address.name) == ["b"])
  }

  @Test func twoOfOneAddressAreSaid() async throws {
    let world = World()
    try await world.up([chain[0]])
    let id = try #require(world.cloud.things.first?.id)
    let twins = [id, "id-9"].map { Discovered(address: thing("a"), id: $0, inputs: [:]) }
    let result = try await rebuild(world, [chain[0]], found: twins.reversed())
    #expect(result.records.map(\.id) == [id])
    #expect(result.warnings.map(\.summary) == ["Two resources say that they are test.thing.a"])
    #expect(result.warnings.first?.remedy.contains("state import test.thing.a id-9") == true)
  }

  @Test func oneThatCannotBeReadIsAWarningAndTheRestComesBack() async throws {
    let world = World()
    try await world.up(chain)
    world.cloud.fail(.read, thing("a"))
    let result = try await rebuild(world, chain)
    #expect(result.warnings.map(\.address) == [thing("a")])
    #expect(result.warnings.allSatisfy { $0.severity == .warning })
    // What refers to it was made all the same: its own tag says so.
    #expect(result.records.map(\.address.name) == ["b", "c"])
  }
}
