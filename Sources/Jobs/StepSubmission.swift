internal import AWS
internal import Model

/// Submits a run's steps once, whatever happens to the answer.
struct StepSubmission {
  let emr: EMRClient
  let clock: any AWSClock

  /// - Returns: step ids in the order of `configs`.
  /// - Throws: `AWSError`, also when it stays unknown whether the steps were taken.
  func submit(_ configs: [EMR.StepConfig], to cluster: String) async throws -> [String] {
    do throws(AWSError) {
      return try await emr.addJobFlowSteps(cluster, steps: configs)
    } catch {
      guard error.outcomeUnknown else { throw error }
    }
    // AddJobFlowSteps takes all steps or none and has no token: the names, which hold the run's id, tell.
    let names = configs.map(\.name)
    let found = try await clock.poll(upTo: .seconds(15)) { () async throws -> [String]? in
      let steps = try await emr.listSteps(cluster)
      let ids = names.compactMap { name in steps.first { $0.name == name }?.id }
      return ids.count == names.count ? ids : nil
    }
    if let found { return found }
    return try await emr.addJobFlowSteps(cluster, steps: configs)
  }
}
