extension AWSClock {
  /// Asks at once, then after pauses that grow from a quarter of a second to `longest`: a thing that is
  /// ready immediately costs one call, one that takes an hour stays inside EMR's rate of one
  /// DescribeCluster a second (https://docs.aws.amazon.com/general/latest/gr/emr.html).
  ///
  /// - Parameter isStopped: looked at every quarter of a second.
  /// - Returns: the first answer that is not nil; nil when `limit` is over.
  /// - Throws: what `ask` throws; `CancellationError`, also when stopped.
  package func poll<Result>(
    upTo limit: Duration, longest: Duration = .seconds(15), isStopped: (() -> Bool)? = nil,
    _ ask: () async throws -> Result?
  ) async throws -> Result? {
    let deadline = uptime + limit
    var pause = Duration.milliseconds(250)
    while true {
      if let result = try await ask() { return result }
      guard uptime + pause < deadline else { return nil }
      try await sleep(for: pause, isStopped: isStopped)
      pause = min(pause * 1.5, longest)
    }
  }

  /// - Throws: `CancellationError`, also when stopped.
  package func sleep(for duration: Duration, isStopped: (() -> Bool)?) async throws {
    guard let isStopped else { return try await sleep(for: duration) }
    var left = duration
    while left > .zero {
      if isStopped() { throw CancellationError() }
      let step = min(left, .milliseconds(250))
      try await sleep(for: step)
      left -= step
    }
  }
}
