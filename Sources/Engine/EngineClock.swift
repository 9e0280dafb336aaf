package import FoundationEssentials

/// Time as the engine needs it; tests bring their own.
package protocol EngineClock: Sendable {
  /// Of the calendar: for records that people read, never for decisions.
  var now: Date { get }
  /// Never set back, and running while the machine sleeps.
  var uptime: Duration { get }
  func sleep(for duration: Duration) async throws
}

package struct SystemEngineClock: EngineClock {
  private static let start = ContinuousClock.now

  package init() {}

  package var now: Date { Date() }
  package var uptime: Duration { ContinuousClock.now - SystemEngineClock.start }
  package func sleep(for duration: Duration) async throws {
    try await Task.sleep(for: duration)
  }
}
