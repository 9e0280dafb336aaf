/// Amazon EC2's networks: VPCs, subnets, security groups, network interfaces, tags.
package struct EC2Client: Sendable {
  let client: AWSClient

  package init(_ client: AWSClient) {
    self.client = client
  }

  @discardableResult
  func call(
    _ operation: String, _ fill: (inout QueryForm) -> Void
  ) async throws(AWSError) -> XMLNode {
    try await client.query(.ec2, operation, fill)
  }

  /// All pages of a Describe operation.
  private func describe<Item: Sendable>(
    _ operation: String, set: String, filters: [EC2.Filter], ids: (name: String, values: [String]) = ("", []),
    _ item: (XMLNode) -> Item
  ) async throws(AWSError) -> [Item] {
    try await allPages(.ec2, operation) { token throws(AWSError) in
      let answer = try await call(operation) { form in
        form.add(list: ids.name, ids.values, member: nil)
        for (number, filter) in zip(1..., filters) {
          form.add("Filter.\(number).Name", filter.name)
          form.add(list: "Filter.\(number).Value", filter.values, member: nil)
        }
        form.add("NextToken", token)
      }
      return ((answer[set]?.all("item") ?? []).map(item), answer.text(of: "nextToken"))
    }
  }

  package func describeVpcs(
    filters: [EC2.Filter] = [], ids: [String] = []
  ) async throws(AWSError) -> [EC2.Vpc] {
    try await describe("DescribeVpcs", set: "vpcSet", filters: filters, ids: ("VpcId", ids)) { EC2.Vpc($0) }
  }

  package func describeSubnets(
    filters: [EC2.Filter] = [], ids: [String] = []
  ) async throws(AWSError) -> [EC2.Subnet] {
    try await describe("DescribeSubnets", set: "subnetSet", filters: filters, ids: ("SubnetId", ids)) {
      EC2.Subnet($0)
    }
  }

  /// - Throws: InvalidGroup.NotFound for unknown ids (not for filters that match nothing).
  package func describeSecurityGroups(
    filters: [EC2.Filter] = [], ids: [String] = []
  ) async throws(AWSError) -> [EC2.SecurityGroup] {
    try await describe(
      "DescribeSecurityGroups", set: "securityGroupInfo", filters: filters, ids: ("GroupId", ids)
    ) { EC2.SecurityGroup($0) }
  }

  /// - Returns: nil when there is no such group.
  package func getSecurityGroup(_ id: String) async throws(AWSError) -> EC2.SecurityGroup? {
    do throws(AWSError) {
      return try await describeSecurityGroups(ids: [id]).first
    } catch {
      if error.code == "InvalidGroup.NotFound" || error.code == "InvalidGroupId.Malformed" { return nil }
      throw error
    }
  }

  package func describeNetworkInterfaces(
    filters: [EC2.Filter] = []
  ) async throws(AWSError) -> [EC2.NetworkInterface] {
    try await describe("DescribeNetworkInterfaces", set: "networkInterfaceSet", filters: filters) {
      EC2.NetworkInterface($0)
    }
  }

  /// A new group allows nothing in and everything out. A name can stand once in a VPC: a second create answers
  /// InvalidGroup.Duplicate, so that repeating one whose answer was lost does no harm.
  /// - Returns: the group's id.
  package func createSecurityGroup(
    name: String, description: String, vpc: String, tags: [String: String] = [:]
  ) async throws(AWSError) -> String {
    let answer = try await call("CreateSecurityGroup") { form in
      form.add("GroupName", name)
      form.add("GroupDescription", description)
      form.add("VpcId", vpc)
      if !tags.isEmpty {
        form.add("TagSpecification.1.ResourceType", "security-group")
        form.add(tags: "TagSpecification.1.Tag", tags, member: nil)
      }
    }
    return try client.required(answer.text(of: "groupId"), "groupId", .ec2, "CreateSecurityGroup")
  }

  /// Deleting a group that does not exist succeeds.
  /// - Throws: DependencyViolation while something uses it.
  package func deleteSecurityGroup(_ id: String) async throws(AWSError) {
    do throws(AWSError) {
      try await call("DeleteSecurityGroup") { $0.add("GroupId", id) }
    } catch {
      if error.code != "InvalidGroup.NotFound" { throw error }
    }
  }

  /// Rules that are there already stay: InvalidPermission.Duplicate of a single rule counts as done.
  package func authorizeIngress(_ group: String, _ permissions: [EC2.IpPermission]) async throws(AWSError) {
    try await change("AuthorizeSecurityGroupIngress", group, permissions, done: "InvalidPermission.Duplicate")
  }

  package func authorizeEgress(_ group: String, _ permissions: [EC2.IpPermission]) async throws(AWSError) {
    try await change("AuthorizeSecurityGroupEgress", group, permissions, done: "InvalidPermission.Duplicate")
  }

  /// Rules that are not there are no error.
  package func revokeIngress(_ group: String, _ permissions: [EC2.IpPermission]) async throws(AWSError) {
    try await change("RevokeSecurityGroupIngress", group, permissions, done: "InvalidPermission.NotFound")
  }

  package func revokeEgress(_ group: String, _ permissions: [EC2.IpPermission]) async throws(AWSError) {
    try await change("RevokeSecurityGroupEgress", group, permissions, done: "InvalidPermission.NotFound")
  }

  /// EC2 refuses a whole call for one rule that is there (or gone) already. Then rule by rule.
  private func change(
    _ operation: String, _ group: String, _ permissions: [EC2.IpPermission], done: String
  ) async throws(AWSError) {
    guard !permissions.isEmpty else { return }
    do throws(AWSError) {
      try await send(operation, group, permissions)
    } catch {
      let rules = permissions.flatMap(\.singles)
      guard error.code == done else { throw error }
      guard rules.count > 1 else { return }
      for rule in rules {
        do throws(AWSError) {
          try await send(operation, group, [rule])
        } catch {
          guard error.code == done else { throw error }
        }
      }
    }
  }

  private func send(
    _ operation: String, _ group: String, _ permissions: [EC2.IpPermission]
  ) async throws(AWSError) {
    try await call(operation) { form in
      form.add("GroupId", group)
      for (number, permission) in zip(1..., permissions) {
        permission.encode(into: &form, at: number)
      }
    }
  }

  /// Adds or overwrites tags.
  package func createTags(_ resources: [String], tags: [String: String]) async throws(AWSError) {
    guard !resources.isEmpty, !tags.isEmpty else { return }
    try await call("CreateTags") { form in
      form.add(list: "ResourceId", resources, member: nil)
      form.add(tags: "Tag", tags, member: nil)
    }
  }

  package func deleteTags(_ resources: [String], keys: [String]) async throws(AWSError) {
    // Without keys EC2 would delete every tag.
    guard !resources.isEmpty, !keys.isEmpty else { return }
    try await call("DeleteTags") { form in
      form.add(list: "ResourceId", resources, member: nil)
      for (number, key) in zip(1..., keys.sorted()) {
        form.add("Tag.\(number).Key", key)
      }
    }
  }
}
