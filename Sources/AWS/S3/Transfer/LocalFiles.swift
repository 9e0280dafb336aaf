#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A file that is to become an object.
package struct LocalFile: Sendable, Hashable {
  /// Below the folder that was scanned, with `/`; the key's last part.
  package var relativePath: String
  package var absolutePath: String
  /// Bytes, when it was scanned.
  package var size: Int64

  package init(relativePath: String, absolutePath: String, size: Int64) {
    self.relativePath = relativePath
    self.absolutePath = absolutePath
    self.size = size
  }
}

package enum LocalFiles {
  /// The files below a folder, in order of their paths.
  ///
  /// Links to files are followed, links to folders are not. What starts with a dot (`.git`, `.DS_Store`) counts only
  /// when an `include` pattern names it with its dot.
  /// - Parameters:
  ///   - include: nothing else is taken; empty for all.
  ///   - exclude: is left out, even when included.
  /// - Throws: missing, unreadable: a file that cannot be taken is never silently left out.
  package static func scan(
    _ root: String, include: [Glob] = [], exclude: [Glob] = []
  ) throws(TransferError) -> [LocalFile] {
    let include = include.isEmpty ? [Glob("**")] : include
    let takesHidden = include.contains { $0.namesHidden }
    var found: [LocalFile] = []
    var pending = [""]
    while let folder = pending.popLast() {
      for name in try names(in: join(root, folder)) {
        let isHidden = name.hasPrefix(".")
        if isHidden, !takesHidden { continue }
        let relative = folder.isEmpty ? name : "\(folder)/\(name)"
        if exclude.contains(where: { $0.matches(relative) }) { continue }
        let path = join(root, relative)
        var info = stat()
        guard lstat(path, &info) == 0 else { throw FileStamp.failure(path, errno) }
        if info.st_mode & S_IFMT == S_IFDIR {
          pending.append(relative)
          continue
        }
        guard include.contains(where: { $0.matches(relative, dotsAreSpecial: true) }) else { continue }
        if info.st_mode & S_IFMT == S_IFLNK, stat(path, &info) != 0 { throw FileStamp.failure(path, errno) }
        guard info.st_mode & S_IFMT == S_IFREG else { continue }
        found.append(LocalFile(relativePath: relative, absolutePath: path, size: Int64(info.st_size)))
      }
    }
    return found.sorted { $0.relativePath < $1.relativePath }
  }

  private static func join(_ folder: String, _ name: String) -> String {
    name.isEmpty ? folder : folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }

  private static func names(in folder: String) throws(TransferError) -> [String] {
    guard let directory = opendir(folder) else { throw FileStamp.failure(folder, errno) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
          String(validatingCString: $0)
        }
      }
      guard let name else {
        throw TransferError(.unreadable, path: folder, message: "holds a file whose name is not UTF-8")
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
