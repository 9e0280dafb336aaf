import Model

/// One thing to do for one resource. A replacement is two: the old goes, then the new is made.
struct Operation: Sendable, Hashable {
  enum Phase: Sendable, Hashable {
    case destroy
    case make
  }

  var address: Address
  var phase: Phase
}

/// Which operation waits for which.
///
/// - Making waits for the making of what the inputs refer to, and for the going of the old.
/// - Going waits for the going of whatever, as recorded, depends on it.
/// - What only goes also waits for those to be updated that depended on it and no longer do, as long as that
///   closes no circle.
struct ApplyGraph {
  /// In the order of the plan: what to prefer when several could start.
  private(set) var operations: [Operation] = []
  private(set) var waitsFor: [Operation: Set<Operation>] = [:]
  private(set) var unlocks: [Operation: Set<Operation>] = [:]

  init(_ plan: Plan, state: State) {
    let changes = plan.changes.filter { $0.action != .keep }
    let recorded = DependencyMap(recorded: state)
    for change in changes {
      for phase in ApplyGraph.phases(change) {
        let operation = Operation(address: change.address, phase: phase)
        operations.append(operation)
        waitsFor[operation] = []
      }
    }
    for change in changes {
      let make = Operation(address: change.address, phase: .make)
      let destroy = Operation(address: change.address, phase: .destroy)
      if waitsFor[make] != nil {
        for dependency in change.dependsOn { link(make, after: Operation(address: dependency, phase: .make)) }
        link(make, after: destroy)
      }
      for dependent in recorded.dependents[change.address] ?? [] {
        link(destroy, after: Operation(address: dependent, phase: .destroy))
      }
    }
    for change in changes where change.action == .delete {
      let destroy = Operation(address: change.address, phase: .destroy)
      for dependent in (recorded.dependents[change.address] ?? []).sorted() {
        let update = Operation(address: dependent, phase: .make)
        guard waitsFor[update] != nil, !needs(update, destroy) else { continue }
        link(destroy, after: update)
      }
    }
  }

  private static func phases(_ change: ResourceChange) -> [Operation.Phase] {
    switch change.action {
    case .create, .update, .adopt, .noChange: [.make]
    case .replace: change.deleteFirst ? [.destroy, .make] : [.make]
    case .delete, .forget: [.destroy]
    case .keep: []
    }
  }

  private mutating func link(_ later: Operation, after earlier: Operation) {
    guard waitsFor[later] != nil, waitsFor[earlier] != nil else { return }
    waitsFor[later]?.insert(earlier)
    unlocks[earlier, default: []].insert(later)
  }

  /// True when `operation` waits for `other`, directly or through others.
  private func needs(_ operation: Operation, _ other: Operation) -> Bool {
    var seen: Set<Operation> = [operation]
    var open = [operation]
    while let current = open.popLast() {
      if current == other { return true }
      for next in waitsFor[current] ?? [] where seen.insert(next).inserted { open.append(next) }
    }
    return false
  }

  /// Everything that cannot be done when this is not done.
  func blocked(by operation: Operation) -> Set<Operation> {
    var seen: Set<Operation> = []
    var open = [operation]
    while let current = open.popLast() {
      for next in unlocks[current] ?? [] where seen.insert(next).inserted { open.append(next) }
    }
    return seen
  }
}
