/// Writes the small XML documents that S3 takes. Escapes text; nothing else is foreign.
package struct XMLWriter: Sendable {
  package private(set) var text = #"<?xml version="1.0" encoding="UTF-8"?>"#

  package init() {}

  package var bytes: [UInt8] { Array(text.utf8) }

  /// An element with elements in it.
  package mutating func element(
    _ name: String, attributes: [(name: String, value: String)] = [], _ content: (inout XMLWriter) -> Void
  ) {
    text += "<\(name)"
    for attribute in attributes {
      text += " \(attribute.name)=\"\(Self.escape(attribute.value))\""
    }
    text += ">"
    content(&self)
    text += "</\(name)>"
  }

  /// An element with text in it; nothing for nil.
  package mutating func element(_ name: String, _ value: String?) {
    guard let value else { return }
    text += "<\(name)>\(Self.escape(value))</\(name)>"
  }

  package mutating func element(_ name: String, _ value: Int?) {
    element(name, value.map { String($0) })
  }

  package mutating func element(_ name: String, _ value: Bool?) {
    element(name, value.map { $0 ? "true" : "false" })
  }

  /// A document of S3's namespace.
  package static func s3(_ root: String, _ content: (inout XMLWriter) -> Void) -> [UInt8] {
    var writer = XMLWriter()
    writer.element(root, attributes: [("xmlns", "http://s3.amazonaws.com/doc/2006-03-01/")], content)
    return writer.bytes
  }

  /// True when XML 1.0 can carry the text, escaped or not [XML 1.0, section 2.2, Char].
  package static func canCarry(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
      switch scalar.value {
      case 0x9, 0xA, 0xD: true
      case 0..<0x20, 0xFFFE, 0xFFFF: false
      default: true
      }
    }
  }

  static func escape(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      // A parser would turn these into spaces or other line breaks.
      case "\r", "\n", "\t": result += "&#\(scalar.value);"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
