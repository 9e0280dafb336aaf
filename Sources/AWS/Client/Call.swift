import FoundationEssentials
import HTTP
import Logging

/// One call on its way: everything that is computed once, and the loop of attempts.
struct Call {
  private let request: AWSRequest
  private let client: AWSClient
  private let endpoint: Endpoint
  private let url: String
  private let headers: HTTPHeaders
  private let payloadHash: String
  private let signer: SigV4Signer

  /// What became of one attempt that failed.
  private struct Failure {
    var error: AWSError
    var cause: RetryPolicy.Cause?
    var retryAfter: Double?
    /// Repeat at once, whatever the policy says: the reason is out of the way.
    var isMended = false
  }

  init(_ request: AWSRequest, client: AWSClient) throws(AWSError) {
    self.request = request
    self.client = client
    let endpoint = try client.endpoints.resolve(
      request.service, region: request.region ?? client.region, bucket: request.bucket)
    self.endpoint = endpoint
    var url = "\(endpoint.scheme)://\(endpoint.host)\(endpoint.basePath)\(request.path)"
    if !request.query.isEmpty {
      url += "?"
      url += request.query.map { item in
        URLEncoding.encode(item.0) + (item.1.map { "=" + URLEncoding.encode($0) } ?? "")
      }.joined(separator: "&")
    }
    self.url = url
    payloadHash = try Payload.hash(request, isTLS: endpoint.isTLS)
    var headers = request.headers
    for (name, value) in try Payload.headers(request) { headers.set(name, value) }
    headers.set("user-agent", client.userAgent)
    headers.set("amz-sdk-invocation-id", UUID().uuidString.lowercased())
    self.headers = headers
    signer = SigV4Signer(service: request.service.signingName, region: endpoint.signingRegion, keys: client.keys)
  }

  /// - Throws: the last failure. Its `outcomeUnknown` is set when any attempt may have been carried out: a conditional
  /// write whose answer was lost, sent again, meets its own traces.
  func run() async throws(AWSError) -> AWSResponse {
    var attempt = 1
    var lastCost: Int?
    var isMendedSkew = false
    var isMendedCredentials = false
    var mayBeDone = false
    while true {
      guard !Task.isCancelled else { throw stopped(attempt - 1, mayBeDone) }
      let credentials = request.isSigned ? try await client.credentials.credentials() : nil
      let offset = client.skew.offset
      var failure: Failure
      switch await exchange(attempt, credentials, offset: offset) {
      case .success(let response):
        guard let fault = fault(in: response) else {
          client.quota.give(lastCost ?? 1)
          return AWSResponse(
            status: response.status, headers: response.headers, body: response.body,
            requestID: ServiceFault.requestID(response.headers) ?? "", bytesReceived: response.bytesReceived,
            attempts: attempt)
        }
        failure = judge(fault, response, attempt)
        if !isMendedSkew, request.isSigned,
          client.skew.learn(from: fault, response, offset: offset, clock: client.clock)
        {
          isMendedSkew = true
          failure.isMended = true
          note("the local clock is \(-Int(client.skew.offset)) s ahead of AWS's: corrected", attempt)
        } else if !isMendedCredentials, let credentials, isExpiry(fault, response, credentials) {
          isMendedCredentials = true
          failure.isMended = true
          await client.credentials.invalidate(credentials)
        }
      case .failure(let error):
        failure = judge(error, attempt)
      }
      mayBeDone = mayBeDone || failure.error.outcomeUnknown
      failure.error.outcomeUnknown = mayBeDone
      if !failure.isMended {
        guard let cause = failure.cause, attempt < maxAttempts else { throw failure.error }
        let cost = RetryPolicy.cost(cause)
        guard client.quota.take(cost) else {
          note("not repeated: too many calls failed lately", attempt)
          throw failure.error
        }
        lastCost = cost
        let pause = client.retry.delay(cause, retry: attempt, retryAfter: failure.retryAfter)
        do {
          try await client.clock.sleep(for: .seconds(pause))
        } catch {
          throw stopped(attempt, mayBeDone)
        }
      }
      attempt += 1
    }
  }

  private var maxAttempts: Int {
    client.answering.contains(endpoint.host) ? client.retry.maxAttemptsWhenAnswered : client.retry.maxAttempts
  }

  // MARK: One attempt

  /// Signs with a fresh date, sends, and logs the outcome.
  private func exchange(
    _ attempt: Int, _ credentials: Credentials?, offset: Double
  ) async -> Result<HTTPResponse, HTTPError> {
    var headers = headers
    headers.set("amz-sdk-request", "attempt=\(attempt); max=\(maxAttempts)")
    if let credentials {
      let signable = SignableRequest(
        method: request.method, host: endpoint.host, path: endpoint.basePath + request.path, query: request.query,
        headers: headers, payloadHash: payloadHash)
      headers = signer.sign(
        signable, credentials: credentials, date: client.clock.now.addingTimeInterval(offset))
    }
    let wire = HTTPRequest(
      method: request.method, url: url, headers: headers, body: request.body, target: request.target,
      idleTimeout: request.idleTimeout ?? client.readTimeout, deadline: request.deadline,
      // libcurl by itself sends again what it wrote to a reused connection that turned out to be dead.
      allowsReconnect: request.resend == .safe, progress: request.progress)
    let start = client.clock.uptime
    do {
      let response = try await client.transport.execute(wire)
      client.answering.insert(endpoint.host)
      let id = ServiceFault.requestID(response.headers) ?? "-"
      note("status \(response.status)", attempt, start, id)
      return .success(response)
    } catch {
      note("\(error.kind)", attempt, start)
      return .failure(error)
    }
  }

