import FoundationEssentials

/// Marks of one create, one lock: random, never the same twice.
package enum Token {
  @Sendable package static func make() -> String {
    UUID().uuidString.lowercased()
  }
}
