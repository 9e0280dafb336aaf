internal import AWS
internal import FoundationEssentials
internal import HTTP
internal import Logging
internal import Model
internal import Synchronization

/// What a command works with: its options, the machine's environment, the terminal, the network.
struct CommandContext: Sendable {
  let options: GlobalOptions
  let variables: [String: String]
  let terminal: Terminal
  let logger: Logger
  private let network: Network

  init(_ options: GlobalOptions) {
    self.options = options
    let machine = AWSEnvironment.processVariables()
    variables = machine
    terminal = Terminal(environment: machine, noColour: options.noColor)
    var logger = Logger(label: "aws") { [terminal] _ in TerminalLog(terminal: terminal) }
    logger.logLevel = options.verbose ? .debug : .error
    self.logger = logger
    network = Network(caBundle: machine["AWS_CA_BUNDLE"])
  }

  /// - Throws: `Diagnostic` when libcurl cannot be used.
  var http: HTTPClient {
    get throws { try network.client() }
  }

  var localServer: LocalServer {
    get throws { LocalServer(http: try http, stateFolder: LocalFolders.stateFolder(variables)) }
  }

  func localFolders() throws -> LocalFolders {
    try LocalFolders(environment: variables, executable: Self.executable)
  }

  /// This program's own path.
  static var executable: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments.first ?? ""
  }

  /// The variables that AWS's configuration is taken from. With `--local` they are those of the embedded
  /// AWS alone, which is all that sets it apart: the rest of the program only has another endpoint.
  private func awsVariables() async throws -> (variables: [String: String], home: String?) {
    guard options.local else { return (variables, AWSEnvironment.current(transport: try http).home) }
    let endpoint = try await localServer.ensure({ try localFolders() }) {
      terminal.note("Starting the embedded AWS...")
    }
    return (
      [
        "AWS_ENDPOINT_URL": endpoint.endpoint, "AWS_ACCESS_KEY_ID": endpoint.accessKeyID,
        "AWS_SECRET_ACCESS_KEY": endpoint.secretAccessKey, "AWS_REGION": endpoint.region,
      ], nil
    )
  }

  /// Credentials, region, endpoints, as AWS's own tools find them.
  func aws(region: String?) async throws -> AWSClient {
    let (variables, home) = try await awsVariables()
    let environment = AWSEnvironment(variables: variables, home: home, transport: try http, logger: logger)
    let setup = try await AWSSetup.load(
      environment, profile: options.local ? nil : options.profile, region: options.region ?? region)
    return setup.client(userAgent: UserAgent.text(version: Version.current), readTimeout: try readTimeout)
  }

  /// `MRHEALTH_READ_TIMEOUT`: seconds of silence after which a call is tried again.
  private var readTimeout: Duration {
    get throws(Diagnostic) {
      guard let text = variables["MRHEALTH_READ_TIMEOUT"], !text.isEmpty else { return .seconds(60) }
      if let seconds = Int(text), (1...3600).contains(seconds) { return .seconds(seconds) }
      throw Diagnostic("MRHEALTH_READ_TIMEOUT is not a time", detail: "`\(text)`", remedy: "Give seconds, 1 to 3600.")
    }
  }

  func printJSON(_ value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    if let data = try? encoder.encode(value) { terminal.print(String(decoding: data, as: UTF8.self)) }
  }
}

/// Made when first needed: what works offline does not load libcurl.
private final class Network: Sendable {
  private let made = Mutex<HTTPClient?>(nil)
  private let caBundle: String?

  init(caBundle: String?) {
    self.caBundle = caBundle
  }

  func client() throws(Diagnostic) -> HTTPClient {
    try made.withLock { made throws(Diagnostic) in
      if let made { return made }
      var configuration = HTTPConfiguration()
      configuration.caBundle = caBundle
      do throws(HTTPError) {
        let client = try HTTPClient(configuration)
        made = client
        return client
      } catch {
        throw Diagnostic("The network cannot be used", detail: error.message, remedy: "Install libcurl4.")
      }
    }
  }
}

/// Log lines beside the other progress, so that they do not disturb live lines.
private struct TerminalLog: LogHandler {
  let terminal: Terminal
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .debug

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    terminal.note(terminal.styled(([event.level.rawValue, "\(event.message)"] + fields).joined(separator: " "), .dim))
  }
}
