package import Model

package struct ApplyResult: Sendable, Hashable {
  package struct Done: Sendable, Hashable {
    package var address: Address
    package var action: Action
    package var id: String?
  }

  package struct Failure: Sendable, Hashable {
    package var address: Address
    package var action: Action
    package var diagnostic: Diagnostic
  }

  /// What was changed in AWS, or taken over or forgotten, in the order of finishing.
  package var done: [Done] = []
  package var failed: [Failure] = []
  /// Not begun because something that they depend on failed.
  package var skipped: [Address] = []
  /// Not begun because of an interrupt, or because the state or the lock was lost.
  package var unstarted: [Address] = []
  package var interrupted = false
  /// Why nothing new was started: the state cannot be saved, or the lock was lost.
  package var stopped: Diagnostic?

  package init() {}

  /// Everything in the plan was done, and the state says so.
  package var isComplete: Bool {
    failed.isEmpty && skipped.isEmpty && unstarted.isEmpty && stopped == nil
  }
}
