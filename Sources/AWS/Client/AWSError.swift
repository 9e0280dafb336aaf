/// Why an AWS call failed: what the service said, or what kept us from asking it.
///
/// It holds nothing secret: no headers, no bodies, no signed URLs.
package struct AWSError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Id of the service, e.g. `S3`.
  package var service: String
  package var operation: String
  /// AWS's own code, or one of ours, which start with `Client.` (see `ClientCode`).
  package var code: String
  package var message: String
  /// HTTP status; 0 when there was no answer.
  package var status: Int
  package var requestID: String
  /// Further members of the answer, e.g. `BucketName`, `Region`, `Resource`.
  package var extra: [String: String]
  /// How many times the request was sent.
  package var attempts: Int
  /// The request left, and no usable answer came: it may or may not have been carried out. Look before you repeat it.
  package var outcomeUnknown: Bool

  package init(
    service: String = "", operation: String = "", code: String, message: String, status: Int = 0,
    requestID: String = "", extra: [String: String] = [:], attempts: Int = 0, outcomeUnknown: Bool = false
  ) {
    self.service = service
    self.operation = operation
    self.code = code
    self.message = message
    self.status = status
    self.requestID = requestID
    self.extra = extra
    self.attempts = attempts
    self.outcomeUnknown = outcomeUnknown
  }

  package var description: String {
    var text = service.isEmpty ? "" : "\(service) \(operation): "
    text += "\(code): \(message)"
    if status != 0 { text += " (HTTP \(status)" + (requestID.isEmpty ? ")" : ", request \(requestID))") }
    if outcomeUnknown { text += " [the outcome is unknown]" }
    return text
  }
}

/// The codes of failures that did not come from AWS.
package enum ClientCode {
  package static let resolve = "Client.Resolve"
  package static let connect = "Client.Connect"
  package static let tls = "Client.TLS"
  package static let timeout = "Client.Timeout"
  package static let reset = "Client.ConnectionReset"
  package static let tooLarge = "Client.AnswerTooLarge"
  package static let localFile = "Client.LocalFile"
  package static let cancelled = "Client.Cancelled"
  package static let transport = "Client.Transport"
  package static let credentials = "Client.Credentials"
  package static let configuration = "Client.Configuration"
  /// The answer was not what the protocol promises.
  package static let decoding = "Client.Decoding"
  package static let encoding = "Client.Encoding"
  /// A waiter's deadline passed.
  package static let waitTimeout = "Client.WaitTimeout"
}
