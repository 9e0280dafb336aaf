package import FoundationEssentials

/// Amazon EMR's clusters. Steps, policies and instances are in the extensions.
///
/// EMR allows few calls: DescribeCluster refills at one a second for account and region, ListSteps and
/// DescribeStep at one every two. Poll every 15-30 s.
package struct EMRClient: Sendable {
  let client: AWSClient

  package init(_ client: AWSClient) {
    self.client = client
  }

  func call<Input: Encodable & Sendable, Output: Decodable & Sendable>(
    _ operation: String, _ input: Input, as type: Output.Type = Output.self, resend: AWSRequest.Resend = .safe
  ) async throws(AWSError) -> Output {
    try await client.json(.emr, operation, input, as: type, resend: resend)
  }

  /// For operations that answer with nothing of use.
  func call<Input: Encodable & Sendable>(_ operation: String, _ input: Input) async throws(AWSError) {
    _ = try await client.json(.emr, operation, input, as: NoOutput.self, resend: .safe)
  }

  struct NoOutput: Decodable, Sendable {
    init(from decoder: any Decoder) throws {}
  }

  struct ClusterInput: Encodable, Sendable {
    var clusterId: String
  }

  struct ClusterPageInput: Encodable, Sendable {
    var clusterId: String
    var marker: String?
  }

  /// Launches a cluster. Never sent twice: EMR has no idempotency token. After an error with
  /// `outcomeUnknown` look for the cluster by name and tag before trying again.
  ///
  /// A profile or role made seconds ago is refused for up to a minute or two; see `isPropagationDelay`.
  package func runJobFlow(
    _ input: EMR.RunJobFlowInput
  ) async throws(AWSError) -> (clusterID: String, arn: String?) {
    struct Output: Decodable, Sendable {
      var jobFlowId: String
      var clusterArn: String?
    }
    let output: Output = try await call("RunJobFlow", input, resend: .never)
    return (output.jobFlowId, output.clusterArn)
  }

  /// True of the two answers that RunJobFlow gives while IAM spreads a new instance profile: "Invalid
  /// InstanceProfile: ..." and "Failed to authorize instance profile ..."
  /// [terraform-provider-aws, internal/service/emr/cluster.go].
  package static func isPropagationDelay(_ error: AWSError) -> Bool {
    switch error.code {
    case "ValidationException": error.message.contains("Invalid InstanceProfile")
    case "AccessDeniedException": error.message.contains("Failed to authorize instance profile")
    default: false
    }
  }

  /// True of EMR's answer for an unknown id: "Cluster id 'j-...' is not valid." and its like for steps.
  static func isUnknownID(_ error: AWSError) -> Bool {
    error.code == "InvalidRequestException" && error.message.contains("is not valid")
  }

  /// - Returns: nil when there is no such cluster. EMR forgets clusters two months after their end.
  package func describeCluster(_ id: String) async throws(AWSError) -> EMR.Cluster? {
    struct Output: Decodable, Sendable {
      var cluster: EMR.Cluster?
    }
    do throws(AWSError) {
      let output: Output = try await call("DescribeCluster", ClusterInput(clusterId: id))
      return output.cluster
    } catch {
      if Self.isUnknownID(error) { return nil }
      throw error
    }
  }

  /// Clusters, newest first, of all pages (50 each).
  /// - Parameter states: empty for all.
  package func listClusters(
    createdAfter: Date? = nil, createdBefore: Date? = nil, states: [EMR.ClusterState] = []
  ) async throws(AWSError) -> [EMR.ClusterSummary] {
    struct Input: Encodable, Sendable {
      var createdAfter: Date?
      var createdBefore: Date?
      var clusterStates: [EMR.ClusterState]?
      var marker: String?
    }
    struct Output: Decodable, Sendable {
      var clusters: [EMR.ClusterSummary]?
      var marker: String?
    }
    let states = states.isEmpty ? nil : states
    return try await allPages(.emr, "ListClusters") { marker throws(AWSError) in
      let input = Input(
        createdAfter: createdAfter, createdBefore: createdBefore, clusterStates: states, marker: marker)
      let output: Output = try await call("ListClusters", input)
      return (output.clusters ?? [], output.marker)
    }
  }

  /// Asks for the end of clusters, ten a call; they take minutes to end. Unknown ids are an error.
  package func terminateJobFlows(_ ids: [String]) async throws(AWSError) {
    struct Input: Encodable, Sendable {
      var jobFlowIds: [String]
    }
    for chunk in ids.chunks(of: 10) {
      try await call("TerminateJobFlows", Input(jobFlowIds: chunk))
    }
  }

  package func setTerminationProtection(_ protected: Bool, clusters ids: [String]) async throws(AWSError) {
    struct Input: Encodable, Sendable {
      var jobFlowIds: [String]
      var terminationProtected: Bool
    }
    try await call("SetTerminationProtection", Input(jobFlowIds: ids, terminationProtected: protected))
  }

  /// Decides whether a cluster ends with its last step.
  package func setKeepJobFlowAliveWhenNoSteps(_ keep: Bool, clusters ids: [String]) async throws(AWSError) {
    struct Input: Encodable, Sendable {
      var jobFlowIds: [String]
      var keepJobFlowAliveWhenNoSteps: Bool
    }
    try await call(
      "SetKeepJobFlowAliveWhenNoSteps", Input(jobFlowIds: ids, keepJobFlowAliveWhenNoSteps: keep))
  }

  package func modifyCluster(_ id: String, stepConcurrencyLevel: Int) async throws(AWSError) {
    struct Input: Encodable, Sendable {
      var clusterId: String
      var stepConcurrencyLevel: Int
    }
    try await call("ModifyCluster", Input(clusterId: id, stepConcurrencyLevel: stepConcurrencyLevel))
  }

  package func addTags(_ id: String, tags: [String: String]) async throws(AWSError) {
    struct Input: Encodable, Sendable {
      var resourceId: String
      var tags: TagList
    }
    guard !tags.isEmpty else { return }
    try await call("AddTags", Input(resourceId: id, tags: TagList(tags)))
  }

  package func removeTags(_ id: String, keys: [String]) async throws(AWSError) {
    struct Input: Encodable, Sendable {
      var resourceId: String
      var tagKeys: [String]
    }
    guard !keys.isEmpty else { return }
    try await call("RemoveTags", Input(resourceId: id, tagKeys: keys.sorted()))
  }
}
