import AWS
import FoundationEssentials
import HTTP
import Logging
import Synchronization

/// A file beside the tests.
func fixture(_ name: String, file: StaticString = #filePath) -> String {
  let path = "\(file)"
  return path.prefix { $0 != "\0" }.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    .joined(separator: "/") + "/Fixtures/" + name
}

/// A server made of a closure; records what it was asked.
final class FakeTransport: HTTPTransport {
  typealias Answer = Result<HTTPResponse, HTTPError>
  private let state = Mutex<[HTTPRequest]>([])
  private let handler: @Sendable (_ request: HTTPRequest, _ number: Int) -> Answer

  /// The number counts from 1.
  init(_ handler: @escaping @Sendable (_ request: HTTPRequest, _ number: Int) -> Answer) { self.handler = handler }

  /// Plays answers one after the other, the last one for ever.
  convenience init(_ answers: [Answer]) {
    self.init { _, number in answers[min(number, answers.count) - 1] }
  }

  var requests: [HTTPRequest] { state.withLock { $0 } }

  func execute(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let number = state.withLock { requests in
      requests.append(request)
      return requests.count
    }
    switch handler(request, number) {
    case .success(let response): return response
    case .failure(let error): throw error
    }
  }
}

func answer(_ status: Int, _ body: String = "", _ headers: HTTPHeaders = [:]) -> FakeTransport.Answer {
  .success(
    HTTPResponse(status: status, headers: headers, body: Array(body.utf8), bytesReceived: Int64(body.utf8.count)))
}

func broken(_ kind: HTTPError.Kind, afterSending: Bool) -> FakeTransport.Answer {
  .failure(HTTPError(kind: kind, message: "broken", host: "h", mayHaveBeenProcessed: afterSending))
}

/// Time that only moves when somebody sleeps.
final class FakeClock: AWSClock {
  private struct State {
    var seconds: Double
    var sleeps: [Double] = []
  }

  static let start = 1_790_000_000.0
  private let state: Mutex<State>

  init(_ start: Double = FakeClock.start) { state = Mutex(State(seconds: start)) }

  var now: Date { Date(timeIntervalSince1970: state.withLock { $0.seconds }) }
  var uptime: Duration { .seconds(state.withLock { $0.seconds }) }
  var sleeps: [Double] { state.withLock { $0.sleeps } }

  func advance(_ seconds: Double) { state.withLock { $0.seconds += seconds } }

  func sleep(for duration: Duration) async throws(CancellationError) {
    if Task.isCancelled { throw CancellationError() }
    state.withLock {
      $0.seconds += duration.seconds
      $0.sleeps.append((duration.seconds * 1000).rounded() / 1000)
    }
  }
}

let testKeys = Credentials(accessKeyID: "AKIATEST", secretAccessKey: "hidden-secret", source: "test")

func client(
  _ transport: FakeTransport, clock: FakeClock = FakeClock(), credentials: (any CredentialsProvider)? = nil,
  retry: RetryPolicy = RetryPolicy(random: { 1 }), region: String = "us-east-2",
  endpoints: EndpointResolver = EndpointResolver(), logger: Logger = Logger(label: "test")
) -> AWSClient {
  AWSClient(
    transport: transport, credentials: credentials ?? StaticCredentialsProvider(testKeys), region: region,
    endpoints: endpoints, retry: retry, logger: logger, clock: clock)
}

/// What commands answer in a test.
struct FakeProcess: Sendable {
  var status: Int32? = 0
  var output = ""
  /// Nil: running it fails.
  var isMissing = false

  func run(_ words: [String], _ timeout: Duration) async throws(AWSError) -> AWSEnvironment.ProcessResult {
    if isMissing { throw AWSError(code: "Test", message: "'\(words[0])' could not be run") }
    return AWSEnvironment.ProcessResult(status: status, output: Array(output.utf8))
  }
}

/// Files of a test.
struct FakeFiles: Sendable {
  var files: [String: String]

  func read(_ path: String) throws(AWSError) -> [UInt8]? { files[path].map { Array($0.utf8) } }
}

/// A machine with nothing but what a test gives it.
func machine(
  _ variables: [String: String] = [:], files: [String: String] = [:], transport: FakeTransport? = nil,
  clock: FakeClock = FakeClock(), process: FakeProcess = FakeProcess(isMissing: true)
) -> AWSEnvironment {
  AWSEnvironment(
    variables: variables, home: "/home/u",
    transport: transport ?? FakeTransport([broken(.connect, afterSending: false)]), clock: clock,
    readFile: FakeFiles(files: files).read, run: process.run)
}
