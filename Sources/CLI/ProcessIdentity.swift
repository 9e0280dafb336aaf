internal import Engine
internal import FoundationEssentials
internal import Glibc

/// One process of one boot of one machine: a number alone may be another process by tomorrow, and containers on one
/// machine count their processes each for itself. Source: proc(5), /proc/PID/stat, and pid_namespaces(7).
struct ProcessIdentity: Equatable {
  /// Of the running kernel, new at each boot.
  var boot: String
  /// Whose process numbers these are: `pid:[4026531836]`.
  var namespace: String
  var pid: Int
  /// In clock ticks since boot.
  var started: String

  /// `c6e7.../pid:[4026531836]/4711/123456`
  var text: String { "\(boot)/\(namespace)/\(pid)/\(started)" }

  init(boot: String, namespace: String, pid: Int, started: String) {
    self.boot = boot
    self.namespace = namespace
    self.pid = pid
    self.started = started
  }

  /// Nil for what is not an identity's text.
  init?(_ text: String) {
    let parts = text.split(separator: "/").map(String.init)
    guard parts.count == 4, let pid = Int(parts[2]), pid > 0 else { return nil }
    self.init(boot: parts[0], namespace: parts[1], pid: pid, started: parts[3])
  }

  /// This process; nil where there is no /proc.
  static var current: ProcessIdentity? { of(Int(getpid())) }

  /// A process that can be seen from here; nil when there is none.
  static func of(_ pid: Int) -> ProcessIdentity? {
    guard let here, let found = look(pid) else { return nil }
    return ProcessIdentity(boot: here.boot, namespace: here.namespace, pid: pid, started: found.started)
  }

  /// True when the lock's holder ran here and does not any more. False whenever that cannot be told.
  @Sendable static func isGone(_ holder: LockRecord) -> Bool {
    guard let here, let process = holder.process.flatMap(ProcessIdentity.init),
      process.boot == here.boot, process.namespace == here.namespace
    else { return false }
    guard FileManager.default.fileExists(atPath: "/proc/\(process.pid)") else { return true }
    guard let found = look(process.pid) else { return false }
    // Z and X: it has ended, its parent has not looked yet.
    return found.started != process.started || found.state == "Z" || found.state == "X"
  }

  private static var here: (boot: String, namespace: String)? {
    guard let boot = read("/proc/sys/kernel/random/boot_id"),
      let namespace = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
    else { return nil }
    return (boot.filter { !$0.isWhitespace }, namespace)
  }

  /// The third and the 22nd field of /proc/PID/stat, counted behind the name, which may hold anything.
  private static func look(_ pid: Int) -> (state: String, started: String)? {
    guard let text = read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ").map(String.init)
    guard fields.count > 19 else { return nil }
    return (fields[0], fields[19])
  }

  private static func read(_ path: String) -> String? {
    // Files of /proc have no size that could be asked for beforehand.
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = fread(&bytes, 1, bytes.count, file)
    return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
  }
}
