package import Model

/// What the engine tells a watching user while it works. Called from many tasks; must not block.
package enum Event: Sendable, Hashable {
  /// This many resources are about to be read.
  case reading(total: Int)
  case read(Address, done: Int, total: Int)
  case started(Address, Action)
  /// What is awaited now, in AWS's words, e.g. `BOOTSTRAPPING`.
  case progress(Address, Action, String, elapsed: Duration)
  case finished(Address, Action, id: String?, elapsed: Duration)
  case failed(Address, Action, Diagnostic, elapsed: Duration)
  /// Not begun because something it depends on was not done.
  case skipped(Address, Action, because: Address)
  /// The lock is held; it is being watched.
  case waitingForLock(LockRecord)
}

package typealias EventHandler = @Sendable (Event) -> Void
