internal import AWS
package import FoundationEssentials

/// Names one execution of the pipeline: its start in UTC and six random letters, so that ids sort by time.
package struct RunID: Sendable, Hashable, Codable, CustomStringConvertible {
  package let text: String

  package init(started: Date) {
    let letters = "0123456789abcdefghjkmnpqrstvwxyz"
    let random = String((0..<6).compactMap { _ in letters.randomElement() })
    text = "\(AWSTime.compact(started))-\(random)"
  }

  package init(_ text: String) {
    self.text = text
  }

  package init(from decoder: any Decoder) throws {
    text = try decoder.singleValueContainer().decode(String.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  package var description: String { text }
}
