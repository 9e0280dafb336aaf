import AWS
import FoundationEssentials
import HTTP
import Logging
import Synchronization
import Testing

#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Answers in order what a test has prepared, and keeps what was asked. A request too many is a failure.
final class FakeAWS: HTTPTransport, Sendable {
  struct Request: Sendable {
    var method: String
    var host: String
    var path: String
    /// Sorted, as sent.
    var query: [String]
    var headers: HTTPHeaders
    var body: [UInt8]

    init(_ request: HTTPRequest) {
      method = request.method
      let rest = request.url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
      host = rest.count > 2 ? String(rest[2]) : ""
      let target = rest.count > 3 ? rest[3] : ""
      let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      path = "/" + (parts.first ?? "")
      query = parts.count > 1 ? parts[1].split(separator: "&").map(String.init).sorted() : []
      headers = request.headers
      body = Self.bytes(request.body)
    }

    private static func bytes(_ body: HTTPBody) -> [UInt8] {
      switch body {
      case .none: return []
      case .bytes(let bytes): return bytes
      case .file(let path, let offset, let length):
        guard let file = FileManager.default.contents(atPath: path) else { return [] }
        let all = [UInt8](file)
        let from = min(all.count, Int(offset))
        return Array(all[from..<min(all.count, from + Int(length))])
      case .stream: return []
      }
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The form without what every call has.
    var form: [String: String] {
      var form: [String: String] = [:]
      for pair in text.split(separator: "&") {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = URLEncoding.decode(String(parts[0]))
        if name != "Version" { form[name] = parts.count > 1 ? URLEncoding.decode(String(parts[1]), plus: true) : "" }
      }
      return form
    }

    /// `PUT host/path?query`
    var line: String { "\(method) \(host)\(path)" + (query.isEmpty ? "" : "?" + query.joined(separator: "&")) }
  }

  private let state = Mutex<(answers: [HTTPResponse], requests: [Request])>(([], []))

  init(_ answers: HTTPResponse...) {
    state.withLock { $0.answers = answers }
  }

  func execute(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let seen = Request(request)
    let answer = state.withLock { state in
      state.requests.append(seen)
      return state.answers.isEmpty ? nil : state.answers.removeFirst()
    }
    guard let answer else {
      Issue.record("unexpected request: \(seen.line)\n\(seen.text)")
      return .xml("<Error><Code>UnexpectedRequest</Code></Error>", status: 400)
    }
    guard case .file(let path) = request.target, answer.status < 300 else { return answer }
    _ = FileManager.default.createFile(atPath: path, contents: Data(answer.body))
    return HTTPResponse(
      status: answer.status, headers: answer.headers, body: [], bytesReceived: Int64(answer.body.count))
  }

  var requests: [Request] { state.withLock { $0.requests } }

  /// The only request.
  func request(sourceLocation: SourceLocation = #_sourceLocation) throws -> Request {
    #expect(requests.count == 1, sourceLocation: sourceLocation)
    return try #require(requests.first, sourceLocation: sourceLocation)
  }

  var client: AWSClient { Self.client(self) }

  static func client(_ transport: any HTTPTransport, region: String = "us-east-2") -> AWSClient {
    AWSClient(
      transport: transport,
      credentials: StaticCredentialsProvider(
        Credentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret", source: "test")),
      region: region)
  }
}

extension HTTPResponse {
  static func xml(_ body: String = "", status: Int = 200, headers: HTTPHeaders = [:]) -> HTTPResponse {
    HTTPResponse(status: status, headers: headers, body: Array(body.utf8), bytesReceived: Int64(body.utf8.count))
  }

  static func json(_ body: String = "{}", status: Int = 200) -> HTTPResponse {
    HTTPResponse(
      status: status, headers: ["Content-Type": "application/x-amz-json-1.1"], body: Array(body.utf8),
      bytesReceived: Int64(body.utf8.count))
  }

  /// An error as IAM and SNS write it.
  static func queryError(_ code: String, _ message: String = "no", status: Int = 400) -> HTTPResponse {
    .xml(
      "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code><Message>\(message)</Message></Error>"
        + "<RequestId>r-1</RequestId></ErrorResponse>", status: status)
  }

  static func ec2Error(_ code: String, _ message: String = "no", status: Int = 400) -> HTTPResponse {
    .xml(
      "<Response><Errors><Error><Code>\(code)</Code><Message>\(message)</Message></Error></Errors>"
        + "<RequestID>r-1</RequestID></Response>", status: status)
  }

  static func jsonError(_ code: String, _ message: String, status: Int = 400) -> HTTPResponse {
    .json(#"{"__type":"\#(code)","message":"\#(message)"}"#, status: status)
  }

  static func s3Error(_ code: String, status: Int) -> HTTPResponse {
    .xml("<Error><Code>\(code)</Code><Message>no</Message><RequestId>r-1</RequestId></Error>", status: status)
  }
}

/// Runs a call that must fail with an `AWSError` and hands that out.
func awsError<Value>(
  sourceLocation: SourceLocation = #_sourceLocation, _ call: () async throws(AWSError) -> Value
) async -> AWSError {
  do throws(AWSError) {
    _ = try await call()
  } catch {
    return error
  }
  Issue.record("no error", sourceLocation: sourceLocation)
  return AWSError(code: "none", message: "")
}

/// A folder of its own that goes with the object.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = "/tmp/mrhealth-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      // Left for the system's own cleaning of /tmp.
    }
  }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = "\(path)/\(name)"
    if let slash = file.lastIndex(of: "/") {
      try FileManager.default.createDirectory(atPath: String(file[..<slash]), withIntermediateDirectories: true)
    }
    try Data(bytes).write(to: URL(filePath: file))
    return file
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

  func read(_ name: String) -> [UInt8]? { FileManager.default.contents(atPath: "\(path)/\(name)").map { [UInt8]($0) } }
}
