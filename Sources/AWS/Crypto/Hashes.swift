/// SHA-256 (FIPS 180-4).
package enum SHA256 {
  /// Hash of no bytes, which every request without a body carries.
  package static let emptyHex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

  package static func hash(_ bytes: [UInt8]) -> [UInt8] { DigestAlgorithm.sha256.hash(bytes) }
  package static func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] { DigestAlgorithm.sha256.hash(bytes) }
  package static func hex(_ bytes: [UInt8]) -> String { bytes.isEmpty ? emptyHex : Hex.encode(hash(bytes)) }
  package static func hex(_ text: String) -> String { Hex.encode(DigestAlgorithm.sha256.hash(text)) }

  /// Of a file, or of a part of it, in constant memory.
  package static func hex(file: String, offset: Int64 = 0, length: Int64? = nil) throws(AWSError) -> String {
    Hex.encode(try FileReader.hash(file, offset: offset, length: length, .sha256))
  }
}

/// SHA-1: names of files in SSO's token cache, nothing else.
package enum SHA1 {
  package static func hash(_ text: String) -> [UInt8] { DigestAlgorithm.sha1.hash(text) }
  package static func hex(_ text: String) -> String { Hex.encode(hash(text)) }
}

/// MD5: `Content-MD5` and comparison with S3's ETags of single-part objects.
package enum MD5 {
  package static func hash(_ bytes: [UInt8]) -> [UInt8] { DigestAlgorithm.md5.hash(bytes) }
  package static func hex(_ bytes: [UInt8]) -> String { Hex.encode(hash(bytes)) }
  package static func hex(file: String, offset: Int64 = 0, length: Int64? = nil) throws(AWSError) -> String {
    Hex.encode(try FileReader.hash(file, offset: offset, length: length, .md5))
  }
}

/// HMAC-SHA-256 (RFC 2104), over the same reused contexts as the plain hash.
package enum HMAC {
  private static let block = 64

  package static func sha256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    var padded = key.count > block ? SHA256.hash(key) : key
    padded += [UInt8](repeating: 0, count: block - padded.count)
    let inner = SHA256.hash(padded.map { $0 ^ 0x36 } + message)
    return SHA256.hash(padded.map { $0 ^ 0x5c } + inner)
  }

  package static func sha256(key: [UInt8], _ message: String) -> [UInt8] { sha256(key: key, Array(message.utf8)) }
}

package enum Hex {
  private static let digits = Array("0123456789abcdef".utf8)

  /// Lower case.
  package static func encode(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
      var at = 0
      for byte in bytes {
        buffer[at] = digits[Int(byte >> 4)]
        buffer[at + 1] = digits[Int(byte & 15)]
        at += 2
      }
      return at
    }
  }
}

package enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// RFC 4648, padded.
  package static func encode(_ bytes: [UInt8]) -> String {
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    var index = 0
    while index < bytes.count {
      let left = bytes.count - index
      let first = bytes[index]
      let second = left > 1 ? bytes[index + 1] : 0
      let third = left > 2 ? bytes[index + 2] : 0
      out.append(alphabet[Int(first >> 2)])
      out.append(alphabet[Int((first & 3) << 4 | second >> 4)])
      out.append(left > 1 ? alphabet[Int((second & 15) << 2 | third >> 6)] : UInt8(ascii: "="))
      out.append(left > 2 ? alphabet[Int(third & 63)] : UInt8(ascii: "="))
      index += 3
    }
    return String(decoding: out, as: UTF8.self)
  }
}
