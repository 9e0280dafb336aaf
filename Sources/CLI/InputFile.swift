internal import Glibc
internal import Model

/// A file that somebody else wrote, read whole but never more than is sensible.
enum InputFile {
  /// - Parameters:
  ///   - path: `-` for standard input.
  ///   - limit: bytes. One more than that is read, so that the caller sees that it is too large.
  /// - Throws: `Diagnostic` when it cannot be read.
  static func read(_ path: String, limit: Int) throws(Diagnostic) -> [UInt8] {
    if path == "-" { return try read(STDIN_FILENO, "standard input", limit) }
    // Without waiting for the other end of a pipe.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(path, String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw unreadable(path, "it is not a file")
    }
    return try read(descriptor, path, limit)
  }

  private static func read(_ descriptor: Int32, _ name: String, _ limit: Int) throws(Diagnostic) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= limit {
      let wanted = min(chunk.count, limit + 1 - bytes.count)
      let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, wanted) }
      if count == 0 { break }
      if count > 0 {
        bytes += chunk.prefix(count)
      } else if errno != EINTR {
        throw unreadable(name, String(cString: strerror(errno)))
      }
    }
    return bytes
  }

  private static func unreadable(_ name: String, _ cause: String) -> Diagnostic {
    Diagnostic("\(name) cannot be read", detail: cause, remedy: "Check the path and its permissions.")
  }
}
