package import FoundationEssentials

/// Time as this module sees it, so that tests of retries, waiters and expiry take none.
package protocol AWSClock: Sendable {
  /// Wall clock: signatures and expiry.
  var now: Date { get }
  /// Monotonic: deadlines and measurements.
  var uptime: Duration { get }
  func sleep(for duration: Duration) async throws(CancellationError)
}

package struct SystemClock: AWSClock {
  private static let start = ContinuousClock.now

  package init() {}

  package var now: Date { Date() }
  package var uptime: Duration { ContinuousClock.now - Self.start }

  package func sleep(for duration: Duration) async throws(CancellationError) {
    do {
      try await Task.sleep(for: duration)
    } catch {
      throw CancellationError()
    }
  }
}

extension Duration {
  /// Seconds as a floating-point number, for arithmetic with dates and jitter.
  package var seconds: Double {
    let (whole, atto) = components
    return Double(whole) + Double(atto) / 1e18
  }

  package var milliseconds: Double { seconds * 1000 }
}
