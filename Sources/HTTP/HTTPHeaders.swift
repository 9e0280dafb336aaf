/// Header fields in their order; names compare without case (RFC 9110, 5.1).
package struct HTTPHeaders: Sendable, Hashable, Sequence, ExpressibleByDictionaryLiteral {
  fileprivate struct Field: Sendable, Hashable {
    var name: String
    var value: String
  }

  private var fields: [Field] = []

  package init() {}

  package init(dictionaryLiteral elements: (String, String)...) {
    fields = elements.map { Field(name: $0.0, value: $0.1) }
  }

  package var count: Int { fields.count }
  package var isEmpty: Bool { fields.isEmpty }

  /// The first value of a name.
  package subscript(_ name: String) -> String? {
    fields.first { Self.isSame($0.name, name) }?.value
  }

  package func values(_ name: String) -> [String] {
    fields.filter { Self.isSame($0.name, name) }.map(\.value)
  }

  package mutating func add(_ name: String, _ value: String) {
    fields.append(Field(name: name, value: value))
  }

  /// Replaces all values of a name by one, at the place of the first.
  package mutating func set(_ name: String, _ value: String) {
    guard let place = fields.firstIndex(where: { Self.isSame($0.name, name) }) else { return add(name, value) }
    fields[place] = Field(name: name, value: value)
    var isFirst = true
    fields.removeAll { field in
      guard Self.isSame(field.name, name) else { return false }
      defer { isFirst = false }
      return !isFirst
    }
  }

  package mutating func remove(_ name: String) {
    fields.removeAll { Self.isSame($0.name, name) }
  }

  package struct Iterator: IteratorProtocol {
    private var rest: IndexingIterator<[Field]>

    fileprivate init(_ fields: [Field]) { rest = fields.makeIterator() }

    package mutating func next() -> (name: String, value: String)? {
      rest.next().map { ($0.name, $0.value) }
    }
  }

  package func makeIterator() -> Iterator { Iterator(fields) }

  /// Only ASCII letters have case in a name.
  private static func isSame(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).allSatisfy { lowered($0) == lowered($1) }
  }

  private static func lowered(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }
}
