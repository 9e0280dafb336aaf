import CZlib

/// CRC-32 (ISO-HDLC, zlib's): S3's `x-amz-checksum-crc32`.
package struct CRC32: Sendable, Hashable {
  /// The sum so far.
  package private(set) var value: UInt32 = 0

  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    value = UInt32(
      truncatingIfNeeded: crc32_z(uLong(value), base.assumingMemoryBound(to: UInt8.self), bytes.count))
  }

  package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// Base64 of the four bytes, highest first, as S3 writes it.
  package var base64: String { Self.base64(value) }

  package static func base64(_ value: UInt32) -> String {
    Base64.encode([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) })
  }

  package static func of(_ bytes: [UInt8]) -> UInt32 {
    var sum = CRC32()
    sum.update(bytes)
    return sum.value
  }

  /// Of a file, or of a part of it, in constant memory.
  package static func of(file: String, offset: Int64 = 0, length: Int64? = nil) throws(AWSError) -> UInt32 {
    var sum = CRC32()
    try FileReader.read(file, offset: offset, length: length) { sum.update($0) }
    return sum.value
  }

  /// The sum of A followed by B, from A's sum, B's sum and B's length.
  package static func combine(_ first: UInt32, _ second: UInt32, secondLength: Int64) -> UInt32 {
    UInt32(truncatingIfNeeded: crc32_combine(uLong(first), uLong(second), Int(secondLength)))
  }
}
