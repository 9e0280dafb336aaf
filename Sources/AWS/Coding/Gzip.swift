import CZlib

/// gzip (RFC 1952), as EMR compresses its logs.
package enum Gzip {
  private static let piece = 1 << 16

  /// Uncompresses one or several members; bytes after the last member that are not gzip are ignored, as gunzip does.
  ///
  /// - Throws: `Client.Decoding` when it is not gzip, is damaged or cut; `Client.AnswerTooLarge` beyond `limit` bytes.
  package static func decompress(_ bytes: [UInt8], limit: Int) throws(AWSError) -> [UInt8] {
    var stream = z_stream()
    // 15 + 16: the largest window, gzip headers only.
    guard inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw AWSError(code: ClientCode.decoding, message: "zlib cannot be started")
    }
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: piece)
    var offset = 0
    while true {
      // avail_in counts in 32 bits.
      let count = min(1 << 30, bytes.count - offset)
      let (status, consumed, produced) = bytes.withUnsafeBufferPointer { input in
        buffer.withUnsafeMutableBufferPointer { room in
          // zlib does not write through next_in; its type only lacks the const.
          stream.next_in = input.baseAddress.map { UnsafeMutablePointer(mutating: $0 + offset) }
          stream.avail_in = UInt32(count)
          stream.next_out = room.baseAddress
          stream.avail_out = UInt32(room.count)
          let status = inflate(&stream, Z_NO_FLUSH)
          return (status, count - Int(stream.avail_in), room.count - Int(stream.avail_out))
        }
      }
      offset += consumed
      guard output.count + produced <= limit else {
        throw AWSError(code: ClientCode.tooLarge, message: "uncompressed it is larger than \(limit) bytes")
      }
      output += buffer[..<produced]
      switch status {
      case Z_STREAM_END:
        guard bytes.count - offset >= 2, bytes[offset] == 0x1f, bytes[offset + 1] == 0x8b else { return output }
        inflateReset(&stream)
      case Z_OK where consumed > 0 || produced > 0: continue
      case Z_OK, Z_BUF_ERROR: throw AWSError(code: ClientCode.decoding, message: "the gzip data ends early")
      default: throw AWSError(code: ClientCode.decoding, message: "damaged or not gzip (zlib error \(status))")
      }
    }
  }
}
