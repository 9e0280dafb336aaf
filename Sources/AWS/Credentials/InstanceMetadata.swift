import FoundationEssentials
import HTTP
import Synchronization

/// The metadata service of an EC2 instance, version 2 and where it must be version 1.
/// Source: EC2 user guide, "Use IMDS"; botocore/utils.py, IMDSFetcher.
struct InstanceMetadata {
  let environment: AWSEnvironment
  let profile: SharedConfig.Profile

  enum Answer {
    case text([UInt8])
    /// Not an instance, switched off, or nothing at that path; in words.
    case nothing(String)
  }

  var isDisabled: Bool { environment.isTrue("AWS_EC2_METADATA_DISABLED") }

  private var base: String {
    var url =
      environment.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? profile["ec2_metadata_service_endpoint"]
      ?? ((environment.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")
        ?? profile["ec2_metadata_service_endpoint_mode"])?.lowercased() == "ipv6"
        ? "http://[fd00:ec2::254]" : "http://169.254.169.254")
    while url.hasSuffix("/") { url.removeLast() }
    return url
  }

  private var timeout: Duration {
    let text = environment.variable("AWS_METADATA_SERVICE_TIMEOUT") ?? profile["metadata_service_timeout"]
    return .seconds(text.flatMap { Int($0) }.map { max(1, min(60, $0)) } ?? 1)
  }

  /// The instance's region; nil when this is not one.
  func region() async -> String? {
    guard case .text(let bytes) = await get(["placement/region"]) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Follows paths below `/latest/meta-data/` with one token. An empty path's place is taken by the first line of the
  /// answer before it, appended to the path before it: the role's name.
  func get(_ paths: [String]) async -> Answer {
    if isDisabled { return .nothing("switched off by AWS_EC2_METADATA_DISABLED") }
    var headers: HTTPHeaders = [:]
    switch await send("PUT", "/latest/api/token", ["x-aws-ec2-metadata-token-ttl-seconds": "21600"]) {
    case .success(let response) where response.status == 200:
      headers.set("x-aws-ec2-metadata-token", String(decoding: response.body, as: UTF8.self))
    case .success(let response) where [403, 404, 405].contains(response.status):
      // An old instance, or an emulator, that knows only version 1.
      let isRefused =
        environment.isTrue("AWS_EC2_METADATA_V1_DISABLED")
        || profile["ec2_metadata_v1_disabled"]?.lowercased() == "true"
      if isRefused { return .nothing("only version 1 answers, and AWS_EC2_METADATA_V1_DISABLED forbids it") }
    case .success(let response): return .nothing("the token was refused with HTTP status \(response.status)")
    case .failure(let error): return .nothing("no answer (\(error.message)): not an EC2 instance")
    }
    var path = ""
    var last: [UInt8] = []
    for next in paths {
      path = next.isEmpty ? path + Self.firstLine(last) : next
      switch await send("GET", "/latest/meta-data/\(path)", headers) {
      case .success(let response) where response.status == 200: last = response.body
      case .success(let response) where response.status == 404: return .nothing("no role is attached to the instance")
      case .success(let response): return .nothing("HTTP status \(response.status)")
      case .failure(let error): return .nothing(error.message)
      }
    }
    return .text(last)
  }

  private static func firstLine(_ bytes: [UInt8]) -> String {
    let line = String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }
    return URLEncoding.encode(String(line.prefix(128)))
  }

  private func send(_ method: String, _ path: String, _ headers: HTTPHeaders) async -> Result<HTTPResponse, HTTPError> {
    let request = HTTPRequest(
      method: method, url: base + path, headers: headers, target: .memory(limit: 1 << 20), connectTimeout: timeout,
      idleTimeout: timeout, deadline: timeout)
    do {
      return .success(try await environment.transport.execute(request))
    } catch {
      return .failure(error)
    }
  }
}

/// The role of an EC2 instance.
final class InstanceMetadataSource: CredentialSource {
  /// How much longer credentials are used when the service cannot give newer ones ("static stability").
  private static let extraTime = 15.0 * 60

  let name = "EC2 instance metadata"
  private let metadata: InstanceMetadata
  private let last = Mutex<Credentials?>(nil)

  init(_ context: CredentialContext) {
    metadata = InstanceMetadata(environment: context.environment, profile: context.profile)
  }

  func find() async throws(AWSError) -> Finding {
    let what = "the instance metadata service"
    switch await metadata.get(["iam/security-credentials/", ""]) {
    case .nothing(let why):
      guard let old = last.withLock({ $0 }) else { return .absent(why) }
      return .found(extended(old))
    case .text(let bytes):
      let document = try CredentialDocument.parse(bytes, what)
      if let code = document.code, code != "Success" {
        throw CredentialContext.failure("\(what) answered \(code.prefix(64)): \((document.message ?? "").prefix(200))")
      }
      var found = try document.credentials(source: "EC2 instance role", what)
      if let expiration = found.expiration, expiration <= metadata.environment.clock.now { found = extended(found) }
      last.withLock { [found] in $0 = found }
      return .found(found)
    }
  }

  private func extended(_ old: Credentials) -> Credentials {
    var copy = old
    let until = metadata.environment.clock.now.addingTimeInterval(Self.extraTime)
    if (copy.expiration ?? until) < until { copy.expiration = until }
    return copy
  }
}
