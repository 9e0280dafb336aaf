/// Where a service is called, and for which region the call is signed.
package struct Endpoint: Sendable, Hashable {
  package var scheme: String
  /// With the port when it is not the scheme's own.
  package var host: String
  /// What stands before every path: empty, or `/prefix`, or for S3's path style `/bucket`. Encoded.
  package var basePath: String
  package var signingRegion: String

  package var isTLS: Bool { scheme == "https" }
}

/// Which address a service is called at: AWS's own of the region's partition, or one that was configured, in the order of
/// the SDK reference ("Service-specific endpoints").
package struct EndpointResolver: Sendable {
  private enum Addressing {
    case automatic
    case path
    case virtualHost
  }

  private var everything: String?
  private var byService: [String: String] = [:]
  private var addressing = Addressing.automatic

  /// AWS's own endpoints.
  package init() {}

  /// One address for all services: tests and emulators.
  package init(url: String) { everything = url }

  /// What environment and profile say.
  package init(
    explicit: String? = nil, environment: AWSEnvironment, config: SharedConfig, profile: SharedConfig.Profile
  ) {
    switch profile.nested["s3"]?["addressing_style"] {
    case "path": addressing = .path
    case "virtual": addressing = .virtualHost
    default: break
    }
    everything = explicit
    let isIgnored =
      environment.isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
      || (environment.variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") == nil
        && profile["ignore_configured_endpoint_urls"]?.lowercased() == "true")
    guard explicit == nil, !isIgnored else { return }
    everything = environment.variable("AWS_ENDPOINT_URL")
    if everything == nil {
      // Only below the environment's general address: AWS_ENDPOINT_URL wins over a profile's service address.
      for (service, values) in profile["services"].flatMap({ config.services[$0] }) ?? [:] {
        if let url = values["endpoint_url"], !url.isEmpty { byService[service.uppercased()] = url }
      }
      everything = profile["endpoint_url"]
    }
    for (name, value) in environment.variables where name.hasPrefix("AWS_ENDPOINT_URL_") && !value.isEmpty {
      byService[String(name.dropFirst("AWS_ENDPOINT_URL_".count))] = value
    }
  }

  /// The configured address of a service; nil when AWS's own is used.
  package func custom(for service: Service) -> String? { byService[service.id] ?? everything }

  /// - Throws: `Client.Configuration` for an address or a bucket's name that cannot be.
  package func resolve(_ service: Service, region: String, bucket: String? = nil) throws(AWSError) -> Endpoint {
    guard RegionResolver.isValid(region) else {
      throw AWSError(code: ClientCode.configuration, message: "'\(region)' is not a region's name")
    }
    var endpoint: Endpoint
    var isVirtualHost: Bool
    let partition = Partition(region: region)
    if let url = custom(for: service) {
      endpoint = try Self.parse(url, region: region)
      // VPC endpoints and AWS's own addresses given explicitly know buckets as host names; emulators often do not.
      isVirtualHost = endpoint.host.hasSuffix(".amazonaws.com") || endpoint.host.hasSuffix(".amazonaws.com.cn")
      if addressing == .virtualHost, !Self.isAddress(endpoint.host) { isVirtualHost = true }
    } else {
      let host =
        service.isGlobal
        ? partition.globalHost(service.endpointPrefix) : "\(service.endpointPrefix).\(region).\(partition.suffix)"
      endpoint = Endpoint(scheme: "https", host: host, basePath: "", signingRegion: region)
      isVirtualHost = true
    }
    if service.isGlobal { endpoint.signingRegion = partition.home }
    if let bucket {
      guard Self.isBucketName(bucket) else {
        throw AWSError(code: ClientCode.configuration, message: "'\(bucket)' cannot be a bucket's name")
      }
      if isVirtualHost, addressing != .path, Self.isHostLabel(bucket) {
        endpoint.host = "\(bucket).\(endpoint.host)"
      } else {
        endpoint.basePath += "/\(bucket)"
      }
    }
    return endpoint
  }

  private static func parse(_ url: String, region: String) throws(AWSError) -> Endpoint {
    let failure = AWSError(
      code: ClientCode.configuration,
      message: "the endpoint '\(redacted(url))' is not of the form http(s)://host[:port][/path]")
    let parts = url.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, parts[1].hasPrefix("//") else { throw failure }
    let scheme = parts[0].lowercased()
    let rest = parts[1].dropFirst(2)
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    var host = rest[..<slash].lowercased()
    var path = String(rest[slash...])
    while path.hasSuffix("/") { path.removeLast() }
    guard scheme == "http" || scheme == "https", !host.isEmpty,
      host.utf8.allSatisfy({ $0 > 32 && $0 < 127 && !"@?#%\\\"<>".utf8.contains($0) }),
      path.utf8.allSatisfy({ $0 > 32 && $0 < 127 && !"?#".utf8.contains($0) })
    else { throw failure }
    let afterBracket = host.lastIndex(of: "]").map { host[host.index(after: $0)...] } ?? host[...]
    if let colon = afterBracket.lastIndex(of: ":") {
      guard let port = Int(host[host.index(after: colon)...]), (1...65535).contains(port) else { throw failure }
      if (scheme == "https" && port == 443) || (scheme == "http" && port == 80) { host = String(host[..<colon]) }
    }
    guard !host.isEmpty, !host.hasPrefix(":") else { throw failure }
    return Endpoint(scheme: scheme, host: host, basePath: path, signingRegion: region)
  }

  /// An address may be written with a password.
  private static func redacted(_ url: String) -> String {
    url.lastIndex(of: "@").map { "…" + url[$0...] } ?? url
  }

  private static func isAddress(_ host: String) -> Bool {
    host.hasPrefix("[") || host.utf8.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: ".") || $0 == 58 }
  }

  /// Loose: what S3 says about a name is better than what we could; this only keeps it from being more than a name.
  private static func isBucketName(_ name: String) -> Bool {
    (3...255).contains(name.utf8.count) && name != "..."
      && name.utf8.allSatisfy {
        (97...122).contains($0) || (65...90).contains($0) || (48...57).contains($0) || "-._".utf8.contains($0)
      }
  }

  /// A dot in the name would not be covered by the wildcard certificate.
  private static func isHostLabel(_ name: String) -> Bool { RegionResolver.isValid(name) }
}

/// A group of regions with accounts, names and endpoints of its own.
package struct Partition: Sendable, Hashable {
  /// As in ARNs.
  package let id: String
  package let suffix: String
  /// Where the global services are signed for.
  package let home: String

  package init(region: String) {
    if region.hasPrefix("cn-") {
      (id, suffix, home) = ("aws-cn", "amazonaws.com.cn", "cn-north-1")
    } else if region.hasPrefix("us-gov-") {
      (id, suffix, home) = ("aws-us-gov", "amazonaws.com", "us-gov-west-1")
    } else {
      (id, suffix, home) = ("aws", "amazonaws.com", "us-east-1")
    }
  }

  func globalHost(_ prefix: String) -> String {
    switch id {
    case "aws-cn": "\(prefix).\(home).\(suffix)"
    case "aws-us-gov": "\(prefix).us-gov.\(suffix)"
    default: "\(prefix).\(suffix)"
    }
  }
}
