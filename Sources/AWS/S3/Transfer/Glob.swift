/// A pattern of paths below a folder: `*` and `?` stay within a name, `**` stands for any number of folders.
///
/// A pattern without `/` applies to names at any depth, one with `/` to the whole path. What matches a folder
/// matches all that is in it.
package struct Glob: Sendable, Hashable, CustomStringConvertible {
  package let description: String
  private let parts: [String]

  package init(_ pattern: String) {
    description = pattern
    var trimmed = Substring(pattern)
    while trimmed.hasSuffix("/") { trimmed.removeLast() }
    let isAnchored = trimmed.contains("/")
    while trimmed.hasPrefix("/") || trimmed.hasPrefix("./") { trimmed = trimmed.drop { $0 == "." }.dropFirst() }
    let names = trimmed.split(separator: "/").map(String.init)
    parts = isAnchored || names == ["**"] ? names : ["**"] + names
  }

  /// - Parameters:
  ///   - path: with `/`, relative to the folder.
  ///   - dotsAreSpecial: names that start with a dot are matched only by patterns that start with one, as in a shell.
  package func matches(_ path: String, dotsAreSpecial: Bool = false) -> Bool {
    let names = path.split(separator: "/").map(String.init)
    // `reached[i]`: the names so far can be matched by the first i parts.
    var reached = [Bool](repeating: false, count: parts.count + 1)
    reached[0] = true
    closeOverStars(&reached)
    for (depth, name) in names.enumerated() {
      var next = [Bool](repeating: false, count: parts.count + 1)
      for (index, part) in parts.enumerated() where reached[index] {
        let isHidden = dotsAreSpecial && name.hasPrefix(".")
        if part == "**" {
          if !isHidden { next[index] = true }
        } else if !isHidden || part.hasPrefix("."), Self.name(name, matches: part) {
          next[index + 1] = true
        }
      }
      closeOverStars(&next)
      reached = next
      // A folder on the way matched: so does what is in it.
      // (Unless that is hidden from this pattern.)
      if reached[parts.count], !dotsAreSpecial || !names[(depth + 1)...].contains(where: { $0.hasPrefix(".") }) {
        return true
      }
    }
    return false
  }

  /// True when it names something that starts with a dot.
  var namesHidden: Bool { parts.contains { $0.hasPrefix(".") } }

  /// `**` also stands for no folder at all.
  private func closeOverStars(_ reached: inout [Bool]) {
    for (index, part) in parts.enumerated() where reached[index] && part == "**" { reached[index + 1] = true }
  }

  /// `*` and `?` within one name, in linear time per star.
  static func name(_ name: String, matches pattern: String) -> Bool {
    let text = Array(name.unicodeScalars)
    let pattern = Array(pattern.unicodeScalars)
    var t = 0
    var p = 0
    var star: (p: Int, t: Int)?
    while t < text.count {
      if p < pattern.count, pattern[p] == "*" {
        star = (p, t)
        p += 1
      } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
        p += 1
        t += 1
      } else if let last = star {
        star = (last.p, last.t + 1)
        p = last.p + 1
        t = last.t + 1
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
  }
}
