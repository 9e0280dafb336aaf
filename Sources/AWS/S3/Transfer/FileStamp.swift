#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// What shows whether a file has changed: which file it is, how long, and when it was last written.
struct FileStamp: Sendable, Hashable {
  var device: UInt64
  var inode: UInt64
  var size: Int64
  var seconds: Int
  var nanoseconds: Int

  /// Follows symbolic links.
  /// - Throws: missing, unreadable, notAFile
  static func of(_ path: String) throws(TransferError) -> FileStamp {
    var info = stat()
    guard stat(path, &info) == 0 else { throw failure(path, errno) }
    return try FileStamp(info, path)
  }

  private init(_ info: stat, _ path: String) throws(TransferError) {
    guard info.st_mode & S_IFMT == S_IFREG else {
      throw TransferError(.notAFile, path: path, message: "is not a file")
    }
    device = UInt64(info.st_dev)
    inode = UInt64(info.st_ino)
    size = Int64(info.st_size)
    seconds = info.st_mtim.tv_sec
    nanoseconds = info.st_mtim.tv_nsec
  }

  static func failure(_ path: String, _ code: Int32) -> TransferError {
    TransferError(
      code == ENOENT || code == ENOTDIR ? .missing : .unreadable, path: path, message: String(cString: strerror(code)))
  }

  static func changed(_ path: String) -> TransferError {
    TransferError(.changed, path: path, message: "changed while it was uploaded; try again when nothing writes to it")
  }

  /// - Throws: changed, when the file is not what it was when this stamp was taken.
  func check(_ path: String) throws(TransferError) {
    guard try FileStamp.of(path) == self else { throw FileStamp.changed(path) }
  }

  /// The whole content of a small file, and the proof that it is one moment's content.
  /// - Parameter limit: bytes; nil comes back for a longer file.
  static func read(_ path: String, limit: Int) throws(TransferError) -> (bytes: [UInt8], stamp: FileStamp)? {
    // Not blocking: opening a pipe would wait for a writer, before it can be seen that it is one.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure(path, errno) }
    defer { close(descriptor) }
    func stamp() throws(TransferError) -> FileStamp {
      var info = stat()
      guard fstat(descriptor, &info) == 0 else { throw failure(path, errno) }
      return try FileStamp(info, path)
    }
    let before = try stamp()
    guard before.size <= limit else { return nil }
    let length = Int(before.size)
    var failed: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
      while count < length {
        let got = pread(descriptor, buffer.baseAddress?.advanced(by: count), length - count, off_t(count))
        if got < 0, errno == EINTR { continue }
        if got < 0 { failed = errno }
        if got <= 0 { return }
        count += got
      }
    }
    if failed != 0 { throw failure(path, failed) }
    guard bytes.count == length, try stamp() == before else { throw changed(path) }
    return (bytes, before)
  }
}
