package import Engine
internal import FoundationEssentials
package import Model

/// A kind of resource with typed inputs and outputs. It says how to create, read, update and delete one
/// of its kind; order, diffs, state and printing are the engine's.
///
/// `Inputs` are in canonical form once decoded and encoded again: defaults filled in, sets sorted,
/// documents normalised. Their coding keys are the names that the stack file uses.
package protocol Kind: Sendable {
  associatedtype Inputs: Codable & Sendable & Equatable
  associatedtype Outputs: Codable & Sendable

  /// Section, inputs and their descriptions, as the stack file has them.
  static var definition: KindDefinition { get }
  /// Inputs whose change cannot be made in place.
  static var replacing: Set<String> { get }
  /// True when deleting one loses what nothing brings back.
  static var holdsData: Bool { get }

  /// What decoding alone cannot say of inputs: contradictions, values that AWS would refuse.
  func validate(_ inputs: Inputs) throws(Diagnostic) -> Inputs

  /// - Parameters:
  ///   - recorded: inputs as last applied.
  ///   - outputs: as last recorded; nil when the last create did not get that far.
  func read(
    _ id: String, recorded: Inputs, outputs: Outputs?, context: ResourceContext
  ) async throws -> Observed<Self>?
  func find(_ inputs: Inputs, context: ResourceContext) async throws -> String?
  func create(_ inputs: Inputs, context: ResourceContext) async throws -> (id: String, outputs: Outputs)
  func update(_ id: String, from old: Inputs, to new: Inputs, context: ResourceContext) async throws -> Outputs
  func delete(_ id: String, recorded: Inputs, context: ResourceContext) async throws
  /// Puts the stack's own tags on a resource that does not carry them, as one that was taken over; idempotent.
  func claim(_ id: String, inputs: Inputs, context: ResourceContext) async throws
}

/// Inputs and outputs of one resource as AWS has them.
package struct Observed<K: Kind>: Sendable {
  package var inputs: K.Inputs
  package var outputs: K.Outputs
  /// Of the tags by which the stack finds it again (invariant 4).
  package var missingTags: [String]

  package init(inputs: K.Inputs, outputs: K.Outputs, missingTags: [String] = []) {
    self.inputs = inputs
    self.outputs = outputs
    self.missingTags = missingTags
  }
}

extension Kind {
  package static var holdsData: Bool { false }
  package func validate(_ inputs: Inputs) throws(Diagnostic) -> Inputs { inputs }
  package func claim(_ id: String, inputs: Inputs, context: ResourceContext) async throws {}
}

/// A typed kind as the engine sees it.
struct TypedProvider<K: Kind>: ResourceProvider {
  let base: K

  var kind: String { K.definition.kind }
  var holdsData: Bool { K.holdsData }

  func normalize(_ inputs: Value) throws -> Value {
    try ValueCoding.encode(base.validate(decode(inputs)))
  }

  /// An input that nobody writes and that is never wanted: what was taken over or renamed, or has lost its tags,
  /// shows it as a change in place, which puts them on.
  private static var missingTags: String { "missing_tags" }

  private func observation(_ now: Observed<K>) throws -> Observation {
    var inputs = try ValueCoding.encode(now.inputs)
    if !now.missingTags.isEmpty, case .object(var members) = inputs {
      members[Self.missingTags] = .list(now.missingTags.map(Value.string))
      inputs = .object(members)
    }
    return Observation(inputs: inputs, outputs: try ValueCoding.encode(now.outputs))
  }

  func replacementInputs(from old: Value, to new: Value) -> [String] {
    K.replacing.filter { old[$0] != new[$0] }.sorted()
  }

  func read(_ id: String, recorded: Observation, context: ResourceContext) async throws -> Observation? {
    let inputs = try decode(recorded.inputs)
    let outputs = try? ValueCoding.decode(K.Outputs.self, from: recorded.outputs)
    return try await reporting(context) {
      guard let now = try await base.read(id, recorded: inputs, outputs: outputs, context: context) else { return nil }
      return try observation(now)
    }
  }

  func find(_ inputs: Value, context: ResourceContext) async throws -> String? {
    let inputs = try decode(inputs)
    return try await reporting(context) {
      do {
        return try await base.find(inputs, context: context)
      } catch is ForeignResource {
        // A stranger's is not what an unfinished create has made: that has made nothing.
        return nil
      }
    }
  }

  func create(_ inputs: Value, context: ResourceContext) async throws -> Created {
    let inputs = try decode(inputs)
    return try await reporting(context) {
      do {
        let created = try await base.create(inputs, context: context)
        return Created(id: created.id, outputs: try ValueCoding.encode(created.outputs))
      } catch let error as ForeignResource {
        // Whoever made it, it was not this create: there is nothing to look for.
        throw CreateFailure(.nothing, error)
      }
    }
  }

  func update(_ id: String, from old: Value, to new: Value, context: ResourceContext) async throws -> Value {
    let isTagged = old[Self.missingTags] == nil
    let (old, new) = (try decode(old), try decode(new))
    return try await reporting(context) {
      let outputs = try await base.update(id, from: old, to: new, context: context)
      if !isTagged { try await base.claim(id, inputs: new, context: context) }
      return try ValueCoding.encode(outputs)
    }
  }

  func delete(_ id: String, recorded: Value, context: ResourceContext) async throws {
    let recorded = try decode(recorded)
    try await reporting(context) { try await base.delete(id, recorded: recorded, context: context) }
  }

  private func decode(_ inputs: Value) throws -> K.Inputs {
    do {
      return try ValueCoding.decode(K.Inputs.self, from: inputs)
    } catch let error as DecodingError {
      throw Diagnostic("The inputs of a \(kind) do not fit", detail: error.brief)
    }
  }

  private func reporting<Result>(_ context: ResourceContext, _ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch let stop as CancellationError {
      throw stop
    } catch let failure as CreateFailure {
      throw CreateFailure(failure.remains, Diagnostic(explaining: failure.underlying).at(context.address))
    } catch {
      throw Diagnostic(explaining: error).at(context.address)
    }
  }
}

/// `Value` to typed inputs and back, through JSON.
enum ValueCoding {
  static func decode<T: Decodable>(_ type: T.Type, from value: Value) throws -> T {
    try JSONDecoder().decode(type, from: try JSONEncoder().encode(value))
  }

  static func encode(_ value: some Encodable) throws -> Value {
    try JSONDecoder().decode(Value.self, from: try JSONEncoder().encode(value))
  }

  /// Compact JSON with sorted keys, for documents that are sent to AWS.
  static func json(_ value: Value) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  static func parse(_ json: String) -> Value? {
    try? JSONDecoder().decode(Value.self, from: Data(json.utf8))
  }
}

extension DecodingError {
  /// What and where, without Swift's types.
  var brief: String {
    let (context, text): (Context, String) =
      switch self {
      case .keyNotFound(let key, let context): (context, "`\(key.stringValue)` is missing")
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
        (context, context.debugDescription)
      @unknown default: (Context(codingPath: [], debugDescription: ""), "\(self)")
      }
    let path = context.codingPath.map(\.stringValue).joined(separator: ".")
    return path.isEmpty ? text : "\(path): \(text)"
  }
}
