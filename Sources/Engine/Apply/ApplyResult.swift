package import Model

package struct ApplyResult: Sendable, Hashable {
  package struct Done: Sendable, Hashable {
    package var address: Address
    package var action: Action
    package var id: String?

    package init(address: Address, action: Action, id: String?) {
      self.address = address
      self.action = action
      self.id = id
    }
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
  /// Begun, and left to AWS by an interrupt: a cluster on its way up or down. The next command goes on with it.
  package var underway: [Done] = []
  /// Why nothing new was started: the state cannot be saved, or the lock was lost.
  package var stopped: Diagnostic?

  package init() {}

  /// Everything in the plan was done, and the state says so.
  package var isComplete: Bool {
    failed.isEmpty && skipped.isEmpty && unstarted.isEmpty && underway.isEmpty && stopped == nil
  }
}
