internal import FoundationEssentials
internal import Model

/// Where the embedded AWS keeps its files and where its program is.
struct LocalFolders: Sendable {
  /// endpoint.json, the log, buckets' mirrors.
  let state: String
  /// The folder that holds `local/mrhealth_local`.
  let program: String
  let python: String

  /// - Parameter executable: path of this binary.
  /// - Throws: `Diagnostic` when the program or its Python is not installed.
  init(environment: [String: String], executable: String) throws(Diagnostic) {
    state = Self.stateFolder(environment)
    let files = FileManager.default
    let starts = [environment["MRHEALTH_HOME"]].compactMap(\.self) + Self.ancestors(of: executable)
    guard let found = starts.first(where: { files.fileExists(atPath: $0 + "/local/mrhealth_local/__init__.py") }) else {
      throw Diagnostic(
        "The embedded AWS is not installed", detail: "no folder `local/mrhealth_local` beside or above \(executable)",
        remedy: "Run mrhealth from its checkout, or set MRHEALTH_HOME to it.")
    }
    program = found + "/local"
    let candidates = [environment["MRHEALTH_PYTHON"], found + "/.venv/bin/python3"].compactMap(\.self)
    guard let python = candidates.first(where: { files.isExecutableFile(atPath: $0) }) else {
      throw Diagnostic(
        "The embedded AWS has no Python environment", detail: "looked for \(candidates.joined(separator: ", "))",
        remedy: "Run `make setup` in \(found), or set MRHEALTH_PYTHON.")
    }
    self.python = python
  }

  /// `MRHEALTH_LOCAL_DIR`, or a folder under the XDG state home
  /// (https://specifications.freedesktop.org/basedir-spec).
  static func stateFolder(_ environment: [String: String]) -> String {
    if let folder = environment["MRHEALTH_LOCAL_DIR"], !folder.isEmpty { return folder }
    let home = environment["HOME"] ?? "/tmp"
    let base = environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home + "/.local/state"
    return base + "/mrhealth/local"
  }

  /// The folder of the binary and all above it; an installed one has `share/mrhealth` beside its `bin`.
  private static func ancestors(of executable: String) -> [String] {
    var folders: [String] = []
    var path = executable[...]
    while let slash = path.lastIndex(of: "/") {
      path = path[..<slash]
      folders.append(String(path))
      folders.append(path + "/share/mrhealth")
    }
    return folders
  }
}
