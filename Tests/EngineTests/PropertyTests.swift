import Engine
import Model
import Support
import Testing

/// The same numbers for the same seed, on every machine.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}

/// Random stacks: what must hold for all of them.
@Suite struct PropertyTests {
  private func randomStack(_ random: inout SplitMix, salt: Int) -> [ResourceDeclaration] {
    let names = (0..<Int.random(in: 1...25, using: &random)).map { "r\($0)" }.shuffled(using: &random)
    return names.enumerated().compactMap { index, name in
      guard Int.random(in: 0..<5, using: &random) > 0 || index == 0 else { return nil }
      var inputs: [String: Value] = ["size": .int(Int64.random(in: 0..<3, using: &random))]
      if Bool.random(using: &random) { inputs["shape"] = .string("s\(Int.random(in: 0..<2, using: &random))") }
      if Bool.random(using: &random) { inputs["zones"] = .list([.string("b"), .string("a")].shuffled(using: &random)) }
      return declare(name, .object(inputs))
    }
  }

  /// Gives each some dependencies among those before it.
  private func connect(_ declarations: [ResourceDeclaration], _ random: inout SplitMix) -> [ResourceDeclaration] {
    var result: [ResourceDeclaration] = []
    for declaration in declarations {
      var connected = declaration
      for other in result.shuffled(using: &random).prefix(Int.random(in: 0...3, using: &random)) {
        if Bool.random(using: &random) {
          connected.dependsOn.append(other.address)
        } else if case .object(var inputs) = connected.inputs {
          let attribute = ["arn", "size", "id", "revision"].randomElement(using: &random) ?? "id"
          let key = Int.random(in: 0..<4, using: &random) == 0 ? "parent" : "of\(other.address.name)"
          inputs[key] = .string("x ${\(other.address).\(attribute)}")
          connected.inputs = .object(inputs)
        }
      }
      result.append(connected)
    }
    return result
  }

  @Test(arguments: 0..<60) func anyStackConverges(_ seed: Int) async throws {
    var random = SplitMix(seed)
    var world = World()
    world.width = Int.random(in: 1...16, using: &random)
    for round in 0..<3 {
      let declarations = connect(randomStack(&random, salt: round), &random)
      // Values that are only known after apply can call for one more step, which is shown, never taken unasked.
      var result = try await world.up(declarations)
      for _ in 0..<30 {
        let isSettled = try await !world.plan(declarations).hasChanges
        if result.isComplete && isSettled { break }
        result = try await world.up(declarations)
      }
      #expect(result.isComplete, "round \(round)")
      let plan = try await world.plan(declarations)
      #expect(!plan.hasChanges && !plan.hasDrift, "round \(round): \(plan.summary.line)")
      #expect(world.cloud.things.map(\.address).sorted() == declarations.map(\.address).sorted())
    }
  }

  @Test(arguments: 0..<40) func applyThenPlanIsEmptyAndDestroyIsReverse(_ seed: Int) async throws {
    var random = SplitMix(1000 + seed)
    let world = World()
    let declarations = connect(randomStack(&random, salt: 0), &random)
    let graph = try Graph(declarations)
    #expect(try await world.up(declarations).isComplete)
    #expect(try await !world.plan(declarations).hasChanges)
    let created = world.cloud.calls(.create)
    world.cloud.forgetCalls()
    #expect(try await world.destroy().isComplete)
    #expect(world.cloud.things.isEmpty)
    let deleted = world.cloud.calls(.delete)
    let madeAt = Dictionary(uniqueKeysWithValues: created.enumerated().map { ($1, $0) })
    let goneAt = Dictionary(uniqueKeysWithValues: deleted.enumerated().map { ($1, $0) })
    for address in graph.order {
      for dependency in graph.dependencies(of: address) {
        let (user, used) = (address.name, dependency.name)
        #expect(madeAt[used, default: 0] < madeAt[user, default: 0])
        #expect(goneAt[user, default: 0] < goneAt[used, default: 0])
      }
    }
  }

  @Test(arguments: 0..<20) func anyStateSurvivesItsText(_ seed: Int) async throws {
    var random = SplitMix(2000 + seed)
    let world = World()
    try await world.up(connect(randomStack(&random, salt: 0), &random))
    let state = try #require(try await world.state)
    #expect(try State.decode(try state.encoded(), location: "here") == state)
  }

  @Test(arguments: 0..<40) func failuresAnywhereAreMendedByTheNextUp(_ seed: Int) async throws {
    var random = SplitMix(3000 + seed)
    let world = World()
    let declarations = connect(randomStack(&random, salt: 0), &random)
    for declaration in declarations where Int.random(in: 0..<3, using: &random) == 0 {
      let moment = [FakeCloud.Moment.before, .after, .unheard].randomElement(using: &random) ?? .before
      world.cloud.fail(.create, declaration.address, moment, times: Int.random(in: 1...2, using: &random))
    }
    var rounds = 0
    while try await !world.up(declarations).isComplete, rounds < 100 { rounds += 1 }
    #expect(rounds < 100)
    #expect(try await !world.plan(declarations).hasChanges)
    #expect(world.cloud.things.map(\.address).sorted() == declarations.map(\.address).sorted())
  }
}
