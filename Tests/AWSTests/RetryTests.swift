import AWS
import FoundationEssentials
import HTTP
import Logging
import Synchronization
import Testing

struct RetryTests {
  private let slow = answer(400, #"{"__type":"ThrottlingException","message":"slow"}"#)
  private let down = answer(500, "<html>oops</html>", ["content-type": "text/html"])
  private let fine = answer(200, "{}", ["x-amzn-requestid": "r1"])

  private func call(_ client: AWSClient, resend: AWSRequest.Resend = .safe) async -> Result<AWSResponse, AWSError> {
    do {
      return .success(
        try await client.send(AWSRequest(.emr, "ListClusters", body: .bytes(Array("{}".utf8)), resend: resend)))
    } catch {
      return .failure(error)
    }
  }

  // MARK: Pauses and tokens

  @Test func transientPausesDoubleFrom50Milliseconds() async {
    let clock = FakeClock()
    let server = FakeTransport([down])
    let client = client(server, clock: clock, retry: RetryPolicy(maxAttempts: 6, random: { 1 }))
    let result = await call(client)
    #expect(clock.sleeps == [0.05, 0.1, 0.2, 0.4, 0.8])
    #expect(server.requests.count == 6)
    guard case .failure(let error) = result else { return #expect(Bool(false), "it must fail") }
    #expect(error.attempts == 6)
    #expect(error.code == "InternalError")
    #expect(error.status == 500)
  }

  @Test func throttlingPausesDoubleFrom1SecondTo20() async {
    let clock = FakeClock()
    let client = client(FakeTransport([slow]), clock: clock, retry: RetryPolicy(maxAttempts: 8, random: { 1 }))
    _ = await call(client)
    #expect(clock.sleeps == [1, 2, 4, 8, 16, 20, 20])
  }

  @Test func jitterGoesDownToNothing() async {
    let clock = FakeClock()
    _ = await call(client(FakeTransport([slow]), clock: clock, retry: RetryPolicy(random: { 0 })))
    #expect(clock.sleeps == [0, 0])
  }

  @Test func threeAttemptsByDefault() async {
    let server = FakeTransport([down])
    _ = await call(client(server))
    #expect(server.requests.count == 3)
    #expect(
      server.requests.map { $0.headers["amz-sdk-request"] } == [
        "attempt=1; max=3", "attempt=2; max=3", "attempt=3; max=3",
      ])
    #expect(Set(server.requests.map { $0.headers["amz-sdk-invocation-id"] }).count == 1)
  }

  @Test func aServiceThatAnswersIsAskedMoreOften() async {
    var policy = RetryPolicy(random: { 0 })
    policy.maxAttemptsWhenAnswered = 10
    let busy = FakeTransport([down])
    _ = await call(client(busy, retry: policy))
    #expect(busy.requests.count == 10)
    let dead = FakeTransport([broken(.connect, afterSending: false)])
    _ = await call(client(dead, retry: policy))
    #expect(dead.requests.count == 3)
    // It had answered before the network went.
    let gone = FakeTransport { _, number in number == 1 ? answer(200, "{}") : broken(.reset, afterSending: true) }
    let known = client(gone, retry: policy)
    _ = await call(known)
    _ = await call(known)
    #expect(gone.requests.count == 11)
  }

  @Test(arguments: [
    // milliseconds; never shortens, adds at most 5 s to the pause of 0.05 s
    ("x-amz-retry-after", "1500", 1.5), ("x-amz-retry-after", "1", 0.05), ("x-amz-retry-after", "60000", 5.05),
    ("x-amz-retry-after", "soon", 0.05), ("x-amz-retry-after", "-1", 0.05), ("retry-after", "2", 2.0),
    ("retry-after", "Mon, 21 Sep 2026 14:13:23 GMT", 3.0),
  ])
  func askedForPause(name: String, value: String, expected: Double) async {
    let clock = FakeClock()
    var headers = HTTPHeaders()
    headers.set(name, value)
    let server = FakeTransport([answer(503, "", headers), fine])
    _ = await call(client(server, clock: clock))
    #expect(clock.sleeps == [expected])
  }

  @Test func tokensRunOutAndComeBack() async {
    let server = FakeTransport { _, number in number <= 4 ? answer(500) : answer(200, "{}") }
    let client = client(server, retry: RetryPolicy(maxAttempts: 10, capacity: 30, random: { 0 }))
    // 14 each: two retries, then no more.
    guard case .failure(let error) = await call(client) else { return #expect(Bool(false), "it must fail") }
    #expect(error.attempts == 3)
    #expect(client.retryTokens == 2)
    guard case .failure(let second) = await call(client) else { return #expect(Bool(false), "it must fail") }
    #expect(second.attempts == 1)
    // A success without a retry gives one back.
    _ = await call(client)
    #expect(client.retryTokens == 3)
  }

  @Test func aSuccessGivesItsLastRetryBack() async {
    let server = FakeTransport([down, slow, fine])
    let client = client(server, retry: RetryPolicy(random: { 0 }))
    _ = await call(client)
    // 500 - 14 - 5 + 5
    #expect(client.retryTokens == 486)
  }

  @Test(arguments: [
    (HTTPError.Kind.connect, 3), (.resolve, 3), (.timeout, 3), (.reset, 3), (.tls, 3), (.other(99), 3), (.tooLarge, 1),
    (.write, 1), (.read, 1), (.cancelled, 1), (.invalidURL, 1),
  ])
  func brokenTransport(kind: HTTPError.Kind, attempts: Int) async {
    let server = FakeTransport([broken(kind, afterSending: true)])
    guard case .failure(let error) = await call(client(server)) else { return #expect(Bool(false), "it must fail") }
    #expect(server.requests.count == attempts)
    #expect(error.code.hasPrefix("Client."))
    #expect(error.outcomeUnknown)
    #expect(error.extra["Host"] == "elasticmapreduce.us-east-2.amazonaws.com")
  }

  @Test(arguments: [
    (400, "ValidationException", 1), (400, "AccessDeniedException", 1), (400, "ThrottlingException", 3),
    (400, "LimitExceededException", 3), (400, "LimitExceeded", 1), (429, "Whatever", 3), (503, "SlowDown", 3),
    (502, "", 3), (504, "", 3), (501, "NotImplemented", 1), (400, "RequestTimeout", 3), (404, "NoSuchKey", 1),
    (409, "ConditionalRequestConflict", 1), (412, "PreconditionFailed", 1),
  ])
  func whatIsRetried(status: Int, code: String, attempts: Int) async {
    let server = FakeTransport([answer(status, code.isEmpty ? "" : #"{"__type":"\#(code)"}"#)])
    _ = await call(client(server))
    #expect(server.requests.count == attempts)
  }

  // MARK: Never twice

  @Test(arguments: [
    // answer, attempts, unknown
    (0, 1, true), (1, 3, false), (2, 1, true), (3, 1, true), (4, 3, false), (5, 3, false), (6, 1, false), (7, 1, true),
    (8, 1, true),
  ])
  func neverResent(number: Int, attempts: Int, unknown: Bool) async {
    let answers: [FakeTransport.Answer] = [
      broken(.reset, afterSending: true), broken(.connect, afterSending: false), broken(.timeout, afterSending: true),
      answer(500, "<html>"), slow, answer(503, #"{"__type":"SlowDown"}"#),
      answer(400, #"{"__type":"ValidationException"}"#),
      answer(503), broken(.tooLarge, afterSending: true),
    ]
    let server = FakeTransport([answers[number]])
    guard case .failure(let error) = await call(client(server), resend: .never) else {
      return #expect(Bool(false), "it must fail")
    }
    #expect(server.requests.count == attempts)
    #expect(error.outcomeUnknown == unknown)
  }

  @Test(arguments: [AWSRequest.Resend.safe, .never])
  func theTransportIsToldToo(resend: AWSRequest.Resend) async {
    let server = FakeTransport([fine])
    _ = await call(client(server), resend: resend)
    #expect(server.requests.map(\.allowsReconnect) == [resend == .safe])
  }

  @Test func anUnreadableSuccessOfWhatMustNotBeRepeatedIsUnknown() async {
    struct Output: Decodable { var jobFlowId: String }
    let client = client(FakeTransport([answer(200, "<html>proxy</html>")]))
    do throws(AWSError) {
      let _: Output = try await client.json(.emr, "RunJobFlow", ["Name": "x"], resend: .never)
      #expect(Bool(false), "it must fail")
    } catch {
      #expect(error.outcomeUnknown)
      #expect(error.code == ClientCode.decoding)
    }
  }

  @Test func aRefusalAfterALostAnswerMayBeOnesOwnWork() async throws {
    let server = FakeTransport([
      broken(.reset, afterSending: true), answer(412, "<Error><Code>PreconditionFailed</Code></Error>"),
    ])
    do throws(AWSError) {
      _ = try await client(server).send(
        AWSRequest(.s3, "PutObject", method: "PUT", path: "/k", headers: ["If-None-Match": "*"], bucket: "lake"))
      #expect(Bool(false), "it must fail")
    } catch {
      #expect(error.code == "PreconditionFailed")
      #expect(error.outcomeUnknown)
      #expect(error.attempts == 2)
    }
  }

  // MARK: S3's peculiarities

  @Test func aSuccessThatHoldsAnErrorIsRetried() async throws {
    let bad = answer(200, "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code><Message>m</Message></Error>")
    let server = FakeTransport([bad, answer(200, "<CompleteMultipartUploadResult/>")])
    var request = AWSRequest(.s3, "CompleteMultipartUpload", path: "/k", bucket: "lake", successMayHoldError: true)
    let response = try await client(server).send(request)
    #expect(response.attempts == 2)
    request.successMayHoldError = false
    #expect(try await client(FakeTransport([bad])).send(request).status == 200)
  }

  @Test(arguments: [
    (301, "<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>", "PermanentRedirect"),
    (307, "", "TemporaryRedirect"),
    (
      400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>sa-east-1</Region></Error>",
      "AuthorizationHeaderMalformed"
    ),
  ])
  func wrongRegion(status: Int, body: String, code: String) async {
    let server = FakeTransport([answer(status, body, ["x-amz-bucket-region": "sa-east-1"])])
    do throws(AWSError) {
      _ = try await client(server).send(AWSRequest(.s3, "GetObject", method: "GET", path: "/k", bucket: "lake"))
      #expect(Bool(false), "it must fail")
    } catch {
      #expect(error.code == code)
      #expect(error.extra["Region"] == "sa-east-1")
      #expect(error.message == "the bucket 'lake' is in sa-east-1, not in us-east-2")
      #expect(server.requests.count == 1)
    }
  }

  @Test func acceptedStatusesAreAnswers() async throws {
    let response = try await client(FakeTransport([answer(404)])).send(
      AWSRequest(.s3, "HeadBucket", method: "HEAD", bucket: "lake", accepted: [404]))
    #expect(response.status == 404)
  }

  // MARK: Cancellation

  @Test func cancelledWhilePausing() async {
    let client = AWSClient(
      transport: FakeTransport([slow]), credentials: StaticCredentialsProvider(testKeys), region: "us-east-2",
      retry: RetryPolicy(maxAttempts: 100, random: { 1 }))
    let task = Task { await call(client) }
    try? await Task.sleep(for: .milliseconds(20))
    task.cancel()
    guard case .failure(let error) = await task.value else { return #expect(Bool(false), "it must fail") }
    #expect(error.code == ClientCode.cancelled)
  }
}
