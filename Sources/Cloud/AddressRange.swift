internal import Glibc
internal import Model

/// IP addresses that share their first bits, as a security group's rule names them.
enum AddressRange {
  /// The range as EC2 gives it back: without the bits after the prefix, IPv6 in its shortest form
  /// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html). A prefix list's id stays as it is.
  static func canonical(_ text: String) throws(Diagnostic) -> String {
    if text.hasPrefix("pl-") { return text }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, let bits = Int(parts[1]), String(bits) == parts[1] else { throw refused(text) }
    let (family, size) = parts[0].contains(":") ? (AF_INET6, 16) : (AF_INET, 4)
    var bytes = [UInt8](repeating: 0, count: size)
    guard inet_pton(family, parts[0], &bytes) == 1, (0...size * 8).contains(bits) else { throw refused(text) }
    for index in bytes.indices {
      let kept = min(8, max(0, bits - index * 8))
      bytes[index] &= UInt8(truncatingIfNeeded: 0xFF00 >> kept)
    }
    var name = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(family, &bytes, &name, socklen_t(name.count)) != nil else { throw refused(text) }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) + "/\(bits)"
  }

  private static func refused(_ text: String) -> Diagnostic {
    Diagnostic(
      "`\(text)` is no range of addresses", detail: "expected e.g. 203.0.113.0/24 or 2001:db8::/32",
      remedy: "For a single address write /32 behind it, or /128 behind one of IPv6.")
  }
}
