import Engine
import Model
import Testing

@Suite struct GraphTests {
  private func problems(_ declarations: [ResourceDeclaration]) -> [Diagnostic] {
    do {
      _ = try Graph(declarations)
      return []
    } catch {
      return (error as? Diagnostics)?.all ?? []
    }
  }

  @Test func referencesAndDependsOnAreDependencies() throws {
    let graph = try Graph([
      declare("c", ["x": "${test.thing.a.arn}"], dependsOn: ["b"]),
      declare("b", ["x": ["${test.thing.a.id} ${account}"]]),
      declare("a"),
    ])
    #expect(graph.order.map(\.name) == ["a", "b", "c"])
    #expect(graph.dependencies(of: thing("c")) == [thing("a"), thing("b")])
    #expect(graph.dependents(of: thing("a")) == [thing("b"), thing("c")])
    #expect(graph.map.withAncestors(of: [thing("b")]) == [thing("a"), thing("b")])
    #expect(graph.map.withDescendants(of: [thing("b")]) == [thing("b"), thing("c")])
  }

  @Test func theOrderDoesNotDependOnTheListing() throws {
    let declarations = (0..<50).map { index in
      declare("r\(index)", dependsOn: index % 7 == 0 ? [] : ["r\(index - index % 7)"])
    }
    let order = try Graph(declarations).order
    for _ in 0..<5 { #expect(try Graph(declarations.shuffled()).order == order) }
  }

  @Test func anUnknownAddressIsSaidWithPositionAndSuggestion() throws {
    let found = problems([declare("bucket"), declare("b", ["arn": "${test.thing.bukcet.arn}"])])
    let problem = try #require(found.first)
    #expect(found.count == 1)
    #expect(problem.summary == "${test.thing.bukcet.arn} names no resource of this stack")
    #expect(problem.remedy == "Did you mean test.thing.bucket?")
    #expect(problem.position == SourcePosition(file: "stack.yaml", line: 4, column: 7))
    #expect(problem.address == thing("b"))
  }

  @Test func allProblemsComeAtOnce() {
    let found = problems([
      declare("a", ["x": "${nothing}", "y": "${test.thing.b}", "z": "${open"], dependsOn: ["zzzzzzzzzz"]), declare("b"),
      declare("b"),
    ])
    #expect(
      found.map(\.summary) == [
        "test.thing.b is declared twice", "Reference without an end",
        "test.thing.zzzzzzzzzz names no resource of this stack", "${nothing} names nothing",
        "${test.thing.b} names nothing",
      ])
  }

  @Test func aCycleIsNamedInFull() throws {
    let problem = try #require(
      problems([
        declare("d"), declare("c", ["x": "${test.thing.b.arn}"]), declare("b", dependsOn: ["a"]),
        declare("a", dependsOn: ["c", "d"]), declare("behind", dependsOn: ["a"]),
      ]).first)
    #expect(problem.detail == "test.thing.a -> test.thing.c -> test.thing.b -> test.thing.a")
    #expect(problem.position != nil)
    #expect(problems([declare("self", dependsOn: ["self"])]).first?.detail == "test.thing.self -> test.thing.self")
  }

  @Test func contradictingRecordsStillHaveAnOrder() {
    var state = State(stack: "shop")
    for (name, needs) in [("a", "b"), ("b", "c"), ("c", "a")] {
      state.resources[thing(name)] = StateResource(
        address: thing(name), id: name, status: .created, inputs: [:], dependsOn: [thing(needs), thing(name)])
    }
    #expect(DependencyMap(recorded: state).order.count == 3)
  }
}
