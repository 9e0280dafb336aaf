import HTTP

/// The agent beside a container: ECS, CodeBuild, EKS Pod Identity.
/// Source: SDK reference, "Container credential provider"; botocore/utils.py, ContainerMetadataFetcher.
struct ContainerSource: CredentialSource {
  private static let attempts = 3
  private static let trusted: Set<String> = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "[::1]"]

  let context: CredentialContext
  let name = "container"

  private var environment: AWSEnvironment { context.environment }

  func find() async throws(AWSError) -> Finding {
    let url: String
    if let relative = environment.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
      url = "http://169.254.170.2" + (relative.hasPrefix("/") ? "" : "/") + relative
    } else if let full = environment.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
      guard Self.isAllowed(full) else {
        throw CredentialContext.failure(
          "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to this machine or AWS's container addresses")
      }
      url = full
    } else {
      return .absent("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set")
    }
    var headers: HTTPHeaders = ["accept": "application/json"]
    if let token = try authorization() { headers.set("authorization", token) }
    return .found(try await fetch(url, headers))
  }

  /// Read anew each time: EKS replaces the file's token.
  private func authorization() throws(AWSError) -> String? {
    if let path = environment.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
      guard let bytes = try environment.readFile(path) else {
        throw CredentialContext.failure("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names \(path), which does not exist")
      }
      return try Self.headerValue(String(decoding: bytes, as: UTF8.self), "the container's token file")
    }
    return try environment.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map { (text) throws(AWSError) in
      try Self.headerValue(text, "AWS_CONTAINER_AUTHORIZATION_TOKEN")
    }
  }

  private static func headerValue(_ text: String, _ what: String) throws(AWSError) -> String {
    var value = Substring(text)
    while let last = value.last, last.isNewline { value = value.dropLast() }
    guard value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 }) else {
      throw CredentialContext.failure("\(what) has characters that no header may have")
    }
    return String(value)
  }

  private func fetch(_ url: String, _ headers: HTTPHeaders) async throws(AWSError) -> Credentials {
    var problem = ""
    for attempt in 1...Self.attempts {
      let request = HTTPRequest(
        method: "GET", url: url, headers: headers, target: .memory(limit: 1 << 20), connectTimeout: .seconds(2),
        idleTimeout: .seconds(5), deadline: .seconds(10))
      do {
        let response = try await environment.transport.execute(request)
        if response.status == 200 {
          return try CredentialDocument.parse(response.body, "the container's agent")
            .credentials(source: "container", "the container's agent")
        }
        problem = "HTTP status \(response.status)"
        if response.status < 500 { break }
      } catch let error as HTTPError {
        problem = error.message
      } catch let error as AWSError {
        throw error
      } catch {
        problem = "\(error)"
      }
      if attempt < Self.attempts {
        do { try await environment.clock.sleep(for: .seconds(1)) } catch { break }
      }
    }
    throw CredentialContext.failure("the container's agent gave no credentials: \(problem)")
  }

  static func isAllowed(_ url: String) -> Bool {
    if url.hasPrefix("https://") { return url.count > "https://".count }
    guard url.hasPrefix("http://") else { return false }
    let authority = url.dropFirst("http://".count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }.lowercased()
    // user@host would be another host than it looks like.
    guard !authority.contains("@") else { return false }
    let host =
      authority.hasPrefix("[")
      ? authority.prefix { $0 != "]" } + (authority.contains("]") ? "]" : "") : authority.prefix { $0 != ":" }
    if trusted.contains(String(host)) { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}
