internal import FoundationEssentials
package import Model

/// What planning and applying need to know of the world.
package struct EngineEnvironment: Sendable {
  package var stack: String
  package var providers: [String: any ResourceProvider]
  /// Values of `account`, `region`, `stack`, `var.NAME`; nil for one that does not exist.
  package var variables: @Sendable (Reference) -> Value?
  /// Put on whatever is created; the engine adds `mrhealth:address` and, for creates, `mrhealth:token`.
  package var tags: [String: String]
  /// How many provider calls may be under way at once.
  package var width: Int
  package var clock: any EngineClock
  package var events: EventHandler
  package var interruption: Interruption
  /// Makes the token of a create; unique for ever.
  package var makeToken: @Sendable () -> String

  package init(
    stack: String, providers: [any ResourceProvider],
    variables: @escaping @Sendable (Reference) -> Value? = { _ in nil },
    tags: [String: String] = [:], width: Int = 16, clock: any EngineClock = SystemEngineClock(),
    events: @escaping EventHandler = { _ in }, interruption: Interruption = Interruption(),
    makeToken: @escaping @Sendable () -> String = Token.make
  ) {
    self.stack = stack
    self.providers = Dictionary(providers.map { ($0.kind, $0) }, uniquingKeysWith: { _, last in last })
    self.variables = variables
    self.tags = tags
    self.width = max(1, width)
    self.clock = clock
    self.events = events
    self.interruption = interruption
    self.makeToken = makeToken
  }

  package func provider(for address: Address) throws -> any ResourceProvider {
    if let provider = providers[address.kind] { return provider }
    throw Diagnostic(
      "Unknown kind of resource: \(address.kind)",
      detail: "This mrhealth does not manage it; a newer one may have made it.",
      remedy: "Install the newest mrhealth, or stop managing it with `mrhealth state rm \(address)`.", address: address)
  }

  /// - Throws: `Diagnostic` when there is no such variable.
  func variable(_ reference: Reference) throws -> Value {
    if let value = variables(reference) { return value }
    throw Diagnostic(
      "\(reference) has no value", detail: "There is no such variable here.",
      remedy: reference.path.first == "var"
        ? "Give it with --var \(reference.path.dropFirst().joined(separator: "."))=VALUE, or a default in the stack file."
        : "Resources can use ${account}, ${region}, ${stack} and ${var.NAME}.")
  }

  func context(
    for address: Address, token: String = "", begun: Date? = nil,
    progress: @escaping @Sendable (String) -> Void = { _ in },
    created: @escaping @Sendable (String) async throws -> Void = { _ in }
  ) -> ResourceContext {
    var tags = self.tags
    tags["mrhealth:stack"] = stack
    tags["mrhealth:address"] = address.description
    if !token.isEmpty { tags["mrhealth:token"] = token }
    // By the calendar, since another machine may have begun it: never less than nothing.
    let age = begun.map { Duration.seconds(max(0, clock.now.timeIntervalSince($0))) }
    return ResourceContext(
      address: address, tags: tags, token: token, age: age,
      isInterrupted: { [interruption] in interruption.isInterrupted }, progress: progress, created: created)
  }
}
