/// `credential_process`: a program that prints credentials. What it prints is never shown.
/// Source: SDK reference, "Process credential provider".
struct ProcessSource: CredentialSource {
  private static let timeout = Duration.seconds(60)

  let environment: AWSEnvironment
  let profile: SharedConfig.Profile
  let name = "credential_process"

  func find() async throws(AWSError) -> Finding {
    guard let command = profile["credential_process"] else {
      return .absent("no credential_process in profile '\(profile.name)'")
    }
    let what = "credential_process of \(profile)"
    guard let words = CommandWords.split(command), !words.isEmpty else {
      throw CredentialContext.failure("\(what) has a quote that is not closed")
    }
    let result: AWSEnvironment.ProcessResult
    do {
      result = try await environment.run(words, Self.timeout)
    } catch {
      throw CredentialContext.failure("\(what): \(error.message)")
    }
    guard result.status == 0 else {
      let end = result.status.map { "exit status \($0)" } ?? "a signal"
      throw CredentialContext.failure("\(what) ended with \(end); run it by hand to see why")
    }
    let document = try CredentialDocument.parse(result.output, what)
    guard document.version == 1 else {
      throw CredentialContext.failure("\(what) answered with a Version that is not 1")
    }
    let found = try document.credentials(source: "profile '\(profile.name)' (credential_process)", what)
    if let expiration = found.expiration, expiration <= environment.clock.now {
      throw CredentialContext.failure("\(what) answered with credentials that have expired")
    }
    return .found(found)
  }
}
