/// A YAML document as it was written: every node with its position, maps in their order.
struct YAMLNode: Sendable {
  enum Content: Sendable {
    /// `plain` is false for quoted and block scalars, which are always text.
    case scalar(String, plain: Bool)
    case list([YAMLNode])
    case map([Entry])
  }

  struct Entry: Sendable {
    var key: String
    var keyPosition: SourcePosition
    var value: YAMLNode
  }

  var content: Content
  var position: SourcePosition

  /// The value by YAML 1.2's core schema: `yes`, `no`, `on` and `off` are text, not truth values.
  var value: Value {
    switch content {
    case .list(let items): .list(items.map(\.value))
    case .map(let entries):
      .object(Dictionary(entries.map { ($0.key, $0.value.value) }, uniquingKeysWith: { _, last in last }))
    case .scalar(let text, plain: false): .string(text)
    case .scalar(let text, plain: true): Self.resolve(text)
    }
  }

  private static func resolve(_ text: String) -> Value {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: break
    }
    let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
    guard let first = digits.first, first.isASCII, first.isNumber || first == "." else { return .string(text) }
    // A leading zero is an account id or a phone number, not a count.
    if digits.allSatisfy({ $0.isASCII && $0.isNumber }) {
      if digits.count > 1, first == "0" { return .string(text) }
      return Int64(text).map { .int($0) } ?? .string(text)
    }
    if digits.allSatisfy({ $0.isASCII && ($0.isNumber || ".eE+-".contains($0)) }), let number = Double(text) {
      return .double(number)
    }
    return .string(text)
  }
}
