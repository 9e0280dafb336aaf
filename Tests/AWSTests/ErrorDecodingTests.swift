import AWS
import HTTP
import Testing

struct ErrorDecodingTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var service: Service
    var status: Int
    var code: String
    var body: String
    var headers: HTTPHeaders = [:]

    var testDescription: String { "\(service.id) \(status) \(code)" }
  }

  private static func s3(_ status: Int, _ code: String) -> Case {
    Case(
      service: .s3, status: status, code: code,
      body: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>\(code)</Code><Message>said so</Message>"
        + "<BucketName>lake</BucketName><RequestId>REQ</RequestId><HostId>h</HostId></Error>")
  }

  private static func query(_ status: Int, _ code: String) -> Case {
    Case(
      service: .iam, status: status, code: code,
      body: "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>"
        + "<Code>\(code)</Code><Message>said so</Message></Error><RequestId>REQ</RequestId></ErrorResponse>")
  }

  private static func ec2(_ status: Int, _ code: String) -> Case {
    Case(
      service: .ec2, status: status, code: code,
      body: "<Response><Errors><Error><Code>\(code)</Code><Message>said so</Message></Error></Errors>"
        + "<RequestID>REQ</RequestID></Response>")
  }

  private static func json(_ status: Int, _ code: String) -> Case {
    Case(
      service: .emr, status: status, code: code,
      body: #"{"__type":"com.amazon.coral.service#\#(code)","message":"said so"}"#,
      headers: ["x-amzn-RequestId": "REQ"])
  }

  private static func rest(_ status: Int, _ code: String) -> Case {
    Case(
      service: .quickSight, status: status, code: code, body: #"{"Message":"said so","RequestId":"REQ"}"#,
      headers: ["x-amzn-ErrorType": "\(code):http://internal.amazon.com/coral/", "x-amzn-requestid": "REQ"])
  }

  /// The table of AWS.md 2.
  static let table: [Case] = [
    s3(403, "SignatureDoesNotMatch"), query(403, "SignatureDoesNotMatch"), ec2(401, "AuthFailure"),
    json(400, "InvalidSignatureException"), rest(403, "InvalidSignatureException"),
    s3(403, "InvalidAccessKeyId"), query(403, "InvalidClientTokenId"), json(400, "UnrecognizedClientException"),
    rest(403, "UnrecognizedClientException"),
    s3(400, "ExpiredToken"), query(403, "ExpiredToken"), ec2(400, "RequestExpired"), json(400, "ExpiredTokenException"),
    rest(403, "ExpiredTokenException"),
    s3(403, "RequestTimeTooSkewed"),
    s3(503, "SlowDown"), query(400, "Throttling"), ec2(503, "RequestLimitExceeded"), json(400, "ThrottlingException"),
    rest(429, "ThrottlingException"),
    s3(400, "AuthorizationHeaderMalformed"),
  ]

  @Test(arguments: table)
  func everyProtocol(item: Case) {
    let response = HTTPResponse(
      status: item.status, headers: item.headers, body: Array(item.body.utf8), bytesReceived: 0)
    let fault = ServiceFault(response, wire: item.service.wire)
    #expect(fault.code == item.code)
    #expect(fault.message == "said so")
    #expect(fault.requestID == "REQ")
    if item.service.isS3 { #expect(fault.extra["BucketName"] == "lake") }
  }

  @Test(arguments: [
    (Service.emr, 400, #"{"__type":"A","Message":"big"}"#, "A", "big"),
    (.emr, 400, #"{"code":"B","message":null}"#, "B", ""),
    (
      .emr, 500, "<html><body>Internal Server Error</body></html>", "InternalError",
      "HTTP status 500 with a body that is not an AWS error (no content type)"
    ),
    (.emr, 500, "", "InternalError", "HTTP status 500 without an explanation"),
    (.emr, 400, "{", "BadRequest", "HTTP status 400 with a body that is not an AWS error (no content type)"),
    (.emr, 400, "[1]", "BadRequest", "HTTP status 400 with a body that is not an AWS error (no content type)"),
    (
      .emr, 400, #"{"__type":5,"message":["x"]}"#, "BadRequest",
      "HTTP status 400 with a body that is not an AWS error (no content type)"
    ),
    // moto answers JSON services in XML when it refuses a key.
    (.emr, 403, "<Error><Code>InvalidClientTokenId</Code><Message>no</Message></Error>", "InvalidClientTokenId", "no"),
    (.s3, 403, #"{"__type":"Odd","message":"json"}"#, "Odd", "json"),
    (.s3, 404, "", "NotFound", "HTTP status 404 without an explanation"),
    (.s3, 403, "", "AccessDenied", "HTTP status 403 without an explanation"),
    (.s3, 412, "", "PreconditionFailed", "HTTP status 412 without an explanation"),
    (.s3, 599, "", "HTTP599", "HTTP status 599 without an explanation"),
    (
      .sts, 400, "<ErrorResponse><Error></Error></ErrorResponse>", "BadRequest",
      "HTTP status 400 with a body that is not an AWS error (no content type)"
    ),
    (
      .ec2, 503, "<Response><Errors/></Response>", "ServiceUnavailable",
      "HTTP status 503 with a body that is not an AWS error (no content type)"
    ),
  ])
  func oddBodies(service: Service, status: Int, body: String, code: String, message: String) {
    let fault = ServiceFault(
      HTTPResponse(status: status, headers: [:], body: Array(body.utf8), bytesReceived: 0), wire: service.wire)
    #expect(fault.code == code)
    #expect(fault.message == message)
  }

  @Test func hostileBodiesOnlyCostTheCode() {
    let huge = [UInt8](repeating: UInt8(ascii: "<"), count: 1 << 20)
    let deep = Array(String(repeating: "[", count: 100_000).utf8)
    let bomb = Array(
      "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]><Error><Code>&b;</Code></Error>".utf8)
    for (body, wire) in [(huge, Service.Wire.restXML), (deep, .restJSON), (bomb, .restXML)] {
      #expect(
        ServiceFault(HTTPResponse(status: 500, headers: [:], body: body, bytesReceived: 0), wire: wire).code
          == "InternalError")
    }
    let long =
      "<Error><Code>\(String(repeating: "c", count: 500))</Code><Message>\(String(repeating: "m", count: 90_000))</Message></Error>"
    let fault = ServiceFault(
      HTTPResponse(status: 400, headers: [:], body: Array(long.utf8), bytesReceived: 0), wire: .restXML)
    #expect(fault.code.count == 128)
    #expect(fault.message.count == 2049)
  }

  @Test func aSignatureMismatchDoesNotQuoteTheRequest() {
    let message =
      "The signature does not match.\n\nThe Canonical String should have been\n'POST\nx-amz-security-token:SECRET-TOKEN'"
    for (wire, body) in [
      (
        Service.Wire.restXML,
        "<Error><Code>SignatureDoesNotMatch</Code><Message>\(message)</Message><StringToSign>SECRET-TOKEN</StringToSign>"
          + "<CanonicalRequest>SECRET-TOKEN</CanonicalRequest><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>"
      ),
      (
        .query(version: "1"),
        "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>\(message)</Message></Error></ErrorResponse>"
      ),
      (
        .json(target: "x"),
        #"{"__type":"InvalidSignatureException","message":"The signature does not match.\n\nx-amz-security-token:SECRET-TOKEN"}"#
      ),
    ] {
      let fault = ServiceFault(
        HTTPResponse(status: 403, headers: [:], body: Array(body.utf8), bytesReceived: 0), wire: wire)
      #expect(!"\(fault)".contains("SECRET-TOKEN"))
      #expect(fault.message == "The signature does not match.")
      #expect(fault.extra["AWSAccessKeyId"] == nil)
    }
  }
}
