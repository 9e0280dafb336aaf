/// A request's header fields as libcurl takes them.
enum HeaderLines {
  /// Up to here a body is sent at once; before a longer one the server's 100 Continue is waited for, so that a
  /// refusal does not cost the transfer. Bytes.
  private static let expectAbove: Int64 = 1 << 20

  /// - Throws: `invalidURL` for a field that would not arrive as it is.
  static func make(_ request: HTTPRequest, userAgent: String?) throws(HTTPError) -> [String] {
    var lines: [String] = []
    for (name, value) in request.headers {
      guard isToken(name), isValue(value) else {
        throw HTTPError(kind: .invalidURL, message: "the header field \(isToken(name) ? name : "") cannot be sent")
      }
      // libcurl tells the length of what it sends; another one would cut the next request off wrongly.
      if isSame(name, "content-length") { continue }
      guard !isSame(name, "transfer-encoding") else {
        throw HTTPError(kind: .invalidURL, message: "a body with a transfer encoding cannot be sent")
      }
      // `Name:` would mean to leave it out, and `Name;` means to send it empty.
      lines.append(value.utf8.allSatisfy { $0 == 32 || $0 == 9 } ? "\(name);" : "\(name): \(value)")
    }
    if let userAgent, isValue(userAgent), request.headers["User-Agent"] == nil {
      lines.append("User-Agent: \(userAgent)")
    }
    for implied in ["Accept", "Content-Type"] where request.headers[implied] == nil {
      lines.append("\(implied):")
    }
    if request.body.length <= expectAbove, request.headers["Expect"] == nil { lines.append("Expect:") }
    return lines
  }

  /// RFC 9110, 5.6.2.
  static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }

  private static func isValue(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 >= 32 && $0 != 127 || $0 == 9 }
  }

  private static func isSame(_ name: String, _ lowercase: String) -> Bool {
    name.utf8.count == lowercase.utf8.count && name.lowercased() == lowercase
  }
}
