/// Everything that a client needs, found where AWS's tools find it: files, profile, region, endpoints, retries and
/// credentials. Loading takes no network but for the region of an instance that nobody named; credentials are fetched at
/// the first call.
package struct AWSSetup: Sendable {
  package let environment: AWSEnvironment
  package let config: SharedConfig
  /// The profile in use.
  package let profile: SharedConfig.Profile
  package let region: String
  package let endpoints: EndpointResolver
  package let retry: RetryPolicy
  package let credentials: any CredentialsProvider

  /// - Parameters: what the command line says; nil where it says nothing.
  package static func load(
    _ environment: AWSEnvironment, profile name: String? = nil, region: String? = nil, endpoint: String? = nil
  ) async throws(AWSError) -> AWSSetup {
    let config = try SharedConfig.load(environment)
    let chosen = SharedConfig.profileName(explicit: name, environment)
    let profile: SharedConfig.Profile
    do {
      profile = try config.profile(chosen)
    } catch {
      guard name == nil, environment.variable("AWS_ACCESS_KEY_ID") != nil else { throw error }
      profile = SharedConfig.Profile(name: chosen)
    }
    let region = try await RegionResolver(environment: environment, profile: profile).resolve(explicit: region)
    let endpoints = EndpointResolver(explicit: endpoint, environment: environment, config: config, profile: profile)
    let chain = try CredentialChain(
      environment: environment, config: config, profile: name, region: region, endpoints: endpoints)
    return AWSSetup(
      environment: environment, config: config, profile: profile, region: region, endpoints: endpoints,
      retry: try RetryPolicy(environment: environment, profile: profile),
      credentials: CachingProvider(chain, clock: environment.clock))
  }

  /// A client for the setup's region, or for another one.
  package func client(
    region: String? = nil, userAgent: String = UserAgent.text(version: "1"), readTimeout: Duration = .seconds(60)
  ) -> AWSClient {
    AWSClient(
      transport: environment.transport, credentials: credentials, region: region ?? self.region, endpoints: endpoints,
      retry: retry, logger: environment.logger, clock: environment.clock, userAgent: userAgent,
      readTimeout: readTimeout)
  }
}
