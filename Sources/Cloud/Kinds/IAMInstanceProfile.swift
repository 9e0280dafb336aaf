internal import AWS
internal import Engine
internal import Model

/// `iam.instance_profile`: what gives a role to EC2 instances. The id is the profile's name.
///
/// EMR accepts only a profile that is called as its role (AWS.md 0.7); the stack decides the names.
struct IAMInstanceProfile: Kind {
  struct Inputs: Codable, Sendable, Equatable {
    var name: String
    var role: String
    var tags: [String: String]
  }

  struct Outputs: Codable, Sendable {
    var name: String
    var arn: String
  }

  static let definition = KindDefinition(
    kind: "iam.instance_profile", section: "instance_profiles", summary: "Instance profiles: roles for EC2 instances.",
    inputs: [
      Field("name", .string, required: true, "The profile's name; for EMR the same as its role's."),
      Field("role", .string, required: true, "Name of the role."),
      Field("tags", .map(of: .string), "Tags."),
    ])
  static let replacing: Set<String> = ["name"]

  let iam: IAMClient

  func validate(_ inputs: Inputs) throws(Diagnostic) -> Inputs {
    try Tags.check(inputs.tags)
    return inputs
  }

  func read(
    _ id: String, recorded: Inputs, outputs: Outputs?, context: ResourceContext
  ) async throws -> Observed<Self>? {
    guard let profile = try await iam.getInstanceProfile(id) else { return nil }
    return Observed(
      inputs: Inputs(name: profile.name, role: profile.roles.first ?? "", tags: Tags.users(profile.tags)),
      outputs: Outputs(name: profile.name, arn: profile.arn), missingTags: Tags.missing(in: profile.tags, context.tags))
  }

  func find(_ inputs: Inputs, context: ResourceContext) async throws -> String? {
    guard let profile = try await iam.getInstanceProfile(inputs.name) else { return nil }
    guard Tags.areOurs(profile.tags, context.tags) else {
      throw ForeignResource("Instance profile", inputs.name, context: context.address)
    }
    return profile.name
  }

  func create(_ inputs: Inputs, context: ResourceContext) async throws -> (id: String, outputs: Outputs) {
    var profile: IAM.InstanceProfile
    do {
      profile = try await iam.createInstanceProfile(inputs.name, tags: inputs.tags.merging(context.tags) { $1 })
    } catch {
      guard error.code == "EntityAlreadyExists" else { throw error }
      guard try await find(inputs, context: context) != nil,
        let existing = try await iam.getInstanceProfile(inputs.name)
      else { throw error }
      profile = existing
    }
    try await context.created(profile.name)
    if profile.roles != [inputs.role] { try await setRole(inputs.role, of: profile) }
    return (profile.name, Outputs(name: profile.name, arn: profile.arn))
  }

  func update(_ id: String, from old: Inputs, to new: Inputs, context: ResourceContext) async throws -> Outputs {
    guard let profile = try await iam.getInstanceProfile(id) else {
      throw Diagnostic("Instance profile `\(id)` vanished while it was updated", remedy: "Run `mrhealth up` again.")
    }
    let tags = Tags.changes(from: old.tags, to: new.tags)
    if !tags.set.isEmpty { try await iam.tagInstanceProfile(id, tags: tags.set) }
    if !tags.remove.isEmpty { try await iam.untagInstanceProfile(id, keys: tags.remove) }
    if profile.roles != [new.role] { try await setRole(new.role, of: profile) }
    return Outputs(name: profile.name, arn: profile.arn)
  }

  func claim(_ id: String, inputs: Inputs, context: ResourceContext) async throws {
    try await iam.tagInstanceProfile(id, tags: context.tags)
  }

  /// A profile holds one role at most.
  private func setRole(_ role: String, of profile: IAM.InstanceProfile) async throws {
    for other in profile.roles { try await iam.removeRole(other, fromInstanceProfile: profile.name) }
    try await iam.addRole(role, toInstanceProfile: profile.name)
  }

  func delete(_ id: String, recorded: Inputs, context: ResourceContext) async throws {
    guard let profile = try await iam.getInstanceProfile(id) else { return }
    for role in profile.roles { try await iam.removeRole(role, fromInstanceProfile: id) }
    try await iam.deleteInstanceProfile(id)
  }
}

extension IAMInstanceProfile.Inputs {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    role = try container.decode(String.self, forKey: .role)
    tags = try container.decodeIfPresent([String: String].self, forKey: .tags) ?? [:]
  }
}
