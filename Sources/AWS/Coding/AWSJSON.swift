import FoundationEssentials

/// JSON as AWS's services write it. Members are Swift's `lowerCamelCase`; on the wire their first letter is a
/// capital (`.capitalised`) or they stay as written (SSO, Scheduler's embedded inputs). Keys of dictionaries are data
/// and never changed. Dates are seconds since 1970 with a fraction.
package enum AWSJSON {
  package enum Keys: Sendable, Hashable {
    case capitalised
    case asWritten
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  package static func encode(_ value: some Encodable, keys: Keys = .capitalised) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .secondsSince1970
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if keys == .capitalised {
      encoder.keyEncodingStrategy = .custom { path in
        let name = path.last?.stringValue ?? ""
        return Key(stringValue: name.prefix(1).uppercased() + name.dropFirst())
      }
    }
    return Array(try encoder.encode(value))
  }

  package static func decode<Value: Decodable>(
    _ type: Value.Type, from bytes: [UInt8], keys: Keys = .capitalised
  ) throws -> Value {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .secondsSince1970
    if keys == .capitalised {
      decoder.keyDecodingStrategy = .custom { path in
        let name = path.last?.stringValue ?? ""
        return Key(stringValue: name.prefix(1).lowercased() + name.dropFirst())
      }
    }
    return try decoder.decode(type, from: Data(bytes))
  }
}
