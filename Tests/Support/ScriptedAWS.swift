package import AWS
package import FoundationEssentials
package import HTTP
internal import Synchronization

/// An AWS that says what a test has written down, operation by operation, and remembers what it was asked.
/// Objects of S3 need no script: they are kept in memory, with S3's conditions.
///
/// An operation is named as its service does (`CreateRole`); one of S3 by method, bucket, key and
/// subresource: `PUT lake/a.json`, `PUT lake?policy`, `GET lake?list`, `HEAD lake`.
package final class ScriptedAWS: HTTPTransport {
  package enum Answer: Sendable {
    case ok(String, headers: [String: String] = [:])
    case fault(String, String = "no", status: Int = 400)
    /// The request arrives and the connection breaks: nobody knows what became of it.
    case lost
  }

  package struct Request: Sendable {
    package var operation: String
    package var body: [UInt8]
    fileprivate var headers: HTTPHeaders
    fileprivate var isJSON = false

    package var text: String { String(decoding: body, as: UTF8.self) }
    package func header(_ name: String) -> String? { headers[name] }

    /// The parameters of a query service's call.
    package var form: [String: String] {
      var form: [String: String] = [:]
      for pair in text.split(separator: "&") {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        form[URLEncoding.decode(String(parts[0]))] = parts.count > 1 ? URLEncoding.decode(String(parts[1])) : ""
      }
      return form
    }
  }

  private struct Script {
    var answers: [String: [Answer]] = [:]
    var requests: [Request] = []
    var objects: [String: [UInt8]] = [:]
  }

  private let script = Mutex(Script())
  package let clock = ScriptedClock()

  package init() {}

  /// Answers to an operation's calls, in order; the last one is given again and again.
  package func on(_ operation: String, _ answers: Answer...) {
    script.withLock { $0.answers[operation] = answers }
  }

  package var client: AWSClient { client(region: "us-east-2") }

  package func client(region: String) -> AWSClient {
    AWSClient(
      transport: self,
      credentials: StaticCredentialsProvider(
        Credentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret", source: "test")),
      region: region, clock: clock)
  }

  // MARK: What was asked

  package var operations: [String] { script.withLock { $0.requests.map(\.operation) } }
  package func requests(_ operation: String) -> [Request] {
    script.withLock { $0.requests.filter { $0.operation == operation } }
  }
  package func count(_ operation: String) -> Int { requests(operation).count }
  /// Calls that change something.
  package var changes: [String] {
    operations.filter { name in !["Get", "List", "Describe", "GET ", "HEAD "].contains { name.hasPrefix($0) } }
  }

  // MARK: Objects, by `bucket/key`

  package func put(_ name: String, _ text: String) { put(name, Array(text.utf8)) }
  package func put(_ name: String, _ bytes: [UInt8]) { script.withLock { $0.objects[name] = bytes } }
  package func remove(_ name: String) { script.withLock { $0.objects[name] = nil } }
  package func object(_ name: String) -> String? {
    script.withLock { $0.objects[name].map { String(decoding: $0, as: UTF8.self) } }
  }
  package var objects: [String] { script.withLock { $0.objects.keys.sorted() } }

  // MARK: Transport

  package func execute(_ sent: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let address = Address(sent)
    let request = Request(
      operation: address.operation, body: Self.bytes(sent.body), headers: sent.headers,
      isJSON: sent.headers["x-amz-target"] != nil)
    let answer = script.withLock { script in
      script.requests.append(request)
      guard let answers = script.answers[request.operation], let first = answers.first else {
        return Self.stored(&script, request, address)
      }
      if answers.count > 1 { script.answers[request.operation]?.removeFirst() }
      return first
    }
    switch answer {
    case .lost: throw HTTPError(kind: .reset, message: "broken", host: "aws", mayHaveBeenProcessed: true)
    case .ok(let body, let headers):
      var fields = HTTPHeaders()
      for (name, value) in headers { fields.set(name, value) }
      return HTTPResponse(status: 200, headers: fields, body: [UInt8](body.utf8), bytesReceived: 0)
    case .fault(let code, let message, let status):
      let body =
        request.isJSON
        ? #"{"__type":"\#(code)","message":"\#(message)"}"#
        : "<Error><Code>\(code)</Code><Message>\(message)</Message><RequestId>r-1</RequestId></Error>"
      return HTTPResponse(status: status, headers: [:], body: [UInt8](body.utf8), bytesReceived: 0)
    case nil:
      // The call's own bytes: a test with logs in gzip has an object that is no text.
      let bytes = script.withLock { $0.objects[address.object] ?? [] }
      return HTTPResponse(
        status: 200, headers: ["ETag": "\"\(MD5.hex(bytes))\""], body: bytes, bytesReceived: Int64(bytes.count))
    }
  }

  /// The answer of S3; nil: the object itself.
  private static func stored(_ script: inout Script, _ request: Request, _ address: Address) -> Answer? {
    let there = script.objects[address.object].map { MD5.hex($0) }
    let wanted = (request.header("If-Match") ?? "").filter { $0 != "\"" }
    switch address.method {
    case "GET" where address.subresource == "list":
      let names = script.objects.keys.filter { $0.hasPrefix(address.object + address.prefix) }.sorted()
      let rows = names.map { name in
        let bytes = script.objects[name] ?? []
        return "<Contents><Key>\(name.dropFirst(address.object.count))</Key><Size>\(bytes.count)</Size>"
          + "<ETag>\"\(MD5.hex(bytes))\"</ETag></Contents>"
      }
      return .ok("<R><IsTruncated>false</IsTruncated>\(rows.joined())</R>")
    case "POST" where address.subresource == "delete":
      for object in ((try? XMLNode.parse(request.body))?.all("Object")) ?? [] {
        script.objects[address.object + (object.text(of: "Key") ?? "")] = nil
      }
      return .ok("<R/>")
    case _ where !address.hasKey || !address.subresource.isEmpty: break
    case "GET", "HEAD": return there == nil ? .fault("NoSuchKey", status: 404) : nil
    case "PUT":
      if request.header("If-None-Match") == "*", there != nil { return .fault("PreconditionFailed", status: 412) }
      if !wanted.isEmpty, there != wanted {
        return there == nil ? .fault("NoSuchKey", status: 404) : .fault("PreconditionFailed", status: 412)
      }
      script.objects[address.object] = request.body
      return .ok("", headers: ["ETag": "\"\(MD5.hex(request.body))\""])
    case "DELETE":
      if !wanted.isEmpty, there != wanted {
        return there == nil ? .fault("NoSuchKey", status: 404) : .fault("PreconditionFailed", status: 412)
      }
      script.objects[address.object] = nil
      return .ok("")
    default: break
    }
    return .fault("UnscriptedCall", "the test has no answer to \(request.operation)")
  }

  private static func bytes(_ body: HTTPBody) -> [UInt8] {
    switch body {
    case .bytes(let bytes): return bytes
    case .file(let path, let offset, let length):
      let all = [UInt8](FileManager.default.contents(atPath: path) ?? Data())
      return Array(all.dropFirst(Int(offset)).prefix(Int(length)))
    default: return []
    }
  }
}

/// Which operation of which service a request is for.
private struct Address {
  var operation = ""
  var method: String
  /// `bucket/key`, or `bucket/` without a key.
  var object = ""
  var hasKey = false
  var subresource = ""
  var prefix = ""

  init(_ request: HTTPRequest) {
    method = request.method
    if let target = request.headers["x-amz-target"] {
      operation = target.split(separator: ".").last.map(String.init) ?? ""
      return
    }
    if request.headers["content-type"]?.hasPrefix("application/x-www-form-urlencoded") == true,
      case .bytes(let bytes) = request.body
    {
      let first = String(decoding: bytes, as: UTF8.self).split(separator: "&").first { $0.hasPrefix("Action=") }
      operation = String(first?.dropFirst("Action=".count) ?? "")
      return
    }
    let rest = request.url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    let target = (rest.count > 3 ? rest[3] : "").split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let bucket = rest.count > 2 ? String(rest[2].prefix { $0 != "." }) : ""
    let key = URLEncoding.decode(String(target.first ?? ""))
    var query: [String: String] = [:]
    for item in target.count > 1 ? target[1].split(separator: "&") : [] {
      let parts = item.split(separator: "=", maxSplits: 1).map { URLEncoding.decode(String($0)) }
      query[parts[0]] = parts.count > 1 ? parts[1] : ""
    }
    hasKey = !key.isEmpty
    object = "\(bucket)/\(key)"
    prefix = query["prefix"] ?? ""
    subresource = query["list-type"] != nil ? "list" : query.filter { $0.value.isEmpty }.keys.sorted().first ?? ""
    operation = "\(method) \(bucket)" + (hasKey ? "/\(key)" : "") + (subresource.isEmpty ? "" : "?\(subresource)")
  }
}

/// Time that passes only when somebody sleeps.
package final class ScriptedClock: AWSClock {
  private let elapsed = Mutex(Duration.zero)

  package init() {}

  package var now: Date { Date(timeIntervalSince1970: 1_790_000_000 + uptime.seconds) }
  package var uptime: Duration { elapsed.withLock { $0 } }

  package func sleep(for duration: Duration) async throws(CancellationError) {
    if Task.isCancelled { throw CancellationError() }
    elapsed.withLock { $0 += duration }
  }
}
