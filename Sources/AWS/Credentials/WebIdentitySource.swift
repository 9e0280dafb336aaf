/// A token of another identity provider (EKS service accounts, GitHub Actions) buys a role.
struct WebIdentitySource: CredentialSource {
  let context: CredentialContext
  /// Nil: the environment's variables.
  let profile: SharedConfig.Profile?
  let name = "web identity"

  func find() async throws(AWSError) -> Finding {
    let environment = context.environment
    let path: String?
    let role: String?
    let session: String?
    let source: String
    if let profile {
      path = profile["web_identity_token_file"]
      role = profile["role_arn"]
      session = profile["role_session_name"]
      source = "profile '\(profile.name)' (web identity)"
    } else {
      if context.isProfileExplicit { return .absent("not looked at, since a profile was named") }
      path = environment.variable("AWS_WEB_IDENTITY_TOKEN_FILE")
      role = environment.variable("AWS_ROLE_ARN")
      session = environment.variable("AWS_ROLE_SESSION_NAME")
      source = "web identity"
    }
    guard let path else {
      return .absent(profile == nil ? "AWS_WEB_IDENTITY_TOKEN_FILE is not set" : "no web_identity_token_file")
    }
    guard let role else {
      throw CredentialContext.failure(
        profile.map { "\($0) has web_identity_token_file, but no role_arn" }
          ?? "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not")
    }
    // Read anew each time: the tokens are short-lived.
    let token = try context.token(path)
    var found: Credentials
    do {
      found = try await STSClient(context.client(nil)).assumeRoleWithWebIdentity(
        roleARN: role, sessionName: session ?? AssumeRoleSource.sessionName(environment.clock), token: token)
    } catch {
      throw AssumeRoleSource.explained(error, "the token in \(path) does not buy the role \(role)")
    }
    found.source = source
    return .found(found)
  }
}
