extension EMRClient {
  private struct AutoTermination: Codable, Sendable {
    var clusterId: String?
    var autoTerminationPolicy: EMR.AutoTerminationPolicy?
  }

  private struct ManagedScaling: Codable, Sendable {
    var clusterId: String?
    var managedScalingPolicy: EMR.ManagedScalingPolicy?
  }

  package func putAutoTerminationPolicy(
    _ cluster: String, _ policy: EMR.AutoTerminationPolicy
  ) async throws(AWSError) {
    try await call(
      "PutAutoTerminationPolicy", AutoTermination(clusterId: cluster, autoTerminationPolicy: policy))
  }

  /// - Returns: nil when the cluster has none.
  package func getAutoTerminationPolicy(_ cluster: String) async throws(AWSError) -> EMR.AutoTerminationPolicy? {
    struct Output: Decodable, Sendable {
      struct Policy: Decodable, Sendable {
        var idleTimeout: Int?
      }
      var autoTerminationPolicy: Policy?
    }
    let output: Output = try await call("GetAutoTerminationPolicy", ClusterInput(clusterId: cluster))
    return output.autoTerminationPolicy?.idleTimeout.map { EMR.AutoTerminationPolicy(idleTimeout: $0) }
  }

  package func removeAutoTerminationPolicy(_ cluster: String) async throws(AWSError) {
    try await call("RemoveAutoTerminationPolicy", ClusterInput(clusterId: cluster))
  }

  package func putManagedScalingPolicy(
    _ cluster: String, _ policy: EMR.ManagedScalingPolicy
  ) async throws(AWSError) {
    try await call("PutManagedScalingPolicy", ManagedScaling(clusterId: cluster, managedScalingPolicy: policy))
  }

  /// - Returns: nil when the cluster has none.
  package func getManagedScalingPolicy(_ cluster: String) async throws(AWSError) -> EMR.ManagedScalingPolicy? {
    let output: ManagedScaling = try await call("GetManagedScalingPolicy", ClusterInput(clusterId: cluster))
    // AWS answers with an empty policy for a cluster without one.
    guard let policy = output.managedScalingPolicy, policy.computeLimits != nil else { return nil }
    return policy
  }

  package func removeManagedScalingPolicy(_ cluster: String) async throws(AWSError) {
    try await call("RemoveManagedScalingPolicy", ClusterInput(clusterId: cluster))
  }
}
