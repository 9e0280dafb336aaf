import FoundationEssentials
import HTTP

/// IAM Identity Center: the token that `aws sso login` left behind buys the role's credentials.
/// Source: SDK reference, "IAM Identity Center credential provider".
struct SSOSource: CredentialSource {
  let context: CredentialContext
  let profile: SharedConfig.Profile
  let name = "SSO"

  private struct Token: Decodable {
    var accessToken: String
    var expiresAt: String
  }

  private struct Answer: Decodable {
    struct Role: Decodable {
      var accessKeyId: String
      var secretAccessKey: String
      var sessionToken: String
      /// Milliseconds since 1970.
      var expiration: Double
    }
    var roleCredentials: Role
  }

  func find() async throws(AWSError) -> Finding {
    guard profile["sso_session"] != nil || profile["sso_start_url"] != nil || profile["sso_account_id"] != nil else {
      return .absent("no sso_session in profile '\(profile.name)'")
    }
    let (cacheName, region) = try session()
    guard let account = profile["sso_account_id"], let role = profile["sso_role_name"] else {
      throw CredentialContext.failure("\(profile) uses SSO, but sso_account_id or sso_role_name is missing")
    }
    let token = try token(cacheName)
    let request = AWSRequest(
      .sso, "GetRoleCredentials", method: "GET", path: "/federation/credentials",
      query: [("role_name", role), ("account_id", account)], headers: ["x-amz-sso_bearer_token": token],
      isSigned: false)
    let response: AWSResponse
    do {
      response = try await context.client(nil, region: region).send(request)
    } catch {
      switch error.status {
      case 401: throw login("AWS does not accept the SSO session of \(profile) any more")
      case 403, 404:
        throw CredentialContext.failure(
          "SSO gives no access to role '\(role)' in account \(account): \(error.message)")
      default: throw error
      }
    }
    guard let answer = try? AWSJSON.decode(Answer.self, from: response.body, keys: .asWritten).roleCredentials else {
      throw CredentialContext.failure("SSO did not answer with the JSON of credentials")
    }
    return .found(
      Credentials(
        accessKeyID: answer.accessKeyId, secretAccessKey: answer.secretAccessKey, sessionToken: answer.sessionToken,
        expiration: Date(timeIntervalSince1970: answer.expiration / 1000), source: "profile '\(profile.name)' (SSO)",
        accountID: account))
  }

  /// What the cache file's name is made of, and SSO's region.
  private func session() throws(AWSError) -> (String, String) {
    guard let name = profile["sso_session"] else {
      guard let url = profile["sso_start_url"], let region = profile["sso_region"] else {
        throw CredentialContext.failure("\(profile) uses SSO, but sso_start_url or sso_region is missing")
      }
      return (url, region)
    }
    guard let session = context.config.ssoSessions[name] else {
      throw CredentialContext.failure("\(profile) names the sso-session '\(name)', which the config file does not have")
    }
    guard let region = session["sso_region"], !region.isEmpty else {
      throw CredentialContext.failure("the sso-session '\(name)' has no sso_region")
    }
    return (name, region)
  }

  private func token(_ cacheName: String) throws(AWSError) -> String {
    guard let home = context.environment.home else { throw login("there is no home folder with an SSO session") }
    let path = "\(home)/.aws/sso/cache/\(SHA1.hex(cacheName)).json"
    guard let bytes = try context.environment.readFile(path) else {
      throw login("there is no SSO session for \(profile)")
    }
    guard let token = try? AWSJSON.decode(Token.self, from: bytes, keys: .asWritten),
      let expiry = AWSTime.parse(token.expiresAt)
    else {
      throw login("the cached SSO session of \(profile) cannot be read")
    }
    guard expiry > context.environment.clock.now else { throw login("the SSO session of \(profile) has expired") }
    return token.accessToken
  }

  private func login(_ why: String) -> AWSError {
    CredentialContext.failure("\(why); run: aws sso login --profile \(profile.name)")
  }
}
