import Synchronization

/// Looks for credentials where AWS's tools do, in their order (AWS.md 3.3). Wrap it in a `CachingProvider`.
package final class CredentialChain: CredentialsProvider {
  private let links: [any CredentialSource]
  private let profile: SharedConfig.Profile
  /// The link that gave last time: the identity does not change in the middle of a run.
  private let winner = Mutex<Int?>(nil)

  /// - Parameters:
  ///   - profile: named on the command line; nil leaves it to `AWS_PROFILE`.
  ///   - region: for STS; nil when none is known, then us-east-1.
  /// - Throws: `Client.Configuration` for a profile that does not exist, unless keys in the environment make it idle.
  package init(
    environment: AWSEnvironment, config: SharedConfig, profile name: String?, region: String?,
    endpoints: EndpointResolver
  ) throws(AWSError) {
    let chosen = SharedConfig.profileName(explicit: name, environment)
    do {
      profile = try config.profile(chosen)
    } catch {
      guard name == nil, environment.variable("AWS_ACCESS_KEY_ID") != nil else { throw error }
      profile = SharedConfig.Profile(name: chosen)
    }
    let context = CredentialContext(
      environment: environment, config: config, profile: profile, isProfileExplicit: name != nil, endpoints: endpoints,
      region: region ?? "us-east-1")
    let dynamic = ProfileSources.dynamic(context, profile)
    links =
      [EnvironmentSource(environment: environment, isIgnored: name != nil)] + dynamic.prefix(1)
      + [WebIdentitySource(context: context, profile: nil)] + dynamic.dropFirst()
      + ProfileSources.fixed(context, profile)
      + [ContainerSource(context: context), InstanceMetadataSource(context)]
  }

  package func credentials() async throws(AWSError) -> Credentials {
    if let index = winner.withLock({ $0 }), case .found(let credentials) = try await links[index].find() {
      return credentials
    }
    var tried: [String] = []
    for (index, link) in links.enumerated() {
      switch try await link.find() {
      case .found(let credentials):
        winner.withLock { $0 = index }
        return credentials
      case .absent(let why): tried.append("\(link.name): \(why)")
      }
    }
    if profile["login_session"] != nil {
      tried.append("aws login: its sessions cannot be read here")
    }
    throw CredentialContext.failure(
      "no AWS credentials were found. Looked at:\n" + tried.map { "  - \($0)" }.joined(separator: "\n")
        + "\nSet AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile (aws configure, "
        + "aws configure sso)")
  }
}