  /// One line per attempt; never headers, URLs or bodies, which hold signatures and data.
  private func note(_ what: String, _ attempt: Int, _ start: Duration? = nil, _ id: String = "") {
    client.logger.debug(
      "\(request.service.id) \(request.operation) attempt \(attempt): \(what)",
      metadata: start.map {
        ["ms": "\(Int((client.clock.uptime - $0).milliseconds))", "request": "\(id.prefix(64))"]
      })
  }

  // MARK: Judging

  /// The error in an answer; nil when the answer is what was asked for.
  private func fault(in response: HTTPResponse) -> ServiceFault? {
    if response.status < 300 {
      guard request.successMayHoldError, Self.mayBeError(response.body),
        (try? XMLNode.parse(response.body))?.name == "Error"
      else { return nil }
      return ServiceFault(response, wire: request.service.wire)
    }
    return request.accepted.contains(response.status) ? nil : ServiceFault(response, wire: request.service.wire)
  }

  /// Spares most answers the parser.
  private static func mayBeError(_ body: [UInt8]) -> Bool {
    body.prefix(512).split(separator: UInt8(ascii: "<")).contains { $0.starts(with: "Error".utf8) }
  }

  private func judge(_ fault: ServiceFault, _ response: HTTPResponse, _ attempt: Int) -> Failure {
    // S3 began to answer with 200 before it failed: as good as a 500 (CompleteMultipartUpload's documentation).
    let status = response.status < 300 ? 500 : response.status
    let isNotDone = RetryPolicy.isCertainlyNotDone(code: fault.code, status: status)
    var cause = RetryPolicy.cause(code: fault.code, status: status)
    if request.resend == .never, !isNotDone { cause = nil }
    let error = AWSError(
      service: request.service.id, operation: request.operation, code: fault.code, message: message(fault, status),
      status: response.status, requestID: fault.requestID, extra: fault.extra, attempts: attempt,
      outcomeUnknown: !isNotDone)
    return Failure(error: error, cause: cause, retryAfter: retryAfter(response.headers))
  }

  private func judge(_ error: HTTPError, _ attempt: Int) -> Failure {
    let code =
      switch error.kind {
      case .resolve: ClientCode.resolve
      case .connect: ClientCode.connect
      case .tls: ClientCode.tls
      case .timeout: ClientCode.timeout
      case .reset: ClientCode.reset
      case .tooLarge: ClientCode.tooLarge
      case .write, .read: ClientCode.localFile
      case .cancelled: ClientCode.cancelled
      case .invalidURL: ClientCode.configuration
      default: ClientCode.transport
      }
    var cause = RetryPolicy.cause(error.kind)
    if request.resend == .never, error.mayHaveBeenProcessed { cause = nil }
    let failure = AWSError(
      service: request.service.id, operation: request.operation, code: code, message: error.message,
      extra: ["Host": endpoint.host], attempts: attempt, outcomeUnknown: error.mayHaveBeenProcessed)
    return Failure(error: failure, cause: cause, retryAfter: nil)
  }

  private func message(_ fault: ServiceFault, _ status: Int) -> String {
    guard request.service.isS3, status == 301 || status == 307 || fault.code == "AuthorizationHeaderMalformed",
      let region = fault.extra["Region"], let bucket = request.bucket
    else { return fault.message }
    return "the bucket '\(bucket)' is in \(region), not in \(request.region ?? client.region)"
  }

  private static let expiryCodes: Set<String> = [
    "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired",
  ]

  private func isExpiry(_ fault: ServiceFault, _ response: HTTPResponse, _ used: Credentials) -> Bool {
    if Self.expiryCodes.contains(fault.code) { return true }
    // S3 answers HEAD with an expired token by a bare 400.
    return request.method == "HEAD" && response.status == 400 && used.sessionToken != nil
  }

  /// Seconds; AWS's own header has milliseconds, the standard one seconds or a date.
  private func retryAfter(_ headers: HTTPHeaders) -> Double? {
    if let text = headers["x-amz-retry-after"], let milliseconds = Double(text), milliseconds >= 0 {
      return milliseconds / 1000
    }
    guard let text = headers["retry-after"] else { return nil }
    if let seconds = Double(text) { return seconds >= 0 ? seconds : nil }
    return AWSTime.parse(text).map { max(0, $0.timeIntervalSince(client.clock.now) - client.skew.offset) }
  }

  private func stopped(_ attempts: Int, _ mayBeDone: Bool) -> AWSError {
    AWSError(
      service: request.service.id, operation: request.operation, code: ClientCode.cancelled, message: "stopped",
      attempts: attempts, outcomeUnknown: mayBeDone)
  }
}
