/// The probable cause of a failed step, drawn from its logs.
package struct Diagnosis: Sendable, Hashable {
  /// One line: what went wrong.
  package var cause: String
  /// Where in the user's own code, `silver.py:42`, when it is known.
  package var place: String?
  /// The lines that show it, at most ten.
  package var excerpt: [String]

  package init(cause: String, place: String? = nil, excerpt: [String] = []) {
    self.cause = cause
    self.place = place
    self.excerpt = excerpt
  }

  /// Reads a step's logs, the likelier ones first: a Python traceback's last line and the last frame in
  /// the user's own script come before all else, then the deepest `Caused by`, then the last line that
  /// speaks of an error. In client mode Spark merges a script's error output into the step's stdout, so a
  /// traceback may stand in either log.
  package init?(logs: [String]) {
    let texts = logs.map { $0.split(whereSeparator: \.isNewline).map(String.init) }
    for reading in [Self.traceback, Self.causedBy, Self.lastError] {
      for lines in texts {
        if let found = reading(lines) {
          self = found
          return
        }
      }
    }
    return nil
  }

  private static func traceback(_ lines: [String]) -> Diagnosis? {
    guard let start = lines.lastIndex(where: { $0.hasPrefix("Traceback (most recent call last)") }) else { return nil }
    // The traceback's frames are indented; the first line that is not is the exception.
    guard let end = lines[(start + 1)...].firstIndex(where: { !$0.isEmpty && !$0.hasPrefix(" ") }) else { return nil }
    let frames = lines[start..<end].filter { $0.hasPrefix("  File \"") }
    // py4j's frames are the innermost of every error that Spark raises.
    let foreign = ["/site-packages/", "/pyspark/", "/py4j", "/lib/python", "\"<frozen "]
    let own = frames.last { frame in !foreign.contains { frame.contains($0) } }
    var cause = lines[end]
    // An error of Spark's own comes wrapped; the Java exception behind it says more than its wrapper.
    if cause.hasPrefix("py4j.protocol.Py4JJavaError"), let java = lines[end...].first(where: { $0.hasPrefix(": ") }) {
      cause = String(java.dropFirst(2))
    }
    return Diagnosis(
      cause: clipped(cause), place: (own ?? frames.last).flatMap(place), excerpt: excerpt(lines, from: start, to: end))
  }

  /// `  File "/x/silver.py", line 42, in main` as `silver.py:42`.
  private static func place(_ frame: String) -> String? {
    let parts = frame.split(separator: "\"", omittingEmptySubsequences: false)
    guard parts.count >= 3, let file = parts[1].split(separator: "/").last else { return nil }
    let number = parts[2].drop { !$0.isNumber }.prefix { $0.isNumber }
    return number.isEmpty ? String(file) : "\(file):\(number)"
  }

  private static func causedBy(_ lines: [String]) -> Diagnosis? {
    guard let index = lines.lastIndex(where: { $0.hasPrefix("Caused by: ") }) else { return nil }
    return Diagnosis(
      cause: clipped(String(lines[index].dropFirst("Caused by: ".count))),
      excerpt: excerpt(lines, from: max(0, index - 2), to: min(lines.count - 1, index + 3)))
  }

  private static func lastError(_ lines: [String]) -> Diagnosis? {
    let words = ["error", "exception", "fatal", "denied", "not found", "no such"]
    let told = lines.indices.filter { index in
      let lower = lines[index].lowercased()
      return !lower.allSatisfy(\.isWhitespace) && !lower.contains(" info ") && !lower.contains(" warn ")
    }
    let telling = told.last { index in
      let lower = lines[index].lowercased()
      return words.contains { lower.contains($0) }
    }
    guard let index = telling ?? told.last else { return nil }
    return Diagnosis(cause: clipped(lines[index]), excerpt: excerpt(lines, from: max(0, index - 3), to: index))
  }

  private static func excerpt(_ lines: [String], from first: Int, to last: Int) -> [String] {
    lines[first...last].suffix(10).map(clipped)
  }

  private static func clipped(_ line: String) -> String {
    line.count > 300 ? line.prefix(300) + "..." : line
  }
}
