import Engine
import Model
import Support
import Testing

/// A process that is killed at any point at which it touches the world: the next one puts everything right.
@Suite struct CrashTests {
  private let before = [
    declare("gone"), declare("base", ["shape": "round"]), declare("user", ["parent": "${test.thing.base.arn}"]),
    declare("size", ["size": 1, "of": "${test.thing.gone.arn}"]), declare("stays"),
  ]
  private let after = [
    declare("base", ["shape": "flat"]), declare("user", ["parent": "${test.thing.base.arn}"]),
    declare("size", ["size": 2]), declare("stays"), declare("new", ["of": "${test.thing.user.arn}"]),
    declare("more", dependsOn: ["new"]), declare("apart"),
  ]

  /// Runs `work` until killed at point `k`; false when it came through.
  private func killed(at k: Int, in world: World, _ work: (World) async throws -> Void) async throws -> Bool {
    let killer = Killer(at: k)
    world.cloud.use(killer)
    world.store.use(killer)
    defer {
      world.cloud.use(nil)
      world.store.use(nil)
    }
    // What a dying process throws is of no interest.
    _ = try? await work(world)
    return killer.isDead
  }

  private func expectExactly(_ declarations: [ResourceDeclaration], in world: World, _ k: Int) async throws {
    #expect(
      world.cloud.things.map(\.address.name).sorted() == declarations.map(\.address.name).sorted(), "killed at \(k)")
    let state = try #require(try await world.state)
    #expect(state.resources.keys.map(\.name).sorted() == declarations.map(\.address.name).sorted(), "killed at \(k)")
    #expect(state.resources.values.allSatisfy { $0.status == .created }, "killed at \(k)")
    #expect(Set(state.resources.values.map(\.id)) == Set(world.cloud.things.map(\.id)), "killed at \(k)")
    let plan = try await world.plan(declarations)
    #expect(!plan.hasChanges && !plan.hasDrift, "killed at \(k): \(plan.summary.line)")
  }

  @Test(arguments: [1, 16]) func aFirstUp(_ width: Int) async throws {
    var k = 1
    while true {
      var world = World()
      world.width = width
      guard try await killed(at: k, in: world, { try await $0.up(before) }) else { break }
      #expect(try await world.up(before).isComplete, "killed at \(k)")
      try await expectExactly(before, in: world, k)
      k += 1
    }
    #expect(k > 20)
  }

  @Test(arguments: [1, 16]) func anUpThatDoesEverything(_ width: Int) async throws {
    var k = 1
    while true {
      var world = World()
      world.width = width
      try await world.up(before)
      guard try await killed(at: k, in: world, { try await $0.up(after) }) else { break }
      #expect(try await world.up(after).isComplete, "killed at \(k)")
      try await expectExactly(after, in: world, k)
      k += 1
    }
    #expect(k > 40)
  }

  @Test func aDestroy() async throws {
    var k = 1
    while true {
      let world = World()
      try await world.up(before)
      guard try await killed(at: k, in: world, { try await $0.destroy() }) else { break }
      #expect(try await world.destroy().isComplete, "killed at \(k)")
      #expect(world.cloud.things.isEmpty, "killed at \(k)")
      #expect(try await world.state?.resources.isEmpty == true, "killed at \(k)")
      k += 1
    }
    #expect(k > 15)
  }

  @Test func aDestroyAfterAKilledUp() async throws {
    var k = 1
    while true {
      let world = World()
      guard try await killed(at: k, in: world, { try await $0.up(before) }) else { break }
      #expect(try await world.destroy().isComplete, "killed at \(k)")
      #expect(world.cloud.things.isEmpty, "killed at \(k)")
      k += 1
    }
  }

  @Test func aRelaunch() async throws {
    let declarations = [declare("cluster"), declare("user", ["of": "${test.thing.cluster.arn}"])]
    var k = 1
    while true {
      let world = World()
      try await world.up(declarations)
      let old = world.cloud.thing("cluster")?.id
      let options = PlanOptions(relaunch: [thing("cluster")])
      guard try await killed(at: k, in: world, { try await $0.up(declarations, options) }) else { break }
      #expect(try await world.up(declarations).isComplete, "killed at \(k)")
      // The ended instance is not ours to count; of new ones there is at most one.
      #expect(world.cloud.things.filter { $0.address.name == "cluster" && $0.id != old }.count <= 1, "killed at \(k)")
      #expect(try await !world.plan(declarations).hasChanges, "killed at \(k)")
      k += 1
    }
  }

  @Test func killedAgainAndAgain() async throws {
    let world = World()
    var rounds = 0
    // Each life is a little longer than it takes to plan.
    while try await killed(at: 14 + rounds, in: world, { try await $0.up(after) }) { rounds += 1 }
    try await expectExactly(after, in: world, rounds)
    #expect(rounds > 3)
  }
}
