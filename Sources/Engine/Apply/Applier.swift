package import Model

/// Makes a plan come true.
///
/// Each resource starts as soon as what it depends on is done. A failure stops its dependents and nothing else.
/// Before anything is created, the store holds the intent (invariant 1).
package struct Applier: Sendable {
  private let environment: EngineEnvironment
  private let journal: Journal
  private let consented: Set<Address>
  private let stillHeld: @Sendable () async throws -> Void

  /// - Parameters:
  ///   - consented: Resources whose data may be lost.
  ///   - stillHeld: Asked before each start; throws when the lock is lost. `LeaseLock.confirm`.
  package init(
    _ environment: EngineEnvironment, journal: Journal, consented: Set<Address> = [],
    stillHeld: @escaping @Sendable () async throws -> Void = {}
  ) {
    self.environment = environment
    self.journal = journal
    self.consented = consented
    self.stillHeld = stillHeld
  }

  /// Never throws once something was begun: the result tells.
  /// - Throws: `Diagnostics` when it refuses to begin.
  package func apply(_ plan: Plan) async throws -> ApplyResult {
    let problems = try await refusals(plan)
    guard problems.isEmpty else { throw Diagnostics(problems) }
    var run = ApplyRun(
      environment: environment, journal: journal, plan: plan, state: await journal.state, stillHeld: stillHeld)
    return await run.run()
  }

  private func refusals(_ plan: Plan) async throws -> [Diagnostic] {
    guard plan.stack == environment.stack else {
      return [
        Diagnostic(
          "The plan is of another stack",
          detail: "It was made for \"\(plan.stack)\"; this is \"\(environment.stack)\".", remedy: "Make a new plan.")
      ]
    }
    let stored = await journal.storedState
    guard plan.lineage == stored?.lineage, plan.serial == stored?.serial else {
      let made = plan.serial.map { "serial \($0)" } ?? "no state"
      let found = stored.map { "serial \($0.serial)" } ?? "no state"
      return [
        Diagnostic(
          "The plan is out of date", detail: "It was made from \(made); meanwhile there is \(found).",
          remedy: "Make a new plan with `mrhealth plan`.")
      ]
    }
    var problems = plan.errors
    for change in plan.changes where change.needsConsent && !consented.contains(change.address) {
      let verb = change.action == .replace ? "Replacing" : "Deleting"
      problems.append(
        Diagnostic(
          "\(verb) \(change.address) would lose its data", detail: change.reason ?? "",
          remedy: "Agree to it when asked, or leave it out with --target.", address: change.address))
    }
    return problems
  }
}
