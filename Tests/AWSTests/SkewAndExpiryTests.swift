import AWS
import FoundationEssentials
import HTTP
import Synchronization
import Testing

struct SkewAndExpiryTests {
  private static let http = "Mon, 21 Sep 2026 16:13:20 GMT"  // two hours after FakeClock.start

  @Test(arguments: [
    (Service.s3, 403, "<Error><Code>RequestTimeTooSkewed</Code></Error>"),
    (
      .sts, 403,
      "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>Signature expired: a is now earlier than b</Message></Error></ErrorResponse>"
    ),
    (.ec2, 400, "<Response><Errors><Error><Code>RequestExpired</Code></Error></Errors></Response>"),
    (.ec2, 401, "<Response><Errors><Error><Code>AuthFailure</Code></Error></Errors></Response>"),
    (.emr, 400, #"{"__type":"InvalidSignatureException","message":"Signature not yet current"}"#),
    (.scheduler, 403, #"{"__type":"InvalidSignatureException"}"#),
    (.s3, 403, ""),
  ])
  func theClockIsCorrected(service: Service, status: Int, body: String) async throws {
    let clock = FakeClock()
    let server = FakeTransport([answer(status, body, ["Date": Self.http]), answer(200)])
    let client = client(server, clock: clock, retry: RetryPolicy(maxAttempts: 1))
    let response = try await client.send(AWSRequest(service, "Any"))
    #expect(response.attempts == 2)
    #expect(clock.sleeps.isEmpty)
    #expect(client.clockOffset == 7200)
    #expect(server.requests.map { $0.headers["x-amz-date"] } == ["20260921T141320Z", "20260921T161320Z"])
    // Kept for the next call.
    _ = try await client.send(AWSRequest(service, "Any"))
    #expect(server.requests.last?.headers["x-amz-date"] == "20260921T161320Z")
  }

  @Test func aBadSignatureIsNotBlamedOnTheClock() async {
    let server = FakeTransport([
      answer(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", ["Date": "Mon, 21 Sep 2026 14:15:00 GMT"])
    ])
    await #expect(throws: AWSError.self) {
      try await client(server).send(AWSRequest(.s3, "GetObject", method: "GET", path: "/k", bucket: "lake"))
    }
    #expect(server.requests.count == 1)
  }

  @Test func aServerWhoseClockJumpsIsNotFollowedForEver() async {
    let server = FakeTransport { _, number in
      answer(
        403, "<Error><Code>RequestTimeTooSkewed</Code></Error>",
        ["Date": AWSTime.rfc(1_790_000_000 + Double(number) * 10_000)])
    }
    await #expect(throws: AWSError.self) {
      try await client(server).send(AWSRequest(.s3, "ListBuckets", method: "GET"))
    }
    #expect(server.requests.count == 2)
  }

  // MARK: Expired tokens

  /// Hands out a, b, c, ...
  private final class Rotating: CredentialsProvider {
    private let index = Mutex(0)
    var refused: Int { index.withLock { $0 } }

    func credentials() async throws(AWSError) -> Credentials {
      let name = "KEY\(index.withLock { $0 })"
      return Credentials(accessKeyID: name, secretAccessKey: "s", sessionToken: "t", source: "test")
    }

    func invalidate(_ refused: Credentials) async { index.withLock { $0 += 1 } }
  }

  @Test(arguments: [
    (Service.s3, 400, "<Error><Code>ExpiredToken</Code></Error>"),
    (.sts, 403, "<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>"),
    (.ec2, 400, "<Response><Errors><Error><Code>RequestExpired</Code></Error></Errors></Response>"),
    (.emr, 400, #"{"__type":"ExpiredTokenException"}"#), (.scheduler, 403, #"{"__type":"ExpiredTokenException"}"#),
  ])
  func newCredentialsAreFetchedOnce(service: Service, status: Int, body: String) async throws {
    let provider = Rotating()
    let server = FakeTransport([answer(status, body), answer(200)])
    _ = try await client(server, credentials: provider, retry: RetryPolicy(maxAttempts: 1)).send(
      AWSRequest(service, "Any"))
    #expect(server.requests.count == 2)
    #expect(server.requests[1].headers["authorization"]?.contains("KEY1/") == true)

    let again = Rotating()
    let stubborn = FakeTransport([answer(status, body)])
    do throws(AWSError) {
      _ = try await client(stubborn, credentials: again).send(AWSRequest(service, "Any", resend: .never))
      #expect(Bool(false), "it must fail")
    } catch {
      #expect(!error.outcomeUnknown)
    }
    #expect(stubborn.requests.count == 2)
    #expect(again.refused == 1)
  }

  @Test func headWithAnExpiredTokenHasNoCode() async throws {
    let provider = Rotating()
    let server = FakeTransport([answer(400), answer(200)])
    _ = try await client(server, credentials: provider).send(
      AWSRequest(.s3, "HeadBucket", method: "HEAD", bucket: "lake"))
    #expect(provider.refused == 1)
  }
}

extension AWSTime {
  /// Only the time of day varies enough for a test.
  static func rfc(_ seconds: Double) -> String {
    let iso = iso8601(Date(timeIntervalSince1970: seconds))
    return "Wed, \(iso.dropFirst(8).prefix(2)) Sep 2026 \(iso.dropFirst(11).prefix(8)) GMT"
  }
}
