/// Asks again and again until something is so: backoff with jitter up to a cap, until a deadline.
package struct Waiter: Sendable {
  /// What one look found.
  package enum State<Value: Sendable>: Sendable {
    case done(Value)
    /// Not yet; the text says what it is now, for the error when time runs out.
    case pending(String)
  }

  /// Before the second look.
  package var delay: Duration
  package var maxDelay: Duration
  /// Each delay is the last one times this.
  package var backoff: Double
  /// A delay d becomes a random one in d·(1-jitter) ... d·(1+jitter).
  package var jitter: Double
  /// For the whole wait, counted from its start.
  package var deadline: Duration
  package var clock: any AWSClock
  /// Numbers in 0..<1.
  package var random: @Sendable () -> Double

  package init(
    delay: Duration, maxDelay: Duration? = nil, backoff: Double = 1.5, jitter: Double = 0.2, deadline: Duration,
    clock: any AWSClock = SystemClock(), random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
  ) {
    self.delay = delay
    self.maxDelay = maxDelay ?? delay
    self.backoff = backoff
    self.jitter = jitter
    self.deadline = deadline
    self.clock = clock
    self.random = random
  }

  /// Looks at once, then after each delay. The look decides what ends the wait badly, by throwing.
  ///
  /// - Throws: what `check` throws; `Client.WaitTimeout`; `Client.Cancelled`.
  package func wait<Value: Sendable>(
    for what: String, _ check: () async throws(AWSError) -> State<Value>
  ) async throws(AWSError) -> Value {
    let start = clock.uptime
    var next = delay
    while true {
      let seen: String
      switch try await check() {
      case .done(let value): return value
      case .pending(let text): seen = text
      }
      let left = deadline - (clock.uptime - start)
      guard left > .zero else {
        throw AWSError(
          code: ClientCode.waitTimeout,
          message: "waited \(Int(deadline.seconds)) s for \(what)" + (seen.isEmpty ? "" : "; it is still \(seen)"))
      }
      let spread = 1 + jitter * (2 * random() - 1)
      do {
        try await clock.sleep(for: min(left, next * spread))
      } catch {
        throw AWSError(code: ClientCode.cancelled, message: "stopped while waiting for \(what)")
      }
      next = min(maxDelay, next * backoff)
    }
  }
}
