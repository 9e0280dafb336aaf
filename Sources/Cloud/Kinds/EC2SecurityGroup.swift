internal import AWS
internal import Engine
internal import Model

/// `ec2.security_group`: a security group of the default or a named VPC. The id is AWS's (`sg-...`).
///
/// EMR adds rules of its own between the groups of a cluster: rules that name another group and that
/// the stack did not write are no drift. A CIDR that the stack did not write is.
struct EC2SecurityGroup: Kind {
  struct Inputs: Codable, Sendable, Equatable {
    var name: String
    var description: String
    var vpc: String
    var ingress: [Rule]
    var tags: [String: String]
  }

  struct Rule: Codable, Sendable, Equatable, Hashable {
    var proto: String
    var fromPort: Int?
    var toPort: Int?
    var cidr: String?
    var group: String?

    enum CodingKeys: String, CodingKey {
      case cidr, group
      case proto = "protocol"
      case fromPort = "from_port"
      case toPort = "to_port"
    }
  }

  struct Outputs: Codable, Sendable {
    var id: String
    var name: String
    var arn: String
    var vpcID: String

    enum CodingKeys: String, CodingKey {
      case id, name, arn
      case vpcID = "vpc_id"
    }
  }

  static let definition = KindDefinition(
    kind: "ec2.security_group", section: "security_groups", summary: "Security groups.",
    inputs: [
      Field("name", .string, required: true, "The group's name, unique in its VPC."),
      Field("description", .string, "What it is for."),
      Field("vpc", .string, "VPC id, or `default`."),
      Field(
        "ingress",
        .list(
          of: .object([
            Field("protocol", .string(.oneOf(["tcp", "udp", "icmp", "all"])), "tcp when left out."),
            Field("from_port", .int(0...65535), "First port; of icmp the type, every type when left out."),
            Field("to_port", .int(0...65535), "Last port, from_port when left out; of icmp the code, every code."),
            Field("cidr", .string, "Addresses that may connect, e.g. 203.0.113.7/32; never the whole world."),
            Field("group", .string, "Security group id that may connect, instead of a CIDR."),
          ])), "Who may connect; nobody when left out."),
      Field("tags", .map(of: .string), "Tags."),
    ])
  static let replacing: Set<String> = ["name", "description", "vpc"]

  let ec2: EC2Client
  let region: String
  let partition: String
  let clock: any AWSClock

  func validate(_ inputs: Inputs) throws(Diagnostic) -> Inputs {
    try Tags.check(inputs.tags)
    for rule in inputs.ingress {
      guard (rule.cidr == nil) != (rule.group == nil) else {
        throw Diagnostic("An ingress rule needs either `cidr` or `group`")
      }
      // Of an address with a mask of 0 bits EC2 makes 0.0.0.0/0 or ::/0.
      guard rule.cidr?.hasSuffix("/0") != true else {
        throw Diagnostic(
          "A port would be open to the world", detail: "ingress from \(rule.cidr ?? "")",
          remedy: "Name the addresses that need it, e.g. your office's.")
      }
      guard rule.proto == "-1" || rule.fromPort != nil else {
        throw Diagnostic("An ingress rule for \(rule.proto) needs `from_port`")
      }
    }
    return inputs
  }

  func read(
    _ id: String, recorded: Inputs, outputs: Outputs?, context: ResourceContext
  ) async throws -> Observed<Self>? {
    guard let group = try await ec2.getSecurityGroup(id) else { return nil }
    let written = Set(recorded.ingress)
    var now = recorded
    now.name = group.name
    now.description = group.description
    now.tags = Tags.users(group.tags)
    now.ingress = group.ingress.flatMap(\.rules).map(Rule.init)
      .filter { written.contains($0) || $0.group == nil }.sorted()
    // Where it is cannot change, so it is only asked of a group that nothing is known of yet.
    if outputs == nil {
      let isWanted = try await vpcID(recorded.vpc) == group.vpcID
      now.vpc = isWanted ? recorded.vpc : group.vpcID
    }
    return Observed(
      inputs: now, outputs: self.outputs(group), missingTags: Tags.missing(in: group.tags, context.tags))
  }

