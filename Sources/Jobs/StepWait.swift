internal import AWS
internal import FoundationEssentials

/// Follows a run's steps to their end: one ListSteps for all of them, and a look at the cluster only
/// when it may have ended under them.
struct StepWait {
  /// Between two looks, once the steps have run for a while; EMR allows half a ListSteps a second for
  /// the whole account (AWS.md 3.5).
  static let longest = Duration.seconds(20)

  let emr: EMRClient
  let clock: any AWSClock

  struct Ending: Sendable {
    var steps: [EMR.StepSummary]
    /// Set when the cluster ended before the steps did.
    var cluster: EMR.Cluster?
  }

  /// - Parameter report: called with every new set of states.
  func wait(
    for ids: [String], on cluster: String, report: ([EMR.StepSummary]) async throws -> Void
  ) async throws -> Ending {
    var pause = Duration.milliseconds(500)
    var last: [EMR.StepState] = []
    while true {
      let listed = try await emr.listSteps(cluster, ids: ids)
      let steps = ids.compactMap { id in listed.first { $0.id == id } }
      let states = steps.map(\.state)
      if states != last {
        try await report(steps)
        last = states
        pause = .milliseconds(500)
      }
      if steps.count == ids.count, states.allSatisfy(\.isTerminal) { return Ending(steps: steps) }
      // A failed step with TERMINATE_CLUSTER, a lost node or a person ends the cluster; its open steps
      // become CANCELLED only some time later.
      if let description = try await emr.describeCluster(cluster), description.state.isTerminal {
        let final = try await emr.listSteps(cluster, ids: ids)
        let ended = ids.compactMap { id in final.first { $0.id == id } }
        if ended.allSatisfy(\.state.isTerminal) { try await report(ended) }
        return Ending(steps: ended, cluster: description)
      }
      try await clock.sleep(for: pause)
      pause = min(pause * 1.3, Self.longest)
    }
  }
}
