/// What a watching user is told of a run while it goes on.
package enum RunEvent: Sendable {
  /// Bytes of the input data.
  case uploading(done: Int, total: Int)
  case uploaded(RunRecord.Upload)
  /// What is awaited before the steps can be submitted.
  case cluster(String)
  case clusterReady(id: String)
  case submitted(steps: [RunRecord.Step])
  case step(RunRecord.Step)
  case awaitingLogs(step: String)
  case notified(topic: String)
  /// The run's outcome stands, but its mail could not be sent.
  case notificationFailed(String)
}
