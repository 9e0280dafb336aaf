import FoundationEssentials

/// A profile with `role_arn`: credentials of another profile, or of the machine, buy the role.
/// Source: SDK reference, "Assume role credential provider".
struct AssumeRoleSource: CredentialSource {
  let context: CredentialContext
  let profile: SharedConfig.Profile
  /// The profiles on the way here, to notice when they go in a circle.
  var visited: [String] = []
  let name = "role of the profile"

  func find() async throws(AWSError) -> Finding {
    guard let role = profile["role_arn"] else { return .absent("no role_arn in profile '\(profile.name)'") }
    let hasSource = profile["source_profile"] != nil || profile["credential_source"] != nil
    guard hasSource else {
      if profile["web_identity_token_file"] != nil { return .absent("the role is for a web identity") }
      throw CredentialContext.failure(
        "\(profile) has role_arn, but neither source_profile, credential_source nor web_identity_token_file")
    }
    if profile["mfa_serial"] != nil {
      throw CredentialContext.failure(
        "\(profile) needs an MFA code (mfa_serial), which is not asked for here; get a session first: "
          + "eval \"$(aws configure export-credentials --profile \(profile.name) --format env)\"")
    }
    var duration: Int?
    if let text = profile["duration_seconds"] {
      guard let number = Int(text), (900...43200).contains(number) else {
        throw CredentialContext.failure("\(profile): duration_seconds must be a number from 900 to 43200")
      }
      duration = number
    }
    let source = try await sourceCredentials()
    var found: Credentials
    do {
      found = try await STSClient(context.client(source)).assumeRole(
        roleARN: role, sessionName: profile["role_session_name"] ?? Self.sessionName(context.environment.clock),
        externalID: profile["external_id"], duration: duration)
    } catch {
      throw Self.explained(error, "\(profile) cannot assume \(role) with the credentials of the \(source.source)")
    }
    found.source = "profile '\(profile.name)' (role, by \(source.source))"
    return .found(found)
  }

  private func sourceCredentials() async throws(AWSError) -> Credentials {
    switch (profile["source_profile"], profile["credential_source"]) {
    case (.some, .some):
      throw CredentialContext.failure("\(profile) has both source_profile and credential_source; one is enough")
    case (.some(let name), nil): return try await credentials(of: name)
    case (nil, let source):
      let link: any CredentialSource
      switch source?.lowercased() {
      case "environment": link = EnvironmentSource(environment: context.environment)
      case "ec2instancemetadata": link = InstanceMetadataSource(context)
      case "ecscontainer": link = ContainerSource(context: context)
      default:
        throw CredentialContext.failure(
          "\(profile): credential_source must be Environment, Ec2InstanceMetadata or EcsContainer")
      }
      switch try await link.find() {
      case .found(let credentials): return credentials
      case .absent(let why):
        throw CredentialContext.failure("\(profile) takes its credentials from the \(link.name), but: \(why)")
      }
    }
  }

  private func credentials(of name: String) async throws(AWSError) -> Credentials {
    let path = visited + [profile.name]
    let source: SharedConfig.Profile
    do {
      source = try context.config.profile(name)
    } catch {
      throw CredentialContext.failure("source_profile of \(profile): \(error.message)")
    }
    // A profile may be its own source: its keys then buy its role.
    var links: [any CredentialSource] = []
    if name != profile.name {
      guard !path.contains(name) else {
        throw CredentialContext.failure(
          "the source_profile settings go in a circle: \((path + [name]).joined(separator: " -> "))")
      }
      links = ProfileSources.dynamic(context, source, visited: path)
    }
    links += ProfileSources.fixed(context, source)
    var seen: [String] = []
    for link in links {
      switch try await link.find() {
      case .found(let credentials): return credentials
      case .absent(let why): seen.append(why)
      }
    }
    throw CredentialContext.failure(
      "\(source), the source_profile of '\(profile.name)', holds no credentials (\(seen.joined(separator: "; ")))")
  }

  /// AWS's refusal, preceded by what was wanted and with which profile: the call itself was not the user's.
  static func explained(_ error: AWSError, _ what: String) -> AWSError {
    var copy = error
    copy.message = "\(what): \(error.message)"
    return copy
  }

  static func sessionName(_ clock: any AWSClock) -> String {
    "mrhealth-\(Int(max(0, min(1e12, clock.now.timeIntervalSince1970))))"
  }
}

/// What a profile can hold, in the order in which it is looked at.
enum ProfileSources {
  static func dynamic(
    _ context: CredentialContext, _ profile: SharedConfig.Profile, visited: [String] = []
  ) -> [any CredentialSource] {
    [
      AssumeRoleSource(context: context, profile: profile, visited: visited),
      WebIdentitySource(context: context, profile: profile), SSOSource(context: context, profile: profile),
    ]
  }

  static func fixed(_ context: CredentialContext, _ profile: SharedConfig.Profile) -> [any CredentialSource] {
    [
      StaticProfileSource(profile: profile, file: .credentials),
      ProcessSource(environment: context.environment, profile: profile),
      StaticProfileSource(profile: profile, file: .config),
    ]
  }
}
