/// Tags, which AWS's JSON services send as a list of `Key` and `Value`. Sent sorted by key.
package struct TagList: Sendable, Hashable, Codable, ExpressibleByDictionaryLiteral {
  package var values: [String: String]

  package init(_ values: [String: String]) {
    self.values = values
  }

  package init(dictionaryLiteral elements: (String, String)...) {
    values = Dictionary(elements) { _, last in last }
  }

  package init(from decoder: any Decoder) throws {
    let pairs = try decoder.singleValueContainer().decode([Pair].self)
    values = Dictionary(pairs.map { ($0.key, $0.value ?? "") }) { _, last in last }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(values.sorted { $0.key < $1.key }.map { Pair(key: $0.key, value: $0.value) })
  }

  private struct Pair: Codable {
    var key: String
    var value: String?
  }
}
