import CExpat

extension XMLNode {
  /// Deeper than any answer of AWS; what is deeper is an attack on the stack.
  private static let maxDepth = 100
  private static let maxNodes = 4_000_000

  /// Parses an answer. Document types are refused, and with them every kind of entity but the five built in: no
  /// expansion bombs, no external entities.
  ///
  /// - Throws: `Client.Decoding` with line and column.
  package static func parse(_ bytes: [UInt8], limit: Int = 64 << 20) throws(AWSError) -> XMLNode {
    guard bytes.count <= limit else {
      throw AWSError(code: ClientCode.decoding, message: "XML of \(bytes.count) bytes is larger than \(limit)")
    }
    guard let parser = XML_ParserCreate(nil) else {
      throw AWSError(code: ClientCode.decoding, message: "out of memory for an XML parser")
    }
    defer { XML_ParserFree(parser) }
    let builder = Builder(parser: parser, maxDepth: maxDepth, maxNodes: maxNodes)
    XML_SetUserData(parser, Unmanaged.passUnretained(builder).toOpaque())
    XML_SetElementHandler(
      parser,
      { data, name, attributes in Builder.from(data)?.start(name, attributes) },
      { data, _ in Builder.from(data)?.end() })
    XML_SetCharacterDataHandler(parser) { data, text, length in Builder.from(data)?.characters(text, length) }
    XML_SetStartDoctypeDeclHandler(parser) { data, _, _, _, _ in
      Builder.from(data)?.stop("document types are not accepted")
    }

    // In pieces: expat counts in Int32.
    let isParsed = withExtendedLifetime(builder) {
      bytes.withUnsafeBytes { buffer in
        var offset = 0
        repeat {
          let count = min(1 << 20, buffer.count - offset)
          let piece = buffer[offset..<offset + count]
          offset += count
          let status = piece.withMemoryRebound(to: CChar.self) { piece in
            XML_Parse(parser, piece.baseAddress, Int32(count), offset == buffer.count ? 1 : 0)
          }
          guard status == XML_STATUS_OK else { return false }
        } while offset < buffer.count
        return true
      }
    }
    guard isParsed, builder.failure == nil, let root = builder.root else {
      let reason = builder.failure ?? XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) } ?? "empty"
      let line = XML_GetCurrentLineNumber(parser)
      let column = XML_GetCurrentColumnNumber(parser)
      throw AWSError(code: ClientCode.decoding, message: "not XML as expected: \(reason) at \(line):\(column)")
    }
    return root
  }
}

/// Collects elements while expat calls back. Lives only inside `parse`.
private final class Builder {
  private struct Open {
    var name: String
    var attributes: [String: String]
    var children: [XMLNode] = []
    var text: [UInt8] = []
  }

  private let parser: XML_Parser
  private let maxDepth: Int
  private let maxNodes: Int
  private var stack: [Open] = []
  private var nodes = 0
  private(set) var root: XMLNode?
  private(set) var failure: String?

  init(parser: XML_Parser, maxDepth: Int, maxNodes: Int) {
    self.parser = parser
    self.maxDepth = maxDepth
    self.maxNodes = maxNodes
  }

  static func from(_ data: UnsafeMutableRawPointer?) -> Builder? {
    data.map { Unmanaged<Builder>.fromOpaque($0).takeUnretainedValue() }
  }

  func stop(_ reason: String) {
    failure = failure ?? reason
    XML_StopParser(parser, XML_Bool(XML_FALSE))
  }

  func start(_ name: UnsafePointer<CChar>?, _ attributes: UnsafeMutablePointer<UnsafePointer<CChar>?>?) {
    nodes += 1
    guard stack.count < maxDepth else { return stop("elements are nested deeper than \(maxDepth)") }
    guard nodes <= maxNodes else { return stop("more than \(maxNodes) elements") }
    guard let name else { return stop("an element without a name") }
    var table: [String: String] = [:]
    var index = 0
    while let key = attributes?[index], let value = attributes?[index + 1] {
      table[String(cString: key)] = String(cString: value)
      index += 2
    }
    stack.append(Open(name: Self.local(String(cString: name)), attributes: table))
  }

  func characters(_ text: UnsafePointer<CChar>?, _ length: Int32) {
    guard let text, length > 0, !stack.isEmpty else { return }
    text.withMemoryRebound(to: UInt8.self, capacity: Int(length)) {
      stack[stack.count - 1].text += UnsafeBufferPointer(start: $0, count: Int(length))
    }
  }

  func end() {
    guard let open = stack.popLast() else { return }
    var text = String(decoding: open.text, as: UTF8.self)
    if !open.children.isEmpty { text = Self.trimmed(text) }
    let node = XMLNode(name: open.name, attributes: open.attributes, children: open.children, text: text)
    if stack.isEmpty { root = node } else { stack[stack.count - 1].children.append(node) }
  }

  private static func local(_ name: String) -> String {
    name.firstIndex(of: ":").map { String(name[name.index(after: $0)...]) } ?? name
  }

  private static func trimmed(_ text: String) -> String {
    let rest = text.drop { $0.isWhitespace }
    return String(rest.reversed().drop { $0.isWhitespace }.reversed())
  }
}
