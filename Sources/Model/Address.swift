/// The name of a resource in its stack: its kind and its own name, written `s3.bucket.lake`.
package struct Address: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  /// The type of resource, always of two words: `s3.bucket`.
  package let kind: String
  /// The key under its section in the stack file.
  package let name: String

  package init(kind: String, name: String) {
    self.kind = kind
    self.name = name
  }

  /// Reads `kind.kind.name`; nil when the text is not of that form.
  package init?(_ text: String) {
    let words = text.split(separator: ".", omittingEmptySubsequences: false)
    guard words.count == 3, words.allSatisfy({ !$0.isEmpty && $0.allSatisfy(Address.isNameCharacter) }) else {
      return nil
    }
    self.init(kind: "\(words[0]).\(words[1])", name: String(words[2]))
  }

  package var description: String { "\(kind).\(name)" }

  package static func < (left: Address, right: Address) -> Bool {
    left.description < right.description
  }

  package static func isNameCharacter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || character == "_" || character == "-")
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let address = Address(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is not an address")
    }
    self = address
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
