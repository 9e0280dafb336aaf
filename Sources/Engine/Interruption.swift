import Synchronization

/// Set once by the first Ctrl-C: nothing new is started, what is under way finishes (invariant 8).
package final class Interruption: Sendable {
  private let flag = Atomic<Bool>(false)

  package init() {}

  package func interrupt() {
    flag.store(true, ordering: .releasing)
  }

  package var isInterrupted: Bool {
    flag.load(ordering: .acquiring)
  }
}
