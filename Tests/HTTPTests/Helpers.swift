import FoundationEssentials
import HTTP

/// A call's error; nil when there was an answer.
func failure(of client: HTTPClient, _ request: HTTPRequest) async -> HTTPError? {
  do {
    _ = try await client.execute(request)
    return nil
  } catch {
    return error
  }
}

/// A folder that goes with its last reference.
final class TemporaryFolder {
  private let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "HTTPTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }
}

/// The process's memory in KiB, from the kernel.
enum Memory {
  /// The most that it had since the last `forgetPeak`.
  static var peak: Int { value("VmHWM:") }
  static var current: Int { value("VmRSS:") }

  static func forgetPeak() { try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs")) }

  private static func value(_ name: String) -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) } ?? 0
  }
}
