/// What stands between `${` and `}`: a name of something whose value is put in its place.
package struct Reference: Sendable, Hashable, CustomStringConvertible {
  /// The words between the dots.
  package let path: [String]

  /// First words that never name a resource: `account`, `region`, `stack`, `var.NAME`, `run.NAME`.
  package static let reservedRoots: Set<String> = ["account", "region", "stack", "var", "run"]

  package init(path: [String]) {
    self.path = path
  }

  /// Reads `s3.bucket.lake.arn`; nil when it is not words between dots.
  package init?(_ text: String) {
    let words = text.split(separator: ".", omittingEmptySubsequences: false)
    guard words.allSatisfy({ !$0.isEmpty && $0.allSatisfy(Address.isNameCharacter) }) else { return nil }
    self.init(path: words.map(String.init))
  }

  package var text: String { path.joined(separator: ".") }
  package var description: String { "${\(text)}" }

  package var isReserved: Bool { path.first.map(Reference.reservedRoots.contains) ?? true }

  /// The resource it names; nil for the reserved roots and for what is too short to be an address.
  package var address: Address? {
    guard !isReserved, path.count >= 3 else { return nil }
    return Address(kind: "\(path[0]).\(path[1])", name: path[2])
  }

  /// The path within the resource's outputs, e.g. `["arn"]`.
  package var attribute: [String] { address == nil ? [] : Array(path.dropFirst(3)) }
}

/// Text with references in it: `s3://${s3.bucket.code.id}/logs/`. `$${` stands for a literal `${`.
package enum Template {
  package enum Segment: Sendable, Hashable {
    case text(String)
    case reference(Reference)
  }

  /// True when the text needs parsing at all; most does not.
  package static func isPlain(_ text: String) -> Bool {
    !text.utf8.contains(UInt8(ascii: "$"))
  }

  /// The segments in order; neighbouring text is one segment, empty text none.
  package static func parse(_ text: String) throws(Diagnostic) -> [Segment] {
    var segments: [Segment] = []
    var literal = ""
    var rest = Substring(text)
    while let dollar = rest.firstIndex(of: "$") {
      literal += rest[..<dollar]
      let tail = rest[dollar...]
      if tail.hasPrefix("$${") {
        literal += "${"
        rest = tail.dropFirst(3)
      } else if tail.hasPrefix("${") {
        let (reference, after) = try readReference(tail.dropFirst(2))
        if !literal.isEmpty { segments.append(.text(literal)) }
        literal = ""
        segments.append(.reference(reference))
        rest = after
      } else {
        literal += "$"
        rest = tail.dropFirst()
      }
    }
    literal += rest
    if !literal.isEmpty { segments.append(.text(literal)) }
    return segments
  }

  private static func readReference(_ text: Substring) throws(Diagnostic) -> (Reference, Substring) {
    guard let end = text.firstIndex(of: "}") else {
      throw Diagnostic(
        "Reference without an end", detail: "\"${\(text)\" has no closing }.",
        remedy: "Close it with }, or write $${ for a literal ${.")
    }
    let inner = text[..<end]
    guard let reference = Reference(String(inner)) else {
      throw Diagnostic(
        "Not a reference: ${\(inner)}",
        detail: "A reference is words between dots, such as ${s3.bucket.lake.arn} or ${var.name}.",
        remedy: "Write $${ for a literal ${.")
    }
    return (reference, text[text.index(after: end)...])
  }
}

extension Value {
  /// Every reference in it, in a stable order, each time it occurs. Text that is no valid template has none.
  package func references() -> [Reference] {
    referencesByPath().map(\.reference)
  }

  /// Every reference with the path of the text that holds it.
  package func referencesByPath() -> [(path: [String], reference: Reference)] {
    var found: [(path: [String], reference: Reference)] = []
    forEachText { path, text in
      guard let segments = try? Template.parse(text) else { return }
      for case .reference(let reference) in segments {
        found.append((path, reference))
      }
    }
    return found
  }

  /// What is wrong with the templates in it, with the path of the text.
  package func templateProblems() -> [(path: [String], problem: Diagnostic)] {
    var found: [(path: [String], problem: Diagnostic)] = []
    forEachText { path, text in
      do throws(Diagnostic) {
        _ = try Template.parse(text)
      } catch {
        found.append((path, error))
      }
    }
    return found
  }

  /// Calls with every text that may be a template.
  private func forEachText(at path: [String] = [], _ body: ([String], String) -> Void) {
    switch self {
    case .string(let text) where !Template.isPlain(text): body(path, text)
    case .list(let items):
      for (index, item) in items.enumerated() { item.forEachText(at: path + ["\(index)"], body) }
    case .object(let members):
      for (key, member) in members.sorted(by: { $0.key < $1.key }) { member.forEachText(at: path + [key], body) }
    default: break
    }
  }

  /// References replaced by what `lookup` gives. Text that is exactly one reference takes the value with its
  /// type; within other text, values are rendered. A text with an unknown in it is unknown. Where `lookup`
  /// gives nil, the reference stays as written.
  ///
  /// To be done once: the result is data, in which `${` has no meaning any more.
  package func substituting(_ lookup: (Reference) throws -> Value?) rethrows -> Value {
    switch self {
    case .string(let text):
      guard !Template.isPlain(text), let segments = try? Template.parse(text) else { return self }
      return try Value.join(segments, lookup)
    case .list(let items): return .list(try items.map { try $0.substituting(lookup) })
    case .object(let members): return .object(try members.mapValues { try $0.substituting(lookup) })
    default: return self
    }
  }

  private static func join(_ segments: [Template.Segment], _ lookup: (Reference) throws -> Value?) rethrows -> Value {
    if segments.count == 1, case .reference(let only) = segments[0] {
      return try lookup(only) ?? .string(only.description)
    }
    var text = ""
    var isUnknown = false
    for segment in segments {
      switch segment {
      case .text(let literal): text += literal
      case .reference(let reference):
        let value = try lookup(reference)
        isUnknown = isUnknown || (value?.containsUnknown ?? false)
        text += value?.rendered ?? reference.description
      }
    }
    return isUnknown ? .unknown : .string(text)
  }

  /// As it stands inside other text: scalars bare, lists and maps as compact JSON with sorted keys.
  package var rendered: String {
    switch self {
    case .null, .unknown: ""
    case .string(let text): text
    default: compactJSON
    }
  }

  private var compactJSON: String {
    switch self {
    case .null, .unknown: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .int(let number): "\(number)"
    case .double(let number): "\(number)"
    case .string(let text): Value.quoted(text)
    case .list(let items): "[" + items.map(\.compactJSON).joined(separator: ",") + "]"
    case .object(let members):
      "{"
        + members.sorted { $0.key < $1.key }.map { "\(Value.quoted($0.key)):\($0.value.compactJSON)" }
        .joined(separator: ",") + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
