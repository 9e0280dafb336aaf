import FoundationEssentials

/// One place where credentials may be: a link of the chain.
protocol CredentialSource: Sendable {
  /// For the list of what was tried.
  var name: String { get }

  /// - Throws: when this place is configured but does not give: then the chain stops, since falling through to
  ///   another identity would surprise.
  func find() async throws(AWSError) -> Finding
}

enum Finding: Sendable {
  case found(Credentials)
  /// Nothing is configured here; in words, why.
  case absent(String)
}

/// What all sources look at.
struct CredentialContext: Sendable {
  let environment: AWSEnvironment
  let config: SharedConfig
  let profile: SharedConfig.Profile
  /// The profile was named on the command line: the environment's keys then do not count.
  let isProfileExplicit: Bool
  let endpoints: EndpointResolver
  /// For STS.
  let region: String

  /// A client that asks for credentials, with credentials of its own or none.
  func client(_ credentials: Credentials?, region: String? = nil) -> AWSClient {
    AWSClient(
      transport: environment.transport,
      credentials: StaticCredentialsProvider(
        credentials ?? Credentials(accessKeyID: "", secretAccessKey: "", source: "")),
      region: region ?? self.region, endpoints: endpoints, logger: environment.logger, clock: environment.clock)
  }

  /// A file with a token, without the white space around it.
  func token(_ path: String) throws(AWSError) -> String {
    guard let bytes = try environment.readFile(environment.expand(path)) else {
      throw Self.failure("the token file \(path) does not exist")
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let token = text.split { $0.isWhitespace }
    // More than one word cannot go into a header.
    guard token.count == 1 else { throw Self.failure("the token file \(path) does not hold one token") }
    return String(token[0])
  }

  static func failure(_ message: String) -> AWSError { AWSError(code: ClientCode.credentials, message: message) }
}

/// The JSON of containers, instance metadata and processes, which differ in little.
struct CredentialDocument: Decodable, CustomReflectable {
  var version: Int?
  var code: String?
  var message: String?
  var accessKeyId: String?
  var secretAccessKey: String?
  var token: String?
  var sessionToken: String?
  var expiration: String?
  var accountId: String?

  var customMirror: Mirror { Mirror(self, children: [:]) }

  /// - Parameter what: in words, for errors; the document itself is never quoted.
  static func parse(_ bytes: [UInt8], _ what: String) throws(AWSError) -> CredentialDocument {
    guard let document = try? AWSJSON.decode(Self.self, from: bytes) else {
      throw CredentialContext.failure("\(what) did not answer with the JSON of credentials")
    }
    return document
  }

  func credentials(source: String, _ what: String) throws(AWSError) -> Credentials {
    guard let accessKeyId, !accessKeyId.isEmpty, let secretAccessKey, !secretAccessKey.isEmpty else {
      throw CredentialContext.failure("\(what) answered without AccessKeyId or SecretAccessKey")
    }
    var date: Date?
    if let expiration {
      guard let parsed = AWSTime.parse(expiration) else {
        throw CredentialContext.failure("\(what) answered with an Expiration that is not a time")
      }
      date = parsed
    }
    return Credentials(
      accessKeyID: accessKeyId, secretAccessKey: secretAccessKey, sessionToken: sessionToken ?? token, expiration: date,
      source: source, accountID: accountId)
  }
}
