/// Which region is meant: what was said explicitly, AWS_REGION, AWS_DEFAULT_REGION, the profile, the machine's own.
package struct RegionResolver: Sendable {
  private let environment: AWSEnvironment
  private let profile: SharedConfig.Profile

  package init(environment: AWSEnvironment, profile: SharedConfig.Profile) {
    self.environment = environment
    self.profile = profile
  }

  /// All but the machine's own: takes no time. Nil when nothing says it.
  package func configured(explicit: String? = nil) throws(AWSError) -> String? {
    let found =
      explicit ?? environment.variable("AWS_REGION") ?? environment.variable("AWS_DEFAULT_REGION") ?? profile["region"]
    guard let found else { return nil }
    // It becomes a part of host names.
    guard Self.isValid(found) else {
      throw AWSError(
        code: ClientCode.configuration, message: "'\(found)' is not a region's name; it looks like us-east-2")
    }
    return found
  }

  /// - Throws: `Client.Configuration` when nothing says it.
  package func resolve(explicit: String? = nil) async throws(AWSError) -> String {
    if let found = try configured(explicit: explicit) { return found }
    if let found = await InstanceMetadata(environment: environment, profile: profile).region(), Self.isValid(found) {
      return found
    }
    throw AWSError(
      code: ClientCode.configuration,
      message: "no region: looked at --region, AWS_REGION, AWS_DEFAULT_REGION, region of profile '\(profile.name)' and "
        + "the instance metadata; say --region us-east-2, or set AWS_REGION")
  }

  static func isValid(_ region: String) -> Bool {
    (1...63).contains(region.utf8.count) && !region.hasPrefix("-") && !region.hasSuffix("-")
      && region.utf8.allSatisfy {
        (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-")
      }
  }
}
