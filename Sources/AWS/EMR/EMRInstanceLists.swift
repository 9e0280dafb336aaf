extension EMRClient {
  /// - Parameter groupTypes: MASTER, CORE, TASK; empty for all.
  package func listInstances(
    _ cluster: String, groupTypes: [String] = [], states: [String] = []
  ) async throws(AWSError) -> [EMR.Instance] {
    struct Input: Encodable, Sendable {
      var clusterId: String
      var instanceGroupTypes: [String]?
      var instanceStates: [String]?
      var marker: String?
    }
    struct Output: Decodable, Sendable {
      var instances: [EMR.Instance]?
      var marker: String?
    }
    return try await allPages(.emr, "ListInstances") { marker throws(AWSError) in
      let input = Input(
        clusterId: cluster, instanceGroupTypes: groupTypes.isEmpty ? nil : groupTypes,
        instanceStates: states.isEmpty ? nil : states, marker: marker)
      let output: Output = try await call("ListInstances", input)
      return (output.instances ?? [], output.marker)
    }
  }

  /// Of a cluster made of groups; one made of fleets answers InvalidRequestException.
  package func listInstanceGroups(_ cluster: String) async throws(AWSError) -> [EMR.InstanceGroup] {
    struct Output: Decodable, Sendable {
      var instanceGroups: [EMR.InstanceGroup]?
      var marker: String?
    }
    return try await allPages(.emr, "ListInstanceGroups") { marker throws(AWSError) in
      let output: Output = try await call(
        "ListInstanceGroups", ClusterPageInput(clusterId: cluster, marker: marker))
      return (output.instanceGroups ?? [], output.marker)
    }
  }

  /// Of a cluster made of fleets; one made of groups answers InvalidRequestException.
  package func listInstanceFleets(_ cluster: String) async throws(AWSError) -> [EMR.InstanceFleet] {
    struct Output: Decodable, Sendable {
      var instanceFleets: [EMR.InstanceFleet]?
      var marker: String?
    }
    return try await allPages(.emr, "ListInstanceFleets") { marker throws(AWSError) in
      let output: Output = try await call(
        "ListInstanceFleets", ClusterPageInput(clusterId: cluster, marker: marker))
      return (output.instanceFleets ?? [], output.marker)
    }
  }

  package func listBootstrapActions(_ cluster: String) async throws(AWSError) -> [EMR.Command] {
    struct Output: Decodable, Sendable {
      var bootstrapActions: [EMR.Command]?
      var marker: String?
    }
    return try await allPages(.emr, "ListBootstrapActions") { marker throws(AWSError) in
      let output: Output = try await call(
        "ListBootstrapActions", ClusterPageInput(clusterId: cluster, marker: marker))
      return (output.bootstrapActions ?? [], output.marker)
    }
  }
}
