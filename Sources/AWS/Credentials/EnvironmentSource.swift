/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`.
struct EnvironmentSource: CredentialSource {
  let environment: AWSEnvironment
  var isIgnored = false
  let name = "environment"

  func find() async throws(AWSError) -> Finding {
    if isIgnored { return .absent("not looked at, since a profile was named") }
    let key = environment.variable("AWS_ACCESS_KEY_ID") ?? environment.variable("AWS_ACCESS_KEY")
    let secret = environment.variable("AWS_SECRET_ACCESS_KEY") ?? environment.variable("AWS_SECRET_KEY")
    guard let key else { return .absent("AWS_ACCESS_KEY_ID is not set") }
    guard let secret else {
      throw CredentialContext.failure("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not")
    }
    return .found(
      Credentials(
        accessKeyID: key, secretAccessKey: secret,
        sessionToken: environment.variable("AWS_SESSION_TOKEN") ?? environment.variable("AWS_SECURITY_TOKEN"),
        source: "environment", accountID: environment.variable("AWS_ACCOUNT_ID")))
  }
}
