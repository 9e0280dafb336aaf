import Model

/// Finds out what must be done to make AWS what the stack declares. Writes nothing, anywhere.
package struct Planner: Sendable {
  private let environment: EngineEnvironment
  private let options: PlanOptions

  package init(_ environment: EngineEnvironment, options: PlanOptions = PlanOptions()) {
    self.environment = environment
    self.options = options
  }

  /// - Parameters:
  ///   - graph: What is declared. For a destroy it only tells what is protected or kept; `.empty` will do.
  ///   - state: Nil when nothing was ever saved.
  /// - Throws: `Diagnostics` with everything that stands in the way of a plan; `CancellationError` after an
  ///   interrupt. What forbids only the applying is in the plan's own diagnostics.
  package func plan(_ graph: Graph, state: State?) async throws -> Plan {
    let scope = try PlanScope(graph, state: state, options: options)
    let refresher = Refresher(environment: environment, refresh: options.refresh)
    let readings = try await refresher.read(scope.recordsToRead)

    var draft = PlanDraft(environment: environment, options: options, scope: scope, readings: readings)
    switch options.mode {
    case .up:
      for address in scope.declared { draft.planDeclared(address) }
      for address in scope.leaving { draft.planLeaving(address) }
    case .destroy:
      for address in scope.leaving { draft.planLeaving(address) }
    case .refreshOnly:
      for address in scope.declared + scope.leaving { draft.planRefresh(address) }
    }
    guard draft.problems.isEmpty else { throw Diagnostics(draft.problems) }
    draft.warnOfRenames()
    return Plan(
      stack: environment.stack, mode: options.mode, lineage: state?.lineage, serial: state?.serial,
      changes: draft.changes, variables: draft.variables.mapValues(PlannedValue.init), diagnostics: draft.diagnostics)
  }
}

/// Which resources a plan is about.
struct PlanScope {
  let graph: Graph
  let records: [Address: StateResource]
  /// In dependency order.
  private(set) var declared: [Address] = []
  /// Recorded, and to go: dependents first.
  private(set) var leaving: [Address] = []
  /// Of those that leave, the ones that stay after all, with the reason.
  private(set) var kept: [Address: String] = [:]

  init(_ graph: Graph, state: State?, options: PlanOptions) throws {
    self.graph = graph
    records = state?.resources ?? [:]
    let recorded = state.map(DependencyMap.init(recorded:)) ?? DependencyMap([:])
    let targets = Set(options.targets)
    try PlanScope.check(
      targets.union(options.replace).union(options.relaunch), graph, records, isDestroy: options.mode == .destroy)

    let undeclared = Set(records.keys).subtracting(graph.declarations.keys)
    if options.mode == .destroy {
      let chosen = targets.isEmpty ? Set(records.keys) : recorded.withDescendants(of: targets)
      leaving = recorded.order.reversed().filter(chosen.contains)
      if !options.purge { findKept(recorded) }
    } else {
      let chosen = targets.isEmpty ? Set(graph.order) : graph.map.withAncestors(of: targets)
      declared = graph.order.filter(chosen.contains)
      let gone = targets.isEmpty ? undeclared : recorded.withDescendants(of: targets).intersection(undeclared)
      leaving = recorded.order.reversed().filter(gone.contains)
      findKept(recorded)
    }
  }

  /// What is marked `keep`, and whatever that needs.
  private mutating func findKept(_ recorded: DependencyMap) {
    for address in leaving where graph.declarations[address]?.keep ?? records[address]?.keep ?? false {
      kept[address] = "it is marked keep"
      for needed in recorded.withAncestors(of: [address]).sorted() where kept[needed] == nil {
        kept[needed] = "\(address), which is kept, needs it"
      }
    }
  }

  var recordsToRead: [StateResource] {
    (declared + leaving).filter { kept[$0] == nil }.compactMap { records[$0] }
  }

  private static func check(
    _ named: Set<Address>, _ graph: Graph, _ records: [Address: StateResource], isDestroy: Bool
  ) throws {
    let known = Set(records.keys).union(isDestroy ? [] : Set(graph.declarations.keys))
    let problems = named.subtracting(known).sorted().map { address in
      let nearest = Suggestion.nearest(to: address.description, among: known.map(\.description))
      return Diagnostic(
        "There is no \(address)", detail: "Neither the stack file nor the state has it.",
        remedy: nearest.map { "Did you mean \($0)?" } ?? "See `mrhealth state list`.")
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
  }
}
