import Synchronization

/// The process is gone: nothing that is thrown after it has any effect.
package struct Killed: Error {
  package init() {}
}

/// Stops a simulated process at the k-th point at which it touches the world. Each call to a fake has two points:
/// before it has its effect, and after it, when the answer never arrives.
package final class Killer: Sendable {
  private struct Count {
    var points = 0
    var isDead = false
  }

  private let at: Int?
  private let count = Mutex(Count())

  /// - Parameter at: Counts from 1; nil never kills and only counts.
  package init(at: Int? = nil) {
    self.at = at
  }

  package func point() throws {
    try count.withLock { count in
      if count.isDead { throw Killed() }
      count.points += 1
      if count.points == at {
        count.isDead = true
        throw Killed()
      }
    }
  }

  package var points: Int { count.withLock { $0.points } }
  package var isDead: Bool { count.withLock { $0.isDead } }
}
