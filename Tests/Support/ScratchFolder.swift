internal import FoundationEssentials

/// A folder that goes with the object.
package final class ScratchFolder: Sendable {
  package let path: String

  package init() throws {
    path = "/tmp/mrhealth-scratch-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    // What stays is left for the system's own cleaning of /tmp.
    try? FileManager.default.removeItem(atPath: path)
  }

  package func write(_ name: String, _ text: String) throws {
    let file = "\(path)/\(name)"
    if let slash = file.lastIndex(of: "/") {
      try FileManager.default.createDirectory(atPath: String(file[..<slash]), withIntermediateDirectories: true)
    }
    try Data(text.utf8).write(to: URL(filePath: file))
  }

  package func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
}
