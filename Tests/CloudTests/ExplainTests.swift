import AWS
import Model
import Testing

@testable import Cloud

@Suite struct ExplainTests {
  static let table: [(code: String, summary: String, remedy: String)] = [
    (ClientCode.credentials, "No usable AWS credentials", "--local"),
    (ClientCode.configuration, "The AWS configuration cannot be used", "--profile"),
    (ClientCode.resolve, "No connection to AWS for S3 PutObject", "AWS_ENDPOINT_URL"),
    (ClientCode.connect, "No connection to AWS for S3 PutObject", "--region"),
    (ClientCode.tls, "No secure connection to AWS", "AWS_CA_BUNDLE"),
    (ClientCode.timeout, "S3 PutObject got no answer", "Run the same command again."),
    (ClientCode.reset, "S3 PutObject got no answer", "Run the same command again."),
    (ClientCode.localFile, "A local file could not be read or written", "permissions"),
    (ClientCode.decoding, "S3 PutObject answered with something that is not AWS's protocol", "proxy"),
    (ClientCode.cancelled, "Interrupted", "goes on where it stopped"),
    ("ExpiredToken", "The AWS credentials have expired", "aws sso login"),
    ("ExpiredTokenException", "The AWS credentials have expired", "aws sso login"),
    ("InvalidAccessKeyId", "AWS does not know the access key", "AWS_PROFILE"),
    ("UnrecognizedClientException", "AWS does not know the access key", "AWS_PROFILE"),
    ("SignatureDoesNotMatch", "AWS refused the signature", "clock"),
    ("AccessDenied", "Not allowed: S3 PutObject", "permission"),
    ("UnauthorizedOperation", "Not allowed: S3 PutObject", "permission"),
    ("NoSuchBucket", "The bucket does not exist", "mrhealth up"),
    ("MalformedPolicyDocument", "AWS refused the policy document", "stack file"),
    ("LimitExceeded", "A quota of the account is used up (S3 PutObject)", "Service Quotas"),
    ("SomethingNew", "S3 PutObject failed", ""),
  ]

  @Test(arguments: table.indices) func `errors in the user's words`(_ index: Int) {
    let (code, summary, remedy) = Self.table[index]
    let found = Diagnostic(
      explaining: AWSError(service: "S3", operation: "PutObject", code: code, message: "why", requestID: "r-1"))
    #expect(found.summary == summary, "\(code)")
    #expect(remedy.isEmpty ? found.remedy.isEmpty : found.remedy.contains(remedy), "\(code): \(found.remedy)")
    let detail = code.hasPrefix("Client.") ? "why (request r-1)" : "\(code): why (request r-1)"
    #expect(found.detail == detail)
  }

  @Test func `a bucket elsewhere, and where`() {
    let known = AWSError(
      service: "S3", operation: "GetObject", code: "PermanentRedirect", message: "m", extra: ["Region": "sa-east-1"])
    #expect(Diagnostic(explaining: known).summary == "The bucket is in another region: it is in sa-east-1")
    let unknown = AWSError(service: "S3", operation: "GetObject", code: "PermanentRedirect", message: "m")
    #expect(Diagnostic(explaining: unknown).summary == "The bucket is in another region")
  }

  @Test func `an unknown outcome is said to be one`() {
    let lost = AWSError(
      service: "EMR", operation: "RunJobFlow", code: ClientCode.reset, message: "m", outcomeUnknown: true)
    #expect(Diagnostic(explaining: lost).remedy.contains("may have been carried out"))
  }

  @Test func `an error that knows no call still has a whole sentence`() {
    let waiting = Diagnostic(explaining: AWSError(code: ClientCode.waitTimeout, message: "waited 5 s"))
    #expect(waiting.summary == "A call of AWS failed")
    #expect(
      Diagnostic(explaining: AWSError(code: ClientCode.reset, message: "m")).summary == "A call of AWS got no answer")
    #expect(Diagnostic(explaining: AWSError(code: ClientCode.connect, message: "m")).summary == "No connection to AWS")
  }

  @Test func `transfers`() {
    let cause = AWSError(service: "S3", operation: "PutObject", code: "AccessDenied", message: "m")
    let refused = Diagnostic(explaining: TransferError(.service(cause), path: "a.py", message: "m"))
    #expect(refused.summary == "Not allowed: S3 PutObject")
    #expect(refused.detail == "a.py: AccessDenied: m")
    let missing = Diagnostic(explaining: TransferError(.missing, path: "a.py", message: "No such file"))
    #expect(missing.summary == "A file could not be transferred")
    #expect(missing.detail == "a.py: No such file")
    let stopped = Diagnostic(explaining: TransferError(.cancelled, path: "a.py", message: "stopped"))
    #expect(stopped.summary == "Interrupted", "nobody has to look after a file")
  }

  @Test func `a diagnostic stays what it is`() {
    #expect(Diagnostic(explaining: Diagnostic("x", remedy: "y")) == Diagnostic("x", remedy: "y"))
    #expect(Diagnostic(explaining: CancellationError()).summary == "Interrupted")
  }
}
