#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Brings objects into files. A file appears under its name only when it is complete.
package struct S3Downloader: Sendable {
  let s3: S3Client
  let concurrency: Int

  package init(_ s3: S3Client, concurrency: Int = 8) {
    self.s3 = s3
    self.concurrency = concurrency
  }

  /// Replaces the file; makes the folders that lead to it.
  /// - Returns: nil when there is no such object; then nothing is written.
  package func download(
    bucket: String, key: String, versionID: String? = nil, to path: String
  ) async throws(TransferError) -> S3.StoredObject? {
    try Self.makeFolders(above: path)
    // Beside its target: renaming works only within one file system.
    let partial = "\(path).part-\(getpid())-\(String(UInt32.random(in: 0 ... .max), radix: 36))"
    let object: S3.StoredObject?
    do throws(AWSError) {
      object = try await s3.getObject(bucket: bucket, key: key, versionID: versionID, to: partial)
    } catch {
      unlink(partial)
      throw TransferError(error, path: "s3://\(bucket)/\(key)")
    }
    guard let object else {
      unlink(partial)
      return nil
    }
    // An empty object may leave no file behind.
    if object.size == 0 { close(open(partial, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)) }
    guard rename(partial, path) == 0 else {
      let cause = String(cString: strerror(errno))
      unlink(partial)
      throw TransferError(.unwritable, path: path, message: cause)
    }
    return object
  }

  /// Brings the objects whose keys start with `prefix` into a folder, under what follows the prefix.
  /// - Parameters:
  ///   - matching: of what follows the prefix; empty for all.
  ///   - each: after each file, on any thread.
  /// - Returns: the files, in order of their keys. Objects that vanish meanwhile are left out.
  /// - Throws: unsafeKey for keys that would lead out of the folder.
  package func download(
    bucket: String, prefix: String, to folder: String, matching: [Glob] = [],
    each: (@Sendable (LocalFile) -> Void)? = nil
  ) async throws(TransferError) -> [LocalFile] {
    let objects: [S3.ObjectSummary]
    do throws(AWSError) {
      objects = try await s3.listObjects(bucket, prefix: prefix)
    } catch {
      throw TransferError(error, path: "s3://\(bucket)/\(prefix)")
    }
    var wanted: [(key: String, path: String)] = []
    for object in objects {
      var path = object.key.dropFirst(prefix.count)
      if !prefix.hasSuffix("/"), path.hasPrefix("/") { path = path.dropFirst() }
      // The marker objects that consoles make for "folders".
      if path.isEmpty || path.hasSuffix("/") { continue }
      guard matching.isEmpty || matching.contains(where: { $0.matches(String(path)) }) else { continue }
      let names = path.split(separator: "/", omittingEmptySubsequences: false)
      guard !names.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }), !path.contains("\0") else {
        throw TransferError(
          .unsafeKey, path: "s3://\(bucket)/\(object.key)", message: "this key does not name a file below \(folder)")
      }
      wanted.append((object.key, String(path)))
    }
    let files = try await concurrently(wanted, limit: concurrency) { item throws(TransferError) in
      let path = "\(folder)/\(item.path)"
      guard let object = try await download(bucket: bucket, key: item.key, to: path) else {
        return LocalFile?.none
      }
      let file = LocalFile(relativePath: item.path, absolutePath: path, size: object.size)
      each?(file)
      return file
    }
    return files.compactMap { $0 }
  }

  private static func makeFolders(above path: String) throws(TransferError) {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
    let folder = String(path[..<slash])
    if mkdir(folder, 0o755) == 0 || errno == EEXIST { return }
    if errno == ENOENT {
      try makeFolders(above: folder)
      if mkdir(folder, 0o755) == 0 || errno == EEXIST { return }
    }
    throw TransferError(.unwritable, path: folder, message: String(cString: strerror(errno)))
  }
}
