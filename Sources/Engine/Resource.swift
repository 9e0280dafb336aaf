package import Model

/// A kind of resource as the engine sees it: untyped, so that diffing, ordering, retries, state and
/// printing are written once. `Cloud` makes these from typed kinds.
///
/// Every method may be called concurrently with any other, for other resources.
package protocol ResourceProvider: Sendable {
  /// `s3.bucket`
  var kind: String { get }

  /// Inputs in their canonical form: defaults filled in, documents and sets in one order, so that two
  /// values which mean the same are equal. Inputs have no unknowns.
  /// - Throws: `Diagnostic` when they do not decode or contradict each other.
  func normalize(_ inputs: Value) throws -> Value

  /// The names of top-level inputs whose change from one canonical value to the other cannot be made
  /// in place. Empty: an update does it. While planning, a top-level input of `new` may be, or hold,
  /// `.unknown`: a value that differs.
  func replacementInputs(from old: Value, to new: Value) -> [String]

  /// True when replacing or deleting such a resource loses data that nothing can bring back.
  var holdsData: Bool { get }

  /// What AWS says of the resource now; nil when it is gone. Attributes that the user did not write and
  /// AWS has filled in come back as in `recorded` (canonical inputs last applied), so that server-side
  /// defaults never show as drift.
  func read(_ id: String, recorded: Observation, context: ResourceContext) async throws -> Observation?

  /// Looks for what an unfinished create has made: by deterministic name or by the token's tag.
  /// A resource of that name without this stack's tag is not ours: nil.
  func find(_ inputs: Value, context: ResourceContext) async throws -> String?

  /// Creates. Calls `context.created(id)` as soon as AWS has given the id, before any waiting.
  /// - Throws: `CreateFailure` when it knows what is left behind. Any other error after `context.created` means
  ///   a broken resource, to be replaced; before it, that nobody knows, to be looked up with `find`.
  func create(_ inputs: Value, context: ResourceContext) async throws -> Created

  /// Makes in-place changes; idempotent: an interrupted one is simply repeated. Returns the outputs.
  func update(_ id: String, from old: Value, to new: Value, context: ResourceContext) async throws -> Value

  /// Deletes and waits until it is gone. Already gone is success.
  func delete(_ id: String, recorded: Value, context: ResourceContext) async throws
}

package struct Observation: Sendable, Hashable, Codable {
  /// Canonical inputs as AWS has them.
  package var inputs: Value
  /// What references can name, e.g. `arn`. An object.
  package var outputs: Value

  package init(inputs: Value, outputs: Value) {
    self.inputs = inputs
    self.outputs = outputs
  }
}

package struct Created: Sendable, Hashable {
  package var id: String
  package var outputs: Value

  package init(id: String, outputs: Value) {
    self.id = id
    self.outputs = outputs
  }
}

/// An error of a create that knows what it leaves behind.
package struct CreateFailure: DiagnosticConvertible {
  package enum Remains: Sendable, Hashable {
    /// Nothing was made, for certain: AWS refused. The intent is removed.
    case nothing
    /// Something is, or may be, there and not known to be broken, as when the connection broke while waiting:
    /// the next plan looks and takes it over.
    case unfinished
    /// It is there and cannot be mended: the next plan replaces it.
    case broken
  }

  package var remains: Remains
  package var underlying: any Error

  package init(_ remains: Remains, _ underlying: any Error) {
    self.remains = remains
    self.underlying = underlying
  }

  package var diagnostic: Diagnostic { Diagnostic(wrapping: underlying) }
}

/// What the engine hands to a provider for one call.
package struct ResourceContext: Sendable {
  package var address: Address
  /// The stack's tags and the user's, to be put on whatever is created: `mrhealth:stack`,
  /// `mrhealth:address` and, for a create, `mrhealth:token`.
  package var tags: [String: String]
  /// Of the create in progress (invariant 1); empty for other calls.
  package var token: String
  /// For `find`: how long ago the create was begun whose work is looked for. What AWS has just made it may not show
  /// yet, so a look that finds nothing settles nothing while this is short. Nil: not known, or long.
  package var age: Duration?
  /// True after the first Ctrl-C: what waits for minutes, or goes on call after call, stops by throwing
  /// `CancellationError`; calls under way are let finish (invariant 8).
  package var isInterrupted: @Sendable () -> Bool
  /// Tells a watching user what is awaited, e.g. "BOOTSTRAPPING".
  package var progress: @Sendable (String) -> Void
  /// Stores the id durably; returns when it is in the state store.
  package var created: @Sendable (String) async throws -> Void

  package init(
    address: Address, tags: [String: String], token: String = "", age: Duration? = nil,
    isInterrupted: @escaping @Sendable () -> Bool = { false },
    progress: @escaping @Sendable (String) -> Void = { _ in },
    created: @escaping @Sendable (String) async throws -> Void = { _ in }
  ) {
    self.address = address
    self.tags = tags
    self.token = token
    self.age = age
    self.isInterrupted = isInterrupted
    self.progress = progress
    self.created = created
  }
}
