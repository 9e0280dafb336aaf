extension AWSClock {
  /// Asks at once, then after pauses that grow from a quarter of a second to `longest`: a thing that is
  /// ready immediately costs one call, one that takes an hour stays inside EMR's rate of one
  /// DescribeCluster a second (https://docs.aws.amazon.com/general/latest/gr/emr.html).
  ///
  /// - Returns: the first answer that is not nil; nil when `limit` is over.
  /// - Throws: what `ask` throws; `CancellationError`.
  package func poll<Result>(
    upTo limit: Duration, longest: Duration = .seconds(15), _ ask: () async throws -> Result?
  ) async throws -> Result? {
    let deadline = uptime + limit
    var pause = Duration.milliseconds(250)
    while true {
      if let result = try await ask() { return result }
      guard uptime + pause < deadline else { return nil }
      try await sleep(for: pause)
      pause = min(pause * 1.5, longest)
    }
  }
}
