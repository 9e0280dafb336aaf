package import AWS
package import Engine
internal import Model

/// Finds everything that carries a stack's tag, without its state (invariant 4).
///
/// Buckets, security groups and topics come from the Resource Groups Tagging API, whose index lags by minutes; clusters
/// and IAM are asked themselves, since that API does not know roles
/// (https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html).
package struct Discovery: Sendable {
  private let client: AWSClient
  /// Calls to IAM at once; it throttles early.
  private static let width = 8

  package init(_ client: AWSClient) {
    self.client = client
  }

  package func find(stack: String) async throws -> [Discovered] {
    do {
      async let tagged = tagged(stack)
      async let roles = roles(stack)
      async let profiles = profiles(stack)
      async let clusters = clusters(stack)
      return try await tagged + roles + profiles + clusters
    } catch {
      throw Diagnostic(explaining: error)
    }
  }

  private func tagged(_ stack: String) async throws -> [Discovered] {
    let found = try await TaggingClient(client).getResources(
      filters: [.init(Tags.stack, [stack])], types: ["s3", "ec2:security-group", "sns"])
    return found.sorted { $0.key < $1.key }.compactMap { arn, tags in
      guard let address = tags[Tags.address].flatMap({ Address($0) }) else { return nil }
      switch address.kind {
      case S3Bucket.definition.kind:
        guard arn.contains(":s3:::") else { return nil }
        let name = String(arn.split(separator: ":").last ?? "")
        return Discovered(address: address, id: name, inputs: ["name": .string(name)])
      case EC2SecurityGroup.definition.kind:
        guard let id = arn.split(separator: "/").last.map(String.init), id.hasPrefix("sg-") else { return nil }
        return Discovered(
          address: address, id: id, inputs: ["name": .string(id), "description": "-", "vpc": "default"])
      case SNSTopic.definition.kind:
        let name = String(arn.split(separator: ":").last ?? "")
        return Discovered(address: address, id: arn, inputs: ["name": .string(name)])
      default: return nil
      }
    }
  }

  private func roles(_ stack: String) async throws -> [Discovered] {
    let iam = IAMClient(client)
    return try await owned(try await iam.listRoleNames(), stack) { name in
      try await iam.listRoleTags(name)
    } discovered: { name, address in
      Discovered(address: address, id: name, inputs: ["name": .string(name), "trust": "ec2.amazonaws.com"])
    }
  }

  private func profiles(_ stack: String) async throws -> [Discovered] {
    let iam = IAMClient(client)
    return try await owned(try await iam.listInstanceProfileNames(), stack) { name in
      try await iam.getInstanceProfile(name)?.tags ?? [:]
    } discovered: { name, address in
      Discovered(
        address: address, id: name, inputs: ["name": .string(name), "role": ""], needs: [IAMRole.definition.kind])
    }
  }

  /// Those of the names whose tags name the stack.
  private func owned(
    _ names: [String], _ stack: String, tags: @escaping @Sendable (String) async throws -> [String: String],
    discovered: (String, Address) -> Discovered
  ) async throws -> [Discovered] {
    let tagged = try await concurrently(names, limit: Self.width) { name in
      (name: name, tags: try await tags(name))
    }
    return tagged.compactMap { name, tags in
      guard tags[Tags.stack] == stack, let address = tags[Tags.address].flatMap({ Address($0) }) else { return nil }
      return discovered(name, address)
    }
  }

  /// Those that live: an ended cluster is not looked for (invariant 6).
  private func clusters(_ stack: String) async throws -> [Discovered] {
    let emr = EMRClient(client)
    var found: [Discovered] = []
    for summary in try await emr.listClusters(states: EMR.ClusterState.active) {
      guard let cluster = try await emr.describeCluster(summary.id), cluster.tagValues[Tags.stack] == stack,
        let address = cluster.tagValues[Tags.address].flatMap({ Address($0) })
      else { continue }
      let needs = Set(Catalog.definitions.map(\.kind)).subtracting([EMRCluster.definition.kind])
      found.append(Discovered(address: address, id: cluster.id, inputs: Self.inputs(cluster), needs: needs))
    }
    return found
  }

  private static func inputs(_ cluster: EMR.Cluster) -> Value {
    [
      "name": .string(cluster.name), "release": .string(cluster.releaseLabel ?? ""),
      "log_uri": .string(cluster.logUri ?? ""), "service_role": .string(cluster.serviceRole ?? ""),
      "instance_profile": .string(cluster.ec2InstanceAttributes?.iamInstanceProfile ?? ""),
    ]
  }
}
