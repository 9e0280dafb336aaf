package import Model

package struct PlanOptions: Sendable, Hashable {
  package var mode: Plan.Mode
  /// Only these, with what they depend on (`up`) or what depends on them (`destroy`). Empty: everything.
  package var targets: [Address]
  /// False: trust the state instead of reading every resource. Unfinished creates are looked up all the same.
  package var refresh: Bool
  /// To be made anew although nothing differs.
  package var replace: Set<Address>
  /// To be made anew because the old instance has ended by itself, as a cluster does: it is not deleted
  /// first, and neither consent nor `protect` stands in the way.
  package var relaunch: Set<Address>
  /// `destroy --purge`: what is marked `keep` goes as well.
  package var purge: Bool

  package init(
    mode: Plan.Mode = .up, targets: [Address] = [], refresh: Bool = true, replace: Set<Address> = [],
    relaunch: Set<Address> = [], purge: Bool = false
  ) {
    self.mode = mode
    self.targets = targets
    self.refresh = refresh
    self.replace = replace
    self.relaunch = relaunch
    self.purge = purge
  }
}
