#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Reads a local file in pieces, for hashing bodies that do not fit into memory.
enum FileReader {
  private static let piece = 1 << 18

  /// Hands out the bytes from `offset`, `length` of them or all that follow.
  ///
  /// - Throws: `Client.LocalFile` when the file cannot be read or ends early.
  static func read(
    _ path: String, offset: Int64, length: Int64?, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(AWSError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path, errno) }
    defer { close(descriptor) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 64)
    defer { buffer.deallocate() }
    var position = offset
    var left = length ?? .max
    while left > 0 {
      let got = pread(descriptor, buffer.baseAddress, Int(min(Int64(piece), left)), off_t(position))
      if got < 0 {
        if errno == EINTR { continue }
        throw failure(path, errno)
      }
      if got == 0 {
        guard length == nil else {
          throw AWSError(code: ClientCode.localFile, message: "\(path) became shorter while it was read")
        }
        return
      }
      body(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
      position += Int64(got)
      left -= Int64(got)
    }
  }

  static func hash(
    _ path: String, offset: Int64, length: Int64?, _ algorithm: DigestAlgorithm
  ) throws(AWSError) -> [UInt8] {
    let hasher = DigestHasher(algorithm)
    try read(path, offset: offset, length: length) { hasher.update($0) }
    return hasher.finish()
  }

  private static func failure(_ path: String, _ code: Int32) -> AWSError {
    AWSError(code: ClientCode.localFile, message: "cannot read \(path): \(String(cString: strerror(code)))")
  }
}
