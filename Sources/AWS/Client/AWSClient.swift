import FoundationEssentials
import HTTP
package import Logging
import Synchronization

/// Sends calls to AWS: addressed, signed, retried, errors decoded. One per region and identity; shared by all services.
package final class AWSClient: Sendable {
  package let region: String
  package let clock: any AWSClock
  let transport: any HTTPTransport
  let credentials: any CredentialsProvider
  let endpoints: EndpointResolver
  let retry: RetryPolicy
  let quota: RetryQuota
  let skew = ClockSkew()
  let answering = AnsweringHosts()
  let keys = SigningKeyCache()
  let logger: Logger
  let userAgent: String
  /// The longest silence of a service before an attempt counts as failed; 60 s in every SDK.
  let readTimeout: Duration

  package init(
    transport: any HTTPTransport, credentials: any CredentialsProvider, region: String,
    endpoints: EndpointResolver = EndpointResolver(), retry: RetryPolicy = RetryPolicy(),
    logger: Logger = Logger(label: "aws"), clock: any AWSClock = SystemClock(),
    userAgent: String = UserAgent.text(version: "1"), readTimeout: Duration = .seconds(60)
  ) {
    self.transport = transport
    self.credentials = credentials
    self.region = region
    self.endpoints = endpoints
    self.retry = retry
    quota = RetryQuota(capacity: retry.capacity)
    self.logger = logger
    self.clock = clock
    self.userAgent = userAgent
    self.readTimeout = readTimeout
  }

  /// Sends a call, repeating it as the retry policy and its `resend` allow.
  ///
  /// - Throws: what AWS answered, or a `Client.` code. `outcomeUnknown` is set when it may have been carried out.
  package func send(_ request: AWSRequest) async throws(AWSError) -> AWSResponse {
    do {
      return try await Call(request, client: self).run()
    } catch {
      var error = error
      if error.service.isEmpty { error.service = request.service.id }
      if error.operation.isEmpty { error.operation = request.operation }
      throw error
    }
  }

  /// A URL that carries its own signature; valid for 1 s to 7 days, or until the credentials expire.
  package func presign(_ request: AWSRequest, expires: Duration) async throws(AWSError) -> String {
    let endpoint = try endpoints.resolve(request.service, region: request.region ?? region, bucket: request.bucket)
    let path = endpoint.basePath + request.path
    let signer = SigV4Signer(service: request.service.signingName, region: endpoint.signingRegion, keys: keys)
    let query = signer.presign(
      SignableRequest(
        method: request.method, host: endpoint.host, path: path, query: request.query, headers: request.headers),
      credentials: try await credentials.credentials(), date: clock.now.addingTimeInterval(skew.offset),
      expires: Int(expires.seconds))
    return "\(endpoint.scheme)://\(endpoint.host)\(path)?\(query)"
  }

  /// What is left of the tokens for retries.
  package var retryTokens: Int { quota.tokens }

  /// Seconds by which AWS's clock is ahead of ours, as far as is known: for `doctor`.
  package var clockOffset: Double { skew.offset }
}

/// Hosts that have answered this client, whatever they said.
final class AnsweringHosts: Sendable {
  private let hosts = Mutex<Set<String>>([])

  func contains(_ host: String) -> Bool { hosts.withLock { $0.contains(host) } }
  func insert(_ host: String) { hosts.withLock { _ = $0.insert(host) } }
}
