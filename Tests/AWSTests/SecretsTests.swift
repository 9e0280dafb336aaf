import AWS
import FoundationEssentials
import HTTP
import Logging
import Synchronization
import Testing

/// DESIGN, invariant 11: no secret in a description, an error or a log.
struct SecretsTests {
  /// Keeps every line with its metadata.
  private struct Recorder: LogHandler {
    final class Lines: Sendable {
      let all = Mutex<[String]>([])
    }

    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      lines.all.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
    }
  }

  private func recorded(_ lines: Recorder.Lines) -> [String] { lines.all.withLock { $0 } }

  @Test func logLinesSayWhatHappenedAndNothingElse() async throws {
    let lines = Recorder.Lines()
    let logger = Logger(label: "test") { _ in Recorder(lines: lines) }
    let server = FakeTransport([
      broken(.reset, afterSending: true), answer(503, "secret-body"),
      answer(200, "secret-body", ["x-amz-request-id": "REQ1"]),
    ])
    var keys = testKeys
    keys.sessionToken = "secret-token"
    _ = try await client(server, credentials: StaticCredentialsProvider(keys), logger: logger).send(
      AWSRequest(
        .s3, "PutObject", method: "PUT", path: "/secret-key", query: [("q", "secret-query")],
        headers: ["x-amz-meta-a": "secret-header"],
        body: .bytes(Array("secret-body".utf8)), bucket: "lake"))
    let text = recorded(lines).joined(separator: "\n")
    #expect(recorded(lines).count == 3)
    #expect(text.contains("S3 PutObject attempt 1: reset"))
    #expect(text.contains("S3 PutObject attempt 2: status 503"))
    #expect(text.contains("S3 PutObject attempt 3: status 200"))
    #expect(text.contains("REQ1"))
    #expect(!text.contains("secret"))
    #expect(!text.contains("AKIATEST"))
    #expect(!text.contains("Signature"))
  }

  @Test func descriptionsAndDumps() {
    var keys = testKeys
    keys.sessionToken = "hidden-secret-token"
    let provider = StaticCredentialsProvider(keys)
    let environment = machine(["AWS_SECRET_ACCESS_KEY": "hidden-secret"])
    let request = AWSRequest(
      .sso, "Get", query: [("t", "hidden-secret")], headers: ["x-amz-sso_bearer_token": "hidden-secret"])
    var text =
      "\(keys) \([keys]) \(Optional(keys) as Any) \(provider) \(environment) \(request) \(String(reflecting: keys))"
    for value in [keys, provider, environment, request, client(FakeTransport([answer(200)]))] as [Any] {
      dump(value, to: &text)
    }
    #expect(!text.contains("hidden-secret"))
    #expect(text.contains("AKIA"))
    #expect(!text.contains("AKIATEST"))
  }

  @Test func anErrorHoldsNoBodyOrURL() async {
    let server = FakeTransport([answer(400, "<html>hidden-secret</html>")])
    do throws(AWSError) {
      _ = try await client(server).send(AWSRequest(.s3, "GetObject", method: "GET", path: "/k", bucket: "lake"))
      #expect(Bool(false), "it must fail")
    } catch {
      #expect(!"\(error) \(error.extra)".contains("hidden-secret"))
    }
  }
}

struct ProcessTests {
  @Test func outputAndStatus() async throws {
    let good = try await AWSEnvironment.runProcess(
      ["sh", "-c", "printf '%s' \"$1\"; echo no >&2", "x", "a b"], timeout: .seconds(20))
    #expect(good.status == 0)
    #expect(String(decoding: good.output, as: UTF8.self) == "a b")
    #expect(try await AWSEnvironment.runProcess(["/bin/sh", "-c", "exit 7"], timeout: .seconds(20)).status == 7)
    #expect(try await AWSEnvironment.runProcess(["sh", "-c", "kill -9 $$"], timeout: .seconds(20)).status == nil)
  }

  @Test func missing() async {
    await #expect(throws: AWSError.self) {
      try await AWSEnvironment.runProcess(["no-such-program-here"], timeout: .seconds(20))
    }
    await #expect(throws: AWSError.self) { try await AWSEnvironment.runProcess([], timeout: .seconds(20)) }
  }

  @Test func tooLate() async {
    let start = ContinuousClock.now
    do throws(AWSError) {
      _ = try await AWSEnvironment.runProcess(["sleep", "30"], timeout: .milliseconds(200))
      #expect(Bool(false), "it must fail")
    } catch {
      #expect(error.message.contains("did not end"))
    }
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  @Test func readingFiles() throws {
    #expect(try AWSEnvironment.readLocalFile("/no/such/file") == nil)
    #expect(try AWSEnvironment.readLocalFile("/dev/null") == [])
    #expect(throws: AWSError.self) { try AWSEnvironment.readLocalFile("/dev/zero") }
    #expect(throws: AWSError.self) { try AWSEnvironment.readLocalFile("/") }
  }
}
