package import Model

/// What will be done, resource by resource, and why. Complete in itself: it can be written to a file, and
/// applied from there, as long as the state is the one it was made from.
package struct Plan: Sendable, Hashable, Codable {
  package enum Mode: String, Sendable, Hashable, Codable {
    case up
    case destroy
    /// Takes over into the state what AWS says, and changes nothing in AWS.
    case refreshOnly
  }

  package var stack: String
  package var mode: Mode
  /// Of the state it was made from; nil when there was none.
  package var lineage: String?
  package var serial: Int?
  /// In dependency order; what is no longer declared comes last, dependents first.
  package var changes: [ResourceChange]
  /// Variables that the inputs refer to, by the reference's text, so that applying needs nothing else.
  package var variables: [String: PlannedValue]
  /// Errors make `Applier` refuse; warnings are for reading.
  package var diagnostics: [Diagnostic]

  package init(
    stack: String, mode: Mode, lineage: String?, serial: Int?, changes: [ResourceChange],
    variables: [String: PlannedValue] = [:], diagnostics: [Diagnostic] = []
  ) {
    self.stack = stack
    self.mode = mode
    self.lineage = lineage
    self.serial = serial
    self.changes = changes
    self.variables = variables
    self.diagnostics = diagnostics
  }

  package func change(_ address: Address) -> ResourceChange? {
    changes.first { $0.address == address }
  }

  /// True when applying would change something in AWS, or forget or take over something in the state.
  package var hasChanges: Bool {
    changes.contains { $0.action.isChange } || (mode == .refreshOnly && changes.contains { !$0.drift.isEmpty })
  }

  /// True when something was changed outside.
  package var hasDrift: Bool { changes.contains { !$0.drift.isEmpty } }

  /// Those whose data would be lost; `Applier` wants each of them named.
  package var needingConsent: [Address] { changes.filter(\.needsConsent).map(\.address) }

  package var errors: [Diagnostic] { diagnostics.filter { $0.severity == .error } }
}

package enum Action: String, Sendable, Hashable, Codable, CaseIterable {
  case create
  case update
  case replace
  case delete
  /// Nothing to do in AWS.
  case noChange
  /// An unfinished create turned out to have made it: taken over, and brought to the desired form.
  case adopt
  /// Stays as it is although it would otherwise go.
  case keep
  /// Gone in AWS and no longer wanted: only the record goes.
  case forget

  package var isChange: Bool { self != .noChange && self != .keep }
  var isDestroying: Bool { self == .delete || self == .replace }
}

package struct AttributeChange: Sendable, Hashable, Codable {
  package var path: [String]
  /// Nil for absent; `.unknown` for "(known after apply)".
  @PlannedOptional package var old: Value?
  @PlannedOptional package var new: Value?
  package var forcesReplacement: Bool

  package init(path: [String], old: Value?, new: Value?, forcesReplacement: Bool = false) {
    self.path = path
    self.old = old
    self.new = new
    self.forcesReplacement = forcesReplacement
  }

  /// `lifecycle.0.prefix`
  package var name: String { path.joined(separator: ".") }
}

package struct ResourceChange: Sendable, Hashable, Codable {
  package var address: Address
  package var action: Action
  /// Of what exists now.
  package var id: String?
  /// Between what AWS has and what is wanted. For a create: everything that the user wrote.
  package var attributes: [AttributeChange]
  /// Between what the state recorded and what AWS has: changed outside.
  package var drift: [AttributeChange]
  /// One sentence without a full stop, where the action does not explain itself.
  package var reason: String?
  /// Data that nothing can bring back would be lost.
  package var needsConsent: Bool
  /// For a replace: false when the old instance has ended by itself and nothing need be deleted.
  package var deleteFirst: Bool

  /// Inputs as written, with references; nil when it is not declared.
  package var inputs: Value?
  /// Inputs with references filled in, as far as they are known.
  @PlannedOptional package var desired: Value?
  /// The same in canonical form; nil as long as something in it is not known.
  @PlannedOptional package var canonical: Value?
  /// What AWS said while planning.
  package var observed: Observation?
  package var dependsOn: [Address]
  package var keep: Bool
  package var protect: Bool

  package init(
    address: Address, action: Action, id: String? = nil, attributes: [AttributeChange] = [],
    drift: [AttributeChange] = [], reason: String? = nil, needsConsent: Bool = false, deleteFirst: Bool = true,
    inputs: Value? = nil, desired: Value? = nil, canonical: Value? = nil, observed: Observation? = nil,
    dependsOn: [Address] = [], keep: Bool = false, protect: Bool = false
  ) {
    self.address = address
    self.action = action
    self.id = id
    self.attributes = attributes
    self.drift = drift
    self.reason = reason
    self.needsConsent = needsConsent
    self.deleteFirst = deleteFirst
    self.inputs = inputs
    self.desired = desired
    self.canonical = canonical
    self.observed = observed
    self.dependsOn = dependsOn
    self.keep = keep
    self.protect = protect
  }
}