  func find(_ inputs: Inputs, context: ResourceContext) async throws -> String? {
    let vpc = try await vpcID(inputs.vpc)
    let found = try await ec2.describeSecurityGroups(
      filters: [EC2.Filter("group-name", inputs.name), EC2.Filter("vpc-id", vpc)])
    guard let group = found.first else { return nil }
    guard Tags.areOurs(group.tags, context.tags) else {
      throw ForeignResource("Security group", inputs.name, id: group.id, context: context.address)
    }
    return group.id
  }

  func create(_ inputs: Inputs, context: ResourceContext) async throws -> (id: String, outputs: Outputs) {
    let vpc = try await vpcID(inputs.vpc)
    let id: String
    do {
      id = try await ec2.createSecurityGroup(
        name: inputs.name, description: inputs.description, vpc: vpc, tags: inputs.tags.merging(context.tags) { $1 })
    } catch {
      guard error.code == "InvalidGroup.Duplicate" || error.outcomeUnknown else { throw error }
      guard let existing = try await find(inputs, context: context) else { throw error }
      id = existing
    }
    try await context.created(id)
    // A group just made is not everywhere known at once: EC2 answers InvalidGroup.NotFound for some seconds.
    let group = try await clock.poll(upTo: .seconds(30)) { try await ec2.getSecurityGroup(id) }
    guard let group else { throw Diagnostic("Security group \(id) did not appear", remedy: "Run `mrhealth up` again.") }
    let missing = inputs.ingress.filter { !group.ingress.flatMap(\.rules).map(Rule.init).contains($0) }
    try await authorize(missing, group: id)
    return (id, outputs(group))
  }

  func update(_ id: String, from old: Inputs, to new: Inputs, context: ResourceContext) async throws -> Outputs {
    guard let group = try await ec2.getSecurityGroup(id) else {
      throw Diagnostic("Security group \(id) vanished while it was updated", remedy: "Run `mrhealth up` again.")
    }
    let present = Set(group.ingress.flatMap(\.rules).map(Rule.init))
    let wanted = Set(new.ingress)
    let known = Set(old.ingress)
    try await authorize(wanted.subtracting(present).sorted(), group: id)
    // Rules that only name groups and are not ours are EMR's.
    let revoked = present.subtracting(wanted).filter { known.contains($0) || $0.group == nil }
    if !revoked.isEmpty { try await ec2.revokeIngress(id, revoked.sorted().map(\.permission)) }
    let tags = Tags.changes(from: old.tags, to: new.tags)
    if !tags.set.isEmpty { try await ec2.createTags([id], tags: tags.set) }
    if !tags.remove.isEmpty { try await ec2.deleteTags([id], keys: tags.remove) }
    return outputs(group)
  }

  func claim(_ id: String, inputs: Inputs, context: ResourceContext) async throws {
    try await ec2.createTags([id], tags: context.tags)
  }

  private func authorize(_ rules: [Rule], group: String) async throws {
    guard !rules.isEmpty else { return }
    do {
      try await ec2.authorizeIngress(group, rules.map(\.permission))
    } catch {
      guard error.code == "InvalidPermission.Duplicate" else { throw error }
      return
    }
  }

  /// Takes back every rule that refers to the group first, in whatever group of ours it stands, and its own that
  /// name groups: groups that name each other could never be deleted otherwise, and one that was taken over need
  /// not carry our tags yet. Then waits for the network interfaces of an ended cluster to go.
  func delete(_ id: String, recorded: Inputs, context: ResourceContext) async throws {
    guard let group = try await ec2.getSecurityGroup(id) else { return }
    let naming = group.ingress.flatMap(\.rules).map(Rule.init).filter { $0.group != nil }
    if !naming.isEmpty { try await ec2.revokeIngress(id, naming.map(\.permission)) }
    let referring = try await ec2.describeSecurityGroups(filters: [EC2.Filter("ip-permission.group-id", id)])
    let letting = try await ec2.describeSecurityGroups(filters: [EC2.Filter("egress.ip-permission.group-id", id)])
    let ours = context.tags[Tags.stack]
    for other in referring where other.id != id && other.tags[Tags.stack] == ours {
      try await revoke(Self.rules(other.ingress, naming: id)) { try await ec2.revokeIngress(other.id, $0) }
    }
    // EMR lets the group of its own service out to those of the nodes.
    for other in letting where other.tags[Tags.stack] == ours {
      try await revoke(Self.rules(other.egress, naming: id)) { try await ec2.revokeEgress(other.id, $0) }
    }
    let deleted: Bool? = try await clock.poll(upTo: .seconds(600), isStopped: context.isInterrupted) {
      do {
        try await ec2.deleteSecurityGroup(id)
        return true
      } catch {
        guard (error as? AWSError)?.code == "DependencyViolation" else { throw error }
        context.progress("still used by network interfaces")
        return nil
      }
    }
    guard deleted != nil else {
      throw Diagnostic(
        "Security group \(id) is still in use", detail: "network interfaces or rules outside this stack refer to it",
        remedy: "Remove what uses it, then run the same command again.")
    }
  }

