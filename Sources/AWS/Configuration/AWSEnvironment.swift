import FoundationEssentials
package import Logging

#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// All that configuration and credentials take from the machine, so that a test can inject every bit of it. Nothing else
/// in this module reads the environment, the home folder or a configuration file.
package struct AWSEnvironment: Sendable, CustomStringConvertible, CustomReflectable {
  /// What a command answered. Its output may hold secrets: it is never logged or shown.
  package struct ProcessResult: Sendable {
    /// 0 for success; nil when a signal ended it.
    package var status: Int32?
    package var output: [UInt8]

    package init(status: Int32?, output: [UInt8]) {
      self.status = status
      self.output = output
    }
  }

  package var variables: [String: String]
  /// The home folder without a slash at its end; nil when there is none.
  package var home: String?
  /// A file's bytes; nil when it does not exist. Throws `Client.LocalFile` when it cannot be read.
  package var readFile: @Sendable (_ path: String) throws(AWSError) -> [UInt8]?
  /// Runs a command (its words) for at most so long.
  package var run: @Sendable (_ words: [String], _ timeout: Duration) async throws(AWSError) -> ProcessResult
  /// For SSO, containers and instance metadata.
  package var transport: any HTTPTransport
  package var clock: any AWSClock
  package var logger: Logger

  package init(
    variables: [String: String], home: String?, transport: any HTTPTransport, clock: any AWSClock = SystemClock(),
    logger: Logger = Logger(label: "aws"),
    readFile: @escaping @Sendable (_ path: String) throws(AWSError) -> [UInt8]? = AWSEnvironment.readLocalFile,
    run: @escaping @Sendable (_ words: [String], _ timeout: Duration) async throws(AWSError) -> ProcessResult =
      AWSEnvironment.runProcess
  ) {
    self.variables = variables
    self.home = home
    self.transport = transport
    self.clock = clock
    self.logger = logger
    self.readFile = readFile
    self.run = run
  }

  /// The machine as it is.
  package static func current(transport: any HTTPTransport, logger: Logger = Logger(label: "aws")) -> AWSEnvironment {
    let variables = processVariables()
    return AWSEnvironment(variables: variables, home: home(variables), transport: transport, logger: logger)
  }

  // The variables may hold keys.
  package var description: String { "AWSEnvironment(home: \(home ?? "none"))" }
  package var customMirror: Mirror { Mirror(self, children: ["home": home ?? "none"]) }

  /// The process's variables, for what is needed before there is a transport: `AWS_CA_BUNDLE`.
  package static func processVariables() -> [String: String] { ProcessInfo.processInfo.environment }

  /// A variable that is set and not empty: AWS's tools take an empty one for unset.
  package func variable(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }

  /// A variable that means yes.
  package func isTrue(_ name: String) -> Bool { variable(name)?.lowercased() == "true" }

  /// Replaces a leading `~`.
  package func expand(_ path: String) -> String {
    guard let home, path == "~" || path.hasPrefix("~/") else { return path }
    return home + path.dropFirst()
  }

  private static func home(_ variables: [String: String]) -> String? {
    if let home = variables["HOME"], !home.isEmpty {
      return home.count > 1 && home.hasSuffix("/") ? String(home.dropLast()) : home
    }
    guard let entry = getpwuid(getuid()), let folder = entry.pointee.pw_dir else { return nil }
    return String(cString: folder)
  }

  /// Configuration and token files are small; what is larger is not one.
  private static let maxFileSize = 4 << 20

  package static func readLocalFile(_ path: String) throws(AWSError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let code = errno
      if code == ENOENT || code == ENOTDIR { return nil }
      throw AWSError(code: ClientCode.localFile, message: "cannot read \(path): \(String(cString: strerror(code)))")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let got = read(descriptor, &buffer, buffer.count)
      if got == 0 { return bytes }
      if got < 0 {
        if errno == EINTR { continue }
        throw AWSError(code: ClientCode.localFile, message: "cannot read \(path): \(String(cString: strerror(errno)))")
      }
      bytes += buffer[..<got]
      guard bytes.count <= maxFileSize else {
        throw AWSError(code: ClientCode.localFile, message: "\(path) is larger than \(maxFileSize) bytes")
      }
    }
  }
}
