/// What `~/.aws/config` and `~/.aws/credentials` say, or the files named by `AWS_CONFIG_FILE` and
/// `AWS_SHARED_CREDENTIALS_FILE`. A missing file is an empty one.
package struct SharedConfig: Sendable {
  /// One profile, from both files.
  package struct Profile: Sendable, CustomStringConvertible, CustomReflectable {
    package var name: String
    /// `file:line` of its first heading, for messages.
    package var place: String
    /// From the config file.
    var config: [String: String] = [:]
    /// From the credentials file, which wins.
    var credentials: [String: String] = [:]
    package var nested: [String: [String: String]] = [:]

    package init(name: String, place: String = "") {
      self.name = name
      self.place = place
    }

    /// A property that is set and not empty.
    package subscript(_ key: String) -> String? {
      (credentials[key] ?? config[key]).flatMap { $0.isEmpty ? nil : $0 }
    }

    // Values may be keys.
    package var description: String { "profile '\(name)' (\(place))" }
    package var customMirror: Mirror { Mirror(self, children: ["name": name, "place": place]) }
  }

  package private(set) var profiles: [String: Profile] = [:]
  package private(set) var ssoSessions: [String: [String: String]] = [:]
  /// By name of the `services` section, then service id in lower case (`s3`, `secrets_manager`), then property.
  package private(set) var services: [String: [String: [String: String]]] = [:]
  /// The files looked at, for messages.
  package private(set) var paths: [String] = []

  /// No files at all.
  package init() {}

  /// - Throws: `Client.Configuration` with file and line, or `Client.LocalFile`.
  package static func load(_ environment: AWSEnvironment) throws(AWSError) -> SharedConfig {
    var result = SharedConfig()
    for (variable, name, isCredentials) in [
      ("AWS_CONFIG_FILE", "config", false), ("AWS_SHARED_CREDENTIALS_FILE", "credentials", true),
    ] {
      let path: String
      if let named = environment.variable(variable) {
        path = environment.expand(named)
      } else if let home = environment.home {
        path = "\(home)/.aws/\(name)"
      } else {
        continue
      }
      result.paths.append(path)
      guard let bytes = try environment.readFile(path) else { continue }
      result.add(try ConfigFile(bytes, path: path), isCredentials: isCredentials)
    }
    return result
  }

  private mutating func add(_ file: ConfigFile, isCredentials: Bool) {
    // [profile default] hides [default].
    let hasProfileDefault = file.sections.contains { $0.kind == "profile" && $0.name == "default" }
    for section in file.sections {
      switch section.kind {
      case "" where isCredentials: add(section, isCredentials: true)
      case "" where section.name == "default" && !hasProfileDefault: add(section, isCredentials: false)
      case "profile" where !isCredentials: add(section, isCredentials: false)
      case "sso-session" where !isCredentials: ssoSessions[section.name, default: [:]].merge(section.values) { $1 }
      case "services" where !isCredentials:
        for (service, values) in section.nested {
          services[section.name, default: [:]][service, default: [:]].merge(values) { $1 }
        }
      default: continue  // a section of another tool
      }
    }
  }

  private mutating func add(_ section: ConfigFile.Section, isCredentials: Bool) {
    var profile = profiles[section.name] ?? Profile(name: section.name, place: section.place)
    if isCredentials {
      profile.credentials.merge(section.values) { $1 }
    } else {
      profile.config.merge(section.values) { $1 }
    }
    for (key, values) in section.nested { profile.nested[key, default: [:]].merge(values) { $1 } }
    profiles[section.name] = profile
  }

  /// The profile to use: named on the command line, by `AWS_PROFILE`, by `AWS_DEFAULT_PROFILE`, or `default`.
  package static func profileName(explicit: String?, _ environment: AWSEnvironment) -> String {
    explicit ?? environment.variable("AWS_PROFILE") ?? environment.variable("AWS_DEFAULT_PROFILE") ?? "default"
  }

  /// - Throws: `Client.Configuration` for a profile that was asked for and is in neither file. A missing `default` is an
  ///   empty one.
  package func profile(_ name: String) throws(AWSError) -> Profile {
    if let profile = profiles[name] { return profile }
    if name == "default" { return Profile(name: name) }
    let known = profiles.keys.sorted().prefix(20).joined(separator: ", ")
    throw AWSError(
      code: ClientCode.configuration,
      message: "the profile '\(name)' is not in \(paths.joined(separator: " or "))"
        + (known.isEmpty ? "" : "; there are: \(known)"))
  }
}
