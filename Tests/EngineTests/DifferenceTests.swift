import Engine
import Model
import Testing

@Suite struct DifferenceTests {
  private func shown(_ old: Value?, _ new: Value?) -> [String] { Difference.between(old, new).map(\.shown) }

  @Test func equalMeaningIsNoDifference() {
    #expect(shown(["a": 1, "b": nil], ["a": .double(1), "c": nil]) == [])
    #expect(shown(["a": [["x": nil]]], ["a": [[:]]]) == [])
    #expect(shown(nil, nil) == [])
  }

  @Test func objectsAreComparedMemberByMember() {
    #expect(
      shown(["a": ["x": 1, "y": 2], "gone": 1], ["a": ["x": 1, "y": 3], "new": ["k": true]])
        == ["a.y: 2 -> 3", "gone: 1 -> -", "new: - -> {\"k\":true}"])
  }

  @Test func listsOfObjectsItemByItemOthersWhole() {
    #expect(shown(["l": [["x": 1], ["x": 2]]], ["l": [["x": 1], ["x": 3]]]) == ["l.1.x: 2 -> 3"])
    #expect(shown(["l": [["x": 1]]], ["l": [["x": 1], ["x": 3]]]) == ["l.1: - -> {\"x\":3}"])
    #expect(shown(["l": ["a", "b"]], ["l": ["a", "c"]]) == ["l: [\"a\",\"b\"] -> [\"a\",\"c\"]"])
    #expect(shown(["l": []], ["l": [["x": 1]]]) == ["l.0: - -> {\"x\":1}"])
  }

  @Test func anUnknownDiffersFromEverything() {
    #expect(shown(["a": "x"], ["a": .unknown]) == ["a: x -> (known after apply)"])
    #expect(shown(["l": ["x", "y"]], ["l": ["x", .unknown]]).count == 1)
  }

  @Test func typesDiffer() {
    #expect(shown(["a": "1"], ["a": 1]) == ["a: 1 -> 1"])
    #expect(shown(["a": ["x": 1]], ["a": ["x"]]) == ["a: {\"x\":1} -> [\"x\"]"])
  }
}
