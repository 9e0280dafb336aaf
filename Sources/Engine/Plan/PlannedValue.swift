package import Model

/// A value that may be, or hold, an unknown, and can be stored all the same: unknown is written as
/// `{"mrhealth:unknown": true}`.
package struct PlannedValue: Sendable, Hashable, Codable {
  package var value: Value

  package init(_ value: Value) {
    self.value = value
  }

  private static let marker: Value = ["mrhealth:unknown": true]

  package init(from decoder: any Decoder) throws {
    value = PlannedValue.unmarked(try Value(from: decoder))
  }

  package func encode(to encoder: any Encoder) throws {
    try PlannedValue.marked(value).encode(to: encoder)
  }

  private static func marked(_ value: Value) -> Value {
    switch value {
    case .unknown: marker
    case .list(let items): .list(items.map(marked))
    case .object(let members): .object(members.mapValues(marked))
    default: value
    }
  }

  private static func unmarked(_ value: Value) -> Value {
    switch value {
    case marker: .unknown
    case .list(let items): .list(items.map(unmarked))
    case .object(let members): .object(members.mapValues(unmarked))
    default: value
    }
  }
}

/// A member that may be absent or unknown; absent is written as null.
@propertyWrapper
package struct PlannedOptional: Sendable, Hashable, Codable {
  package var wrappedValue: Value?

  package init(wrappedValue: Value?) {
    self.wrappedValue = wrappedValue
  }

  package init(from decoder: any Decoder) throws {
    let value = try PlannedValue(from: decoder).value
    wrappedValue = .none
    if value != .null { wrappedValue = value }
  }

  package func encode(to encoder: any Encoder) throws {
    try PlannedValue(wrappedValue ?? .null).encode(to: encoder)
  }
}
