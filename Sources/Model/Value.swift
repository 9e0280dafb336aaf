/// Untyped data, as written in a stack file, kept in the state and shown in a plan.
///
/// References (`${...}`) are substituted in `Value`s, before a kind decodes its typed inputs from them.
package enum Value: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case string(String)
  case list([Value])
  case object([String: Value])
  /// Not known before something else has been created; only in plans, never in a state.
  case unknown
}

extension Value {
  package subscript(_ key: String) -> Value? {
    guard case .object(let members) = self else { return nil }
    return members[key]
  }

  /// The value at a path such as `["lifecycle", "0", "prefix"]`; list positions are decimal numbers.
  package func at(_ path: some Sequence<String>) -> Value? {
    var current = self
    for step in path {
      switch current {
      case .object(let members):
        guard let next = members[step] else { return nil }
        current = next
      case .list(let items):
        guard let index = Int(step), items.indices.contains(index) else { return nil }
        current = items[index]
      default: return nil
      }
    }
    return current
  }

  package var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  package var bool: Bool? {
    if case .bool(let flag) = self { flag } else { nil }
  }

  package var int: Int64? {
    if case .int(let number) = self { number } else { nil }
  }

  package var list: [Value]? {
    if case .list(let items) = self { items } else { nil }
  }

  package var object: [String: Value]? {
    if case .object(let members) = self { members } else { nil }
  }

  package var containsUnknown: Bool {
    switch self {
    case .unknown: true
    case .list(let items): items.contains(where: \.containsUnknown)
    case .object(let members): members.values.contains(where: \.containsUnknown)
    default: false
    }
  }

  /// What a person would call this sort of value, for messages.
  package var typeName: String {
    switch self {
    case .null: "nothing"
    case .bool: "true or false"
    case .int: "a whole number"
    case .double: "a number"
    case .string: "text"
    case .list: "a list"
    case .object: "a map"
    case .unknown: "a value known after apply"
    }
  }
}

extension Value {
  /// A scalar as it would be written in text; nil for anything else.
  package var scalarText: String? {
    switch self {
    case .string(let text): text
    case .int(let number): String(number)
    case .double(let number): String(number)
    case .bool(let flag): flag ? "true" : "false"
    case .null, .list, .object, .unknown: .none
    }
  }
}

extension Value: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let flag = try? container.decode(Bool.self) {
      self = .bool(flag)
    } else if let number = try? container.decode(Int64.self) {
      self = .int(number)
    } else if let number = try? container.decode(Double.self) {
      self = .double(number)
    } else if let text = try? container.decode(String.self) {
      self = .string(text)
    } else if let items = try? container.decode([Value].self) {
      self = .list(items)
    } else {
      self = .object(try container.decode([String: Value].self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let flag): try container.encode(flag)
    case .int(let number): try container.encode(number)
    case .double(let number): try container.encode(number)
    case .string(let text): try container.encode(text)
    case .list(let items): try container.encode(items)
    case .object(let members): try container.encode(members)
    case .unknown:
      throw EncodingError.invalidValue(
        self, .init(codingPath: encoder.codingPath, debugDescription: "an unknown value cannot be stored"))
    }
  }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int64) { self = .int(value) }
  package init(arrayLiteral elements: Value...) { self = .list(elements) }
  package init(dictionaryLiteral elements: (String, Value)...) {
    self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
  }
  package init(nilLiteral: ()) { self = .null }
}
