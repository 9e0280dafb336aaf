extension EMRClient {
  /// Adds up to 256 steps to a cluster that is not shutting down. Never sent twice: after an error with
  /// `outcomeUnknown` look for the steps by name before trying again.
  /// - Returns: the steps' ids, in order.
  package func addJobFlowSteps(
    _ cluster: String, steps: [EMR.StepConfig], executionRoleArn: String? = nil
  ) async throws(AWSError) -> [String] {
    struct Input: Encodable, Sendable {
      var jobFlowId: String
      var steps: [EMR.StepConfig]
      var executionRoleArn: String?
    }
    struct Output: Decodable, Sendable {
      var stepIds: [String]
    }
    let input = Input(jobFlowId: cluster, steps: steps, executionRoleArn: executionRoleArn)
    let output: Output = try await call("AddJobFlowSteps", input, resend: .never)
    return output.stepIds
  }

  /// - Returns: nil when there is no such step or cluster.
  package func describeStep(cluster: String, step: String) async throws(AWSError) -> EMR.StepSummary? {
    struct Input: Encodable, Sendable {
      var clusterId: String
      var stepId: String
    }
    struct Output: Decodable, Sendable {
      var step: EMR.StepSummary?
    }
    do throws(AWSError) {
      let output: Output = try await call("DescribeStep", Input(clusterId: cluster, stepId: step))
      return output.step
    } catch {
      if Self.isUnknownID(error) { return nil }
      throw error
    }
  }

  /// Steps of all pages, newest first.
  /// - Parameters:
  ///   - ids: only these; asked for ten at a time, as AWS demands. Empty for all.
  ///   - states: only steps in these; AWS refuses them together with ids. Empty for all.
  package func listSteps(
    _ cluster: String, ids: [String] = [], states: [EMR.StepState] = []
  ) async throws(AWSError) -> [EMR.StepSummary] {
    struct Input: Encodable, Sendable {
      var clusterId: String
      var stepIds: [String]?
      var stepStates: [EMR.StepState]?
      var marker: String?
    }
    struct Output: Decodable, Sendable {
      var steps: [EMR.StepSummary]?
      var marker: String?
    }
    let states = states.isEmpty ? nil : states
    var found: [EMR.StepSummary] = []
    for chunk in ids.isEmpty ? [nil] : ids.chunks(of: 10).map(Optional.some) {
      found += try await allPages(.emr, "ListSteps") { marker throws(AWSError) in
        let input = Input(clusterId: cluster, stepIds: chunk, stepStates: states, marker: marker)
        let output: Output = try await call("ListSteps", input)
        return (output.steps ?? [], output.marker)
      }
    }
    return found
  }

  /// Asks for the end of steps; it comes later and does not trigger their `actionOnFailure`.
  /// - Parameter kill: SIGKILL instead of SIGTERM for running ones.
  package func cancelSteps(
    _ cluster: String, ids: [String], kill: Bool = false
  ) async throws(AWSError) -> [EMR.CancelStepsInfo] {
    struct Input: Encodable, Sendable {
      var clusterId: String
      var stepIds: [String]
      var stepCancellationOption: String
    }
    struct Output: Decodable, Sendable {
      var cancelStepsInfoList: [EMR.CancelStepsInfo]?
    }
    guard !ids.isEmpty else { return [] }
    let option = kill ? "TERMINATE_PROCESS" : "SEND_INTERRUPT"
    let input = Input(clusterId: cluster, stepIds: ids, stepCancellationOption: option)
    let output: Output = try await call("CancelSteps", input)
    return output.cancelStepsInfoList ?? []
  }
}
