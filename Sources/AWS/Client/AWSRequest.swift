package import HTTP

/// One call, before it is addressed and signed. The client resolves the endpoint, adds the protocol's headers,
/// signs and retries.
package struct AWSRequest: Sendable, CustomStringConvertible, CustomReflectable {
  /// What may be done when it is unclear whether AWS carried the call out (DESIGN, invariant 2).
  package enum Resend: Sendable, Hashable {
    /// Doing it twice is doing it once: send again.
    case safe
    /// Throw with `outcomeUnknown` instead. Answers that prove that nothing was done are retried all the same.
    case never
  }

  package enum Payload: Sendable, Hashable {
    /// SHA-256 of the body goes into the signature.
    case hashed
    /// S3 only: `UNSIGNED-PAYLOAD` where TLS protects the body, hashed where it does not.
    case unsigned
    /// The lower-case hex SHA-256 of the body, when the caller has it already.
    case sha256(String)
  }

  /// Integrity headers that the client computes over the body (S3; AWS.md 3.4).
  package enum Checksum: Sendable, Hashable {
    case none
    /// `x-amz-checksum-crc32` with `x-amz-sdk-checksum-algorithm`.
    case crc32
    /// The same with a value that the caller computed (base64 of the big-endian sum).
    case crc32Value(String)
    /// `Content-MD5`.
    case md5
  }

  package var service: Service
  package var operation: String
  package var method: String
  /// Encoded once (`URLEncoding.path`), starting with `/`; for S3 without the bucket.
  package var path: String
  /// Names and values not encoded. A nil value is a bare name (`?versioning`).
  package var query: [(String, String?)]
  package var headers: HTTPHeaders
  package var body: HTTPBody
  /// S3 only: goes into the host or the path, as the endpoint demands.
  package var bucket: String?
  package var target: ResponseTarget
  package var resend: Resend
  package var payload: Payload
  package var checksum: Checksum
  /// False for the few calls that carry no signature (AssumeRoleWithWebIdentity).
  package var isSigned: Bool
  /// Statuses from 300 up that are an answer and not an error, e.g. 404 for HeadBucket.
  package var accepted: Set<Int>
  /// A 200 whose body is `<Error>` counts as a 500 (CompleteMultipartUpload, CopyObject).
  package var successMayHoldError: Bool
  /// Another region than the client's, e.g. a bucket's.
  package var region: String?
  /// No byte in either direction for so long: broken.
  package var idleTimeout: Duration?
  /// For one attempt, from its start to the last byte of the answer.
  package var deadline: Duration?
  package var progress: (@Sendable (_ sent: Int64, _ received: Int64) -> Void)?

  package init(
    _ service: Service, _ operation: String, method: String = "POST", path: String = "/",
    query: [(String, String?)] = [], headers: HTTPHeaders = HTTPHeaders(), body: HTTPBody = .none,
    bucket: String? = nil, target: ResponseTarget = .memory(limit: 32 << 20), resend: Resend = .safe,
    payload: Payload = .hashed, checksum: Checksum = .none, isSigned: Bool = true, accepted: Set<Int> = [],
    successMayHoldError: Bool = false, region: String? = nil, idleTimeout: Duration? = nil,
    deadline: Duration? = nil, progress: (@Sendable (_ sent: Int64, _ received: Int64) -> Void)? = nil
  ) {
    self.service = service
    self.operation = operation
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
    self.bucket = bucket
    self.target = target
    self.resend = resend
    self.payload = payload
    self.checksum = checksum
    self.isSigned = isSigned
    self.accepted = accepted
    self.successMayHoldError = successMayHoldError
    self.region = region
    self.idleTimeout = idleTimeout
    self.deadline = deadline
    self.progress = progress
  }
}

extension AWSRequest {
  // Headers, query and body may hold tokens.
  package var description: String { "\(service.id) \(operation)" }
  package var customMirror: Mirror { Mirror(self, children: ["service": service.id, "operation": operation]) }
}

/// An answer that is not an error.
package struct AWSResponse: Sendable {
  package var status: Int
  package var headers: HTTPHeaders
  /// Empty when the target was a file.
  package var body: [UInt8]
  package var requestID: String
  package var bytesReceived: Int64
  package var attempts: Int

  package init(
    status: Int, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = [], requestID: String = "",
    bytesReceived: Int64 = 0, attempts: Int = 1
  ) {
    self.status = status
    self.headers = headers
    self.body = body
    self.requestID = requestID
    self.bytesReceived = bytesReceived
    self.attempts = attempts
  }
}
