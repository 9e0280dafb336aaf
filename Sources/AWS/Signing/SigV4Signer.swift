package import FoundationEssentials
package import HTTP

/// A request as the signature sees it.
package struct SignableRequest: Sendable {
  package var method: String
  /// With the port when it is not the scheme's own.
  package var host: String
  /// Exactly as on the wire: encoded once.
  package var path: String
  /// Not encoded. Order does not matter; names may repeat.
  package var query: [(String, String?)]
  package var headers: HTTPHeaders
  /// Hex SHA-256 of the body, or `UNSIGNED-PAYLOAD`.
  package var payloadHash: String

  package init(
    method: String, host: String, path: String, query: [(String, String?)] = [], headers: HTTPHeaders = HTTPHeaders(),
    payloadHash: String = SHA256.emptyHex
  ) {
    self.method = method
    self.host = host
    self.path = path
    self.query = query
    self.headers = headers
    self.payloadHash = payloadHash
  }
}

/// AWS Signature Version 4 for one service in one region.
/// Source: IAM guide, "Create a signed AWS API request"; S3 API reference, "Authenticating Requests".
package struct SigV4Signer: Sendable {
  package static let unsignedPayload = "UNSIGNED-PAYLOAD"
  private static let algorithm = "AWS4-HMAC-SHA256"
  /// What proxies and libcurl may add, drop or change on the way.
  private static let unsigned: Set<String> = [
    "authorization", "user-agent", "x-amzn-trace-id", "expect", "transfer-encoding", "connection", "content-length",
    "accept-encoding", "proxy-authorization", "te", "upgrade",
  ]

  package let service: String
  package let region: String
  private let keys: SigningKeyCache

  /// - Parameter service: the signing name, e.g. `elasticmapreduce`.
  package init(service: String, region: String, keys: SigningKeyCache = SigningKeyCache()) {
    self.service = service
    self.region = region
    self.keys = keys
  }

  private var isS3: Bool { service == "s3" }

  /// The request's headers with date, token, (for S3) content hash and `Authorization`; `host` is left to the sender.
  package func sign(_ request: SignableRequest, credentials: Credentials, date: Date) -> HTTPHeaders {
    let time = AWSTime.compact(date)
    var headers = request.headers
    headers.set("x-amz-date", time)
    headers.remove("x-amz-security-token")
    if let token = credentials.sessionToken { headers.set("x-amz-security-token", token) }
    if isS3 { headers.set("x-amz-content-sha256", request.payloadHash) }
    let (canonical, signed) = canonicalHeaders(headers, host: request.host)
    let signature = signature(
      method: request.method, path: request.path, query: canonicalQuery(request.query), headers: canonical,
      signedHeaders: signed, payloadHash: request.payloadHash, time: time, credentials: credentials)
    headers.set(
      "authorization",
      "\(Self.algorithm) Credential=\(credentials.accessKeyID)/\(scope(time)), SignedHeaders=\(signed), "
        + "Signature=\(signature)")
    return headers
  }

  /// The query, encoded, that makes `https://host/path?query` a URL that carries its signature. Headers of the request
  /// are signed too and must then be sent.
  ///
  /// - Parameter expires: seconds, 1 ... 604,800.
  package func presign(_ request: SignableRequest, credentials: Credentials, date: Date, expires: Int) -> String {
    let time = AWSTime.compact(date)
    let (canonical, signed) = canonicalHeaders(request.headers, host: request.host)
    var query = request.query
    query.append(("X-Amz-Algorithm", Self.algorithm))
    query.append(("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope(time))"))
    query.append(("X-Amz-Date", time))
    query.append(("X-Amz-Expires", String(max(1, min(604_800, expires)))))
    query.append(("X-Amz-SignedHeaders", signed))
    if let token = credentials.sessionToken { query.append(("X-Amz-Security-Token", token)) }
    let encoded = canonicalQuery(query)
    let signature = signature(
      method: request.method, path: request.path, query: encoded, headers: canonical, signedHeaders: signed,
      payloadHash: isS3 ? Self.unsignedPayload : request.payloadHash, time: time, credentials: credentials)
    return "\(encoded)&X-Amz-Signature=\(signature)"
  }

  private func scope(_ time: String) -> String { "\(time.prefix(8))/\(region)/\(service)/aws4_request" }

  private func signature(
    method: String, path: String, query: String, headers: String, signedHeaders: String, payloadHash: String,
    time: String, credentials: Credentials
  ) -> String {
    let canonical = "\(method)\n\(canonicalPath(path))\n\(query)\n\(headers)\n\(signedHeaders)\n\(payloadHash)"
    let toSign = "\(Self.algorithm)\n\(time)\n\(scope(time))\n\(SHA256.hex(canonical))"
    let key = keys.key(
      secret: credentials.secretAccessKey, day: String(time.prefix(8)), region: region, service: service)
    return Hex.encode(HMAC.sha256(key: key, toSign))
  }

  /// S3 signs the path as it is sent. All others: dot segments and double slashes removed, encoded once more.
  private func canonicalPath(_ path: String) -> String {
    if isS3 { return path.isEmpty ? "/" : path }
    var segments: [Substring] = []
    for segment in path.split(separator: "/") where segment != "." {
      if segment == ".." { _ = segments.popLast() } else { segments.append(segment) }
    }
    let isFolder = path.hasSuffix("/") && !segments.isEmpty
    return "/" + URLEncoding.path(segments.joined(separator: "/")) + (isFolder ? "/" : "")
  }

  private func canonicalQuery(_ query: [(String, String?)]) -> String {
    let encoded: [(String, String)] = query.map { (URLEncoding.encode($0.0), URLEncoding.encode($0.1 ?? "")) }
    // Encoded text is ASCII, for which Swift's order is that of the bytes.
    let sorted = encoded.sorted { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0 < $1.0 }
    return sorted.map { $0.0 + "=" + $0.1 }.joined(separator: "&")
  }

  /// The block of `name:value` lines, each with its line end, and the list of names.
  private func canonicalHeaders(_ headers: HTTPHeaders, host: String) -> (block: String, names: String) {
    var table: [String: [String]] = ["host": [host]]
    for (name, value) in headers {
      let name = name.lowercased()
      guard name != "host", !Self.unsigned.contains(name) else { continue }
      let words = value.utf8.split { $0 == 32 || (9...13).contains($0) }.map { String(Substring($0)) }
      table[name, default: []].append(words.joined(separator: " "))
    }
    let sorted = table.sorted { $0.key < $1.key }
    let block = sorted.map { "\($0.key):\($0.value.joined(separator: ","))\n" }.joined()
    return (block, sorted.map(\.key).joined(separator: ";"))
  }
}
