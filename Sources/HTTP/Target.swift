/// Where a URL leads.
struct Target {
  /// `https://host:port`
  let origin: String
  /// `host:port`
  let authority: String

  /// Nil for what cannot be sent exactly as it is written: libcurl would guess a scheme, cut off a fragment, or
  /// turn a user's name into a header.
  init?(_ url: String) {
    let bytes = Array(url.utf8)
    guard bytes.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") }),
      let scheme = ["https://", "http://"].first(where: { url.hasPrefix($0) })
    else { return nil }
    let host = bytes.dropFirst(scheme.utf8.count).prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
    guard !host.isEmpty, host.first != UInt8(ascii: ":"), !host.contains(UInt8(ascii: "@")) else { return nil }
    authority = String(decoding: host, as: UTF8.self)
    origin = scheme + authority
  }
}