  private func revoke(
    _ rules: [EC2.IpPermission], _ call: ([EC2.IpPermission]) async throws -> Void
  ) async throws {
    guard !rules.isEmpty else { return }
    do {
      try await call(rules)
    } catch let error as AWSError where error.code == "InvalidGroup.NotFound" {
      // Two groups that name each other may be deleted at once.
    }
  }

  private static func rules(_ permissions: [EC2.IpPermission], naming group: String) -> [EC2.IpPermission] {
    permissions.flatMap(\.rules).filter { $0.peer == .group(group) }.sorted().map(\.permission)
  }

  private func vpcID(_ vpc: String) async throws -> String {
    guard vpc == "default" else { return vpc }
    guard let found = try await ec2.describeVpcs(filters: [EC2.Filter("is-default", "true")]).first else {
      throw Diagnostic(
        "The account has no default VPC in \(region)",
        remedy: "Name a VPC: `vpc: vpc-...`, and `subnets` for the cluster.")
    }
    return found.id
  }

  private func outputs(_ group: EC2.SecurityGroup) -> Outputs {
    Outputs(
      id: group.id, name: group.name,
      arn: "arn:\(partition):ec2:\(region):\(group.ownerID):security-group/\(group.id)", vpcID: group.vpcID)
  }
}

extension EC2SecurityGroup.Inputs {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    // EC2 wants one, and it can never be changed.
    description = try container.decodeIfPresent(String.self, forKey: .description) ?? "Managed by mrhealth"
    vpc = try container.decodeIfPresent(String.self, forKey: .vpc) ?? "default"
    ingress = Set(try container.decodeIfPresent([EC2SecurityGroup.Rule].self, forKey: .ingress) ?? []).sorted()
    tags = try container.decodeIfPresent([String: String].self, forKey: .tags) ?? [:]
  }
}

extension EC2SecurityGroup.Rule: Comparable {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decodeIfPresent(String.self, forKey: .proto) ?? "tcp"
    proto = name == "all" ? "-1" : name
    // As EC2 gives rules back: all protocols have no ports, -1 is every ICMP type or code.
    let first = try container.decodeIfPresent(Int.self, forKey: .fromPort)
    let last = try container.decodeIfPresent(Int.self, forKey: .toPort)
    switch proto {
    case "-1": (fromPort, toPort) = (nil, nil)
    case "icmp": (fromPort, toPort) = (first ?? -1, last ?? -1)
    default: (fromPort, toPort) = (first, last ?? first)
    }
    cidr = try container.decodeIfPresent(String.self, forKey: .cidr).map(AddressRange.canonical)
    group = try container.decodeIfPresent(String.self, forKey: .group)
  }

  init(_ rule: EC2.Rule) {
    proto = rule.proto
    fromPort = rule.fromPort
    toPort = rule.toPort
    cidr = nil
    group = nil
    switch rule.peer {
    case .ipv4(let text), .ipv6(let text), .prefixList(let text): cidr = text
    case .group(let id): group = id
    }
  }

  var permission: EC2.IpPermission {
    var permission = EC2.IpPermission(proto: proto, fromPort: fromPort, toPort: toPort)
    if let group { permission.groups = [.init(group)] }
    if let cidr, cidr.hasPrefix("pl-") {
      permission.prefixLists = [.init(cidr)]
    } else if let cidr, cidr.contains(":") {
      permission.ipv6CIDRs = [.init(cidr)]
    } else if let cidr {
      permission.cidrs = [.init(cidr)]
    }
    return permission
  }

  static func < (left: Self, right: Self) -> Bool {
    (left.proto, left.fromPort ?? -1, left.toPort ?? -1, left.cidr ?? "", left.group ?? "")
      < (right.proto, right.fromPort ?? -1, right.toPort ?? -1, right.cidr ?? "", right.group ?? "")
  }
}
