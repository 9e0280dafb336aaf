/// A string of AWS's of which the known values have names. AWS adds values: an unknown one is kept, never
/// refused.
package protocol OpenEnum: Sendable, Hashable, Codable, CustomStringConvertible {
  init(_ text: String)
  /// As AWS spells it.
  var text: String { get }
}

extension OpenEnum {
  package init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(String.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  package var description: String { text }
}
