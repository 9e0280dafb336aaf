internal import AWS

/// gzip without compression (RFC 1952 around one stored block of RFC 1951), as a log that EMR has written.
package func gzip(_ text: String) -> [UInt8] {
  let bytes = [UInt8](text.utf8)
  let length = UInt16(clamping: bytes.count)
  func little(_ number: UInt32, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) }
  }
  return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1] + little(UInt32(length), 2) + little(UInt32(~length), 2)
    + bytes + little(CRC32.of(bytes), 4) + little(UInt32(bytes.count), 4)
}
