internal import FoundationEssentials
internal import Glibc

/// Plans and rescued states on this machine: files that only their owner can read, and that are there whole or not at
/// all.
enum LocalDocument {
  /// More than any that this program writes: a plan of 50,000 objects has some 20 MB.
  static let sizeLimit = 512 << 20

  static func write(_ data: Data, to path: String) throws(POSIXError) {
    let part = "\(path).\(getpid()).part"
    let descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .current }
    do throws(POSIXError) {
      defer { close(descriptor) }
      try send(data, descriptor)
      // A rename must not be seen before what it renames.
      guard fsync(descriptor) == 0 else { throw POSIXError.current }
    } catch {
      unlink(part)
      throw error
    }
    guard rename(part, path) == 0 else {
      let failure = POSIXError.current
      unlink(part)
      throw failure
    }
  }

  private static func send(_ data: Data, _ descriptor: Int32) throws(POSIXError) {
    var rest = data[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw .current
      }
    }
  }
}

extension POSIXError {
  static var current: POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }

  /// The C library's words: `Permission denied`.
  var text: String { String(cString: strerror(code.rawValue)) }
}
