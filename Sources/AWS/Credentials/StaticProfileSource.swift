/// Keys written into a profile, in the credentials file or in the config file.
struct StaticProfileSource: CredentialSource {
  enum File: Sendable {
    case credentials
    case config
  }

  let profile: SharedConfig.Profile
  let file: File

  var name: String { file == .credentials ? "shared credentials file" : "config file" }

  func find() async throws(AWSError) -> Finding {
    let values = file == .credentials ? profile.credentials : profile.config
    guard let key = values["aws_access_key_id"], !key.isEmpty else {
      return .absent("no aws_access_key_id in profile '\(profile.name)'")
    }
    guard let secret = values["aws_secret_access_key"], !secret.isEmpty else {
      throw CredentialContext.failure("\(profile) has aws_access_key_id, but no aws_secret_access_key")
    }
    let token = values["aws_session_token"].flatMap { $0.isEmpty ? nil : $0 }
    return .found(
      Credentials(
        accessKeyID: key, secretAccessKey: secret, sessionToken: token, source: "profile '\(profile.name)'",
        accountID: values["aws_account_id"]))
  }
}
