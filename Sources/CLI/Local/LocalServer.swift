internal import FoundationEssentials
internal import Glibc
internal import HTTP
internal import Model
internal import Subprocess

/// The embedded AWS as this program sees it: a process on loopback that has written `endpoint.json`.
struct LocalServer: Sendable {
  struct Endpoint: Sendable, Codable, Equatable {
    var endpoint: String
    var pid: Int32
    var account: String
    var region: String
    var accessKeyID: String
    var secretAccessKey: String
    var started: String

    enum CodingKeys: String, CodingKey {
      case endpoint, pid, account, region, started
      case accessKeyID = "access_key_id"
      case secretAccessKey = "secret_access_key"
    }
  }

  /// A cold start loads moto and its policies.
  static let patience = Duration.seconds(60)

  let http: HTTPClient
  let stateFolder: String

  /// What `endpoint.json` says; nil when there is none.
  func recorded() -> Endpoint? {
    guard let data = try? Data(contentsOf: URL(filePath: stateFolder + "/endpoint.json")) else { return nil }
    return try? JSONDecoder().decode(Endpoint.self, from: data)
  }

  /// The endpoint of a server that answers; nil when none runs.
  func running() async -> Endpoint? {
    guard let endpoint = recorded(), await isHealthy(endpoint) else { return nil }
    return endpoint
  }

  private func isHealthy(_ endpoint: Endpoint) async -> Bool {
    (try? await call("GET", "/_local/health", of: endpoint)) != nil
  }

  /// The endpoint of a running server, started now when there is none.
  func ensure(_ folders: () throws -> LocalFolders, starting: () -> Void) async throws -> Endpoint {
    if let endpoint = await running() { return endpoint }
    starting()
    return try await start(try folders())
  }

  func start(_ folders: LocalFolders) async throws -> Endpoint {
    do {
      try FileManager.default.createDirectory(atPath: stateFolder, withIntermediateDirectories: true)
    } catch {
      throw Diagnostic(
        "The embedded AWS has nowhere to keep its files", detail: "\(stateFolder) cannot be made",
        remedy: "Set MRHEALTH_LOCAL_DIR to a folder that can be written.")
    }
    // A session of its own: it outlives this command and its terminal. The shell only detaches it.
    let script =
      #"PYTHONPATH="$1" setsid "$2" -m mrhealth_local serve --dir "$3" >>"$3/log.txt" 2>&1 </dev/null & echo $!"#
    let result = try await Subprocess.run(
      .name("sh"), arguments: ["-c", script, "sh", folders.program, folders.python, stateFolder],
      output: .string(limit: 64), error: .discarded)
    guard result.terminationStatus.isSuccess,
      let pid = pid_t(result.standardOutput.filter(\.isNumber)), pid > 0
    else { throw failure("it could not be started") }
    let deadline = ContinuousClock.now + Self.patience
    while ContinuousClock.now < deadline {
      if let endpoint = await running() { return endpoint }
      // It ends at once when another start was quicker: then that one is waited for.
      if kill(pid, 0) != 0, errno == ESRCH, !isBeingServed {
        if let endpoint = await running() { return endpoint }
        throw failure("it ended as soon as it was started")
      }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw failure("it did not answer within \(Self.patience.components.seconds) s")
  }

  /// A server has the folder's lock, whether it answers already or not.
  private var isBeingServed: Bool {
    let descriptor = open(stateFolder + "/lock", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }

  private var isDiskFull: Bool {
    var info = statvfs()
    return statvfs(stateFolder, &info) == 0 && info.f_bavail == 0
  }

  /// Why it is not there, with the end of its log.
  private func failure(_ reason: String) -> Diagnostic {
    if isDiskFull {
      return Diagnostic(
        "The embedded AWS does not run", detail: "\(reason); no space is left where it keeps its files, \(stateFolder)",
        remedy: "Free some, or set MRHEALTH_LOCAL_DIR to a folder elsewhere.")
    }
    let log = (try? Data(contentsOf: URL(filePath: stateFolder + "/log.txt"))).map {
      String(decoding: $0, as: UTF8.self)
    }
    let tail = (log ?? "").split(separator: "\n").suffix(6).map { "  | \($0)" }.joined(separator: "\n")
    return Diagnostic(
      "The embedded AWS does not run", detail: reason + (tail.isEmpty ? "" : "\n" + tail),
      remedy: "Its whole log: \(stateFolder)/log.txt. After mending, `mrhealth local start`.")
  }

  /// - Returns: false when none was running.
  func stop() async throws -> Bool {
    guard let endpoint = await running() else { return false }
    _ = try? await call("POST", "/_local/shutdown", of: endpoint)
    let deadline = ContinuousClock.now + .seconds(15)
    while await isHealthy(endpoint) {
      guard ContinuousClock.now < deadline else {
        throw Diagnostic(
          "The embedded AWS does not stop", detail: "process \(endpoint.pid)", remedy: "End it: kill \(endpoint.pid)")
      }
      try await Task.sleep(for: .milliseconds(50))
    }
    return true
  }

  /// A message that SNS would have sent.
  struct Message: Sendable, Codable {
    struct Subscription: Sendable, Codable {
      var `protocol`: String
      var endpoint: String
      var status: String?
    }
    var timestamp: String
    var topicARN: String
    var subject: String?
    var message: String
    var subscriptions: [Subscription]?

    enum CodingKeys: String, CodingKey {
      case timestamp, subject, message, subscriptions
      case topicARN = "topic_arn"
    }
  }

  func inbox() async throws -> [Message] {
    let endpoint = try await require()
    return try JSONDecoder().decode([Message].self, from: Data(try await call("GET", "/_local/inbox", of: endpoint)))
  }

  func require() async throws -> Endpoint {
    if let endpoint = await running() { return endpoint }
    throw Diagnostic(
      "The embedded AWS is not running",
      detail: recorded() == nil ? "" : "it was, as process \(recorded()?.pid ?? 0), and has ended without saying so",
      remedy: "Start it with `mrhealth local start`. What it held is gone: begin again with `mrhealth --local up`.")
  }

  @discardableResult
  private func call(_ method: String, _ path: String, of endpoint: Endpoint) async throws -> [UInt8] {
    var request = HTTPRequest(method: method, url: endpoint.endpoint + path)
    request.deadline = .seconds(5)
    let response = try await http.execute(request)
    guard response.status < 300 else {
      throw Diagnostic("The embedded AWS refused \(path)", detail: "HTTP \(response.status)")
    }
    return response.body
  }
}
