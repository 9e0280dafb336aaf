internal import AWS
internal import Engine
internal import Model

/// `iam.role`: a role, its trust, its inline and managed policies. The id is the role's name.
struct IAMRole: Kind {
  struct Inputs: Codable, Sendable, Equatable {
    var name: String
    var description: String
    var trust: PolicyDocument
    var managedPolicies: [String]
    var policies: [String: PolicyDocument]
    var maxSessionSeconds: Int
    var tags: [String: String]

    enum CodingKeys: String, CodingKey {
      case name, description, trust, policies, tags
      case managedPolicies = "managed_policies"
      case maxSessionSeconds = "max_session_seconds"
    }
  }

  struct Outputs: Codable, Sendable {
    var name: String
    var arn: String
    var uniqueID: String

    enum CodingKeys: String, CodingKey {
      case name, arn
      case uniqueID = "unique_id"
    }
  }

  static let definition = KindDefinition(
    kind: "iam.role", section: "roles", summary: "IAM roles with their policies.",
    inputs: [
      Field("name", .string, required: true, "The role's name."),
      Field("description", .string, "What it is for."),
      Field("trust", .oneOf([.string, .any]), required: true, "A service that may assume it, or a trust policy."),
      Field("managed_policies", .list(of: .string), "ARNs of managed policies; others are detached."),
      Field("policies", .map(of: .any), "Inline policies by name; others are deleted."),
      Field("max_session_seconds", .int(3600...43200), "Longest session; 3600 when left out."),
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
    guard let role = try await iam.getRole(id) else { return nil }
    async let attached = iam.listAttachedRolePolicies(id)
    async let inline = inlinePolicies(id)
    let inputs = Inputs(
      name: role.name, description: role.description,
      trust: PolicyDocument(json: role.trust) ?? recorded.trust,
      managedPolicies: try await attached.map(\.arn).sorted(), policies: try await inline,
      maxSessionSeconds: role.maxSessionDuration ?? 3600, tags: Tags.users(role.tags))
    return Observed(
      inputs: inputs, outputs: Self.outputs(role), missingTags: Tags.missing(in: role.tags, context.tags))
  }

  private func inlinePolicies(_ role: String) async throws -> [String: PolicyDocument] {
    let names = try await iam.listRolePolicies(role)
    return try await withThrowingTaskGroup(of: (String, PolicyDocument?).self) { group in
      for name in names {
        group.addTask {
          let json = try await iam.getRolePolicy(role, name: name)
          return (name, json.flatMap { PolicyDocument(json: $0) })
        }
      }
      var policies: [String: PolicyDocument] = [:]
      for try await (name, document) in group { policies[name] = document }
      return policies
    }
  }

  func find(_ inputs: Inputs, context: ResourceContext) async throws -> String? {
    guard let role = try await iam.getRole(inputs.name) else { return nil }
    guard Tags.areOurs(role.tags, context.tags) else {
      throw ForeignResource("Role", inputs.name, context: context.address)
    }
    return role.name
  }

  func create(_ inputs: Inputs, context: ResourceContext) async throws -> (id: String, outputs: Outputs) {
    let role: IAM.Role
    do {
      role = try await iam.createRole(
        inputs.name, trust: try inputs.trust.json(), description: inputs.description,
        tags: inputs.tags.merging(context.tags) { $1 }, maxSessionDuration: inputs.maxSessionSeconds)
    } catch {
      guard (error as? AWSError)?.code == "EntityAlreadyExists" else { throw error }
      // Our own, from a create whose answer was lost; otherwise `find` says whose it is.
      guard try await find(inputs, context: context) != nil, let existing = try await iam.getRole(inputs.name) else {
        throw error
      }
      role = existing
    }
    try await context.created(role.name)
    try await applyPolicies(role.name, from: nil, to: inputs)
    return (role.name, Self.outputs(role))
  }

  func update(_ id: String, from old: Inputs, to new: Inputs, context: ResourceContext) async throws -> Outputs {
    if old.trust != new.trust { try await iam.updateAssumeRolePolicy(id, trust: try new.trust.json()) }
    if old.description != new.description || old.maxSessionSeconds != new.maxSessionSeconds {
      try await iam.updateRole(id, description: new.description, maxSessionDuration: new.maxSessionSeconds)
    }
    let tags = Tags.changes(from: old.tags, to: new.tags)
    if !tags.set.isEmpty { try await iam.tagRole(id, tags: tags.set) }
    if !tags.remove.isEmpty { try await iam.untagRole(id, keys: tags.remove) }
    try await applyPolicies(id, from: old, to: new)
    guard let role = try await iam.getRole(id) else {
      throw Diagnostic("Role `\(id)` vanished while it was updated", remedy: "Run `mrhealth up` again.")
    }
    return Self.outputs(role)
  }

  func claim(_ id: String, inputs: Inputs, context: ResourceContext) async throws {
    try await iam.tagRole(id, tags: context.tags)
  }

  private func applyPolicies(_ role: String, from old: Inputs?, to new: Inputs) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for arn in new.managedPolicies where old?.managedPolicies.contains(arn) != true {
        group.addTask { try await iam.attachRolePolicy(role, arn: arn) }
      }
      for arn in old?.managedPolicies ?? [] where !new.managedPolicies.contains(arn) {
        group.addTask { try await iam.detachRolePolicy(role, arn: arn) }
      }
      for (name, document) in new.policies where old?.policies[name] != document {
        group.addTask { try await iam.putRolePolicy(role, name: name, document: try document.json()) }
      }
      for name in (old?.policies ?? [:]).keys where new.policies[name] == nil {
        group.addTask { try await iam.deleteRolePolicy(role, name: name) }
      }
      try await group.waitForAll()
    }
  }

  func delete(_ id: String, recorded: Inputs, context: ResourceContext) async throws {
    guard try await iam.getRole(id) != nil else { return }
    for policy in try await iam.listAttachedRolePolicies(id) { try await iam.detachRolePolicy(id, arn: policy.arn) }
    for name in try await iam.listRolePolicies(id) { try await iam.deleteRolePolicy(id, name: name) }
    try await iam.deleteRole(id)
  }

  private static func outputs(_ role: IAM.Role) -> Outputs {
    Outputs(name: role.name, arn: role.arn, uniqueID: role.id)
  }
}

extension IAMRole.Inputs {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    description = try container.decodeIfPresent(String.self, forKey: .description) ?? ""
    managedPolicies = Set(try container.decodeIfPresent([String].self, forKey: .managedPolicies) ?? []).sorted()
    policies = try container.decodeIfPresent([String: PolicyDocument].self, forKey: .policies) ?? [:]
    maxSessionSeconds = try container.decodeIfPresent(Int.self, forKey: .maxSessionSeconds) ?? 3600
    tags = try container.decodeIfPresent([String: String].self, forKey: .tags) ?? [:]
    let raw = try container.decode(Value.self, forKey: .trust)
    trust = try PolicyDocument(raw.string.map(Self.trust(service:)) ?? raw)
  }

  private static func trust(service: String) -> Value {
    ["Statement": ["Effect": "Allow", "Principal": ["Service": .string(service)], "Action": "sts:AssumeRole"]]
  }
}
