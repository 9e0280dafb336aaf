/// "Did you mean": the known word nearest to a misspelt one.
package enum Suggestion {
  /// The nearest of `known` when it is near enough to be meant (a third of the word's length, at least
  /// one edit); nil otherwise.
  package static func nearest(to word: String, among known: some Sequence<String>) -> String? {
    let limit = max(1, word.count / 3)
    let folded = word.lowercased()
    let ranked = known.map { ($0, distance(folded, $0.lowercased())) }.filter { $0.1 <= limit }
    return ranked.min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
  }

  /// `Did you mean "buckets"?`, or the list of what is known when nothing is near.
  package static func remedy(for word: String, among known: some Sequence<String>) -> String {
    if let near = nearest(to: word, among: known) { return "Did you mean `\(near)`?" }
    let names = known.sorted()
    return names.isEmpty ? "" : "Known here: " + names.map { "`\($0)`" }.joined(separator: ", ") + "."
  }

  /// Damerau-Levenshtein distance (optimal string alignment): swaps of neighbours count once.
  static func distance(_ left: String, _ right: String) -> Int {
    let first = Array(left)
    let second = Array(right)
    if first.isEmpty || second.isEmpty { return max(first.count, second.count) }
    var beforeLast = [Int](repeating: 0, count: second.count + 1)
    var last = Array(0...second.count)
    for row in 1...first.count {
      var current = [row] + [Int](repeating: 0, count: second.count)
      for column in 1...second.count {
        let same = first[row - 1] == second[column - 1]
        var best = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (same ? 0 : 1))
        if row > 1, column > 1, first[row - 1] == second[column - 2], first[row - 2] == second[column - 1] {
          best = min(best, beforeLast[column - 2] + 1)
        }
        current[column] = best
      }
      (beforeLast, last) = (last, current)
    }
    return last[second.count]
  }
}
