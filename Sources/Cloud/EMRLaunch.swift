internal import AWS
internal import Engine
internal import Model

/// One launch of a cluster: waits through IAM's eventual consistency, and settles lost answers by looking.
struct EMRLaunch {
  /// EMR refuses a fresh instance profile for a while; Terraform waits as long for it
  /// (terraform-provider-aws, internal/service/emr/cluster.go: propagationTimeout).
  static let propagation = Duration.seconds(120)
  /// ListClusters shows a new cluster within seconds.
  static let lookup = Duration.seconds(15)

  let emr: EMRClient
  let clock: any AWSClock
  /// Looks for a cluster with this launch's token.
  let find: () async throws -> String?

  /// - Returns: the cluster's id.
  /// - Throws: also `CancellationError` after an interrupt, between two calls.
  func start(_ input: EMR.RunJobFlowInput, context: ResourceContext) async throws -> String {
    let deadline = clock.uptime + Self.propagation
    var pause = Duration.seconds(1)
    var lostAnswers = 0
    while true {
      let failure: AWSError
      do throws(AWSError) {
        return try await emr.runJobFlow(input).clusterID
      } catch {
        failure = error
      }
      if EMRClient.isPropagationDelay(failure), clock.uptime + pause < deadline {
        context.progress("waiting for IAM to know the instance profile")
        try await clock.sleep(for: pause, isStopped: context.isInterrupted)
        pause = min(pause * 2, .seconds(10))
      } else if failure.outcomeUnknown, lostAnswers < 3 {
        context.progress("the answer was lost: looking for the cluster")
        if let id = try await clock.poll(upTo: Self.lookup, find) { return id }
        lostAnswers += 1
      } else {
        throw failure
      }
    }
  }
}
