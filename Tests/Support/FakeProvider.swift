package import Engine
package import Model

/// A kind of the fake cloud. Inputs are free; some behave in special ways:
/// - `shape` and `parent` cannot be changed in place,
/// - `color` is `red` unless written, `zones` is a set (its order means nothing),
/// - `bad: true` is refused,
/// - the cloud adds `serverDefault` on its own.
/// Outputs: `arn`, `revision`.
package struct FakeProvider: ResourceProvider {
  package let kind: String
  package let holdsData: Bool
  private let cloud: FakeCloud

  package init(_ cloud: FakeCloud, kind: String = "test.thing", holdsData: Bool = false) {
    self.cloud = cloud
    self.kind = kind
    self.holdsData = holdsData
  }

  package func normalize(_ inputs: Value) throws -> Value {
    guard case .object(var members) = inputs else { throw Diagnostic("not an object") }
    if inputs.containsUnknown { throw Diagnostic("normalize was given an unknown") }
    if members["bad"] == true { throw Diagnostic("bad must not be true") }
    members["color"] = members["color"] ?? "red"
    if let zones = members["zones"]?.list { members["zones"] = .list(zones.sorted { $0.rendered < $1.rendered }) }
    return .object(members)
  }

  package func replacementInputs(from old: Value, to new: Value) -> [String] {
    ["parent", "shape"].filter { old[$0] != new[$0] }
  }

  package func read(_ id: String, recorded: Observation, context: ResourceContext) async throws -> Observation? {
    try await cloud.perform(.init(.read, context.address)) { cloud -> Observation? in
      guard let thing = cloud.thing(id: id), case .object(var members) = thing.inputs else { return nil }
      if recorded.inputs["serverDefault"] == nil { members["serverDefault"] = nil }
      return Observation(inputs: .object(members), outputs: Self.outputs(thing))
    }
  }

  package func find(_ inputs: Value, context: ResourceContext) async throws -> String? {
    try await cloud.perform(.init(.find, context.address)) { cloud in
      cloud.things.first { $0.token == context.token && !context.token.isEmpty }?.id
    }
  }

  package func create(_ inputs: Value, context: ResourceContext) async throws -> Created {
    guard case .object(var members) = inputs else { throw Diagnostic("not an object") }
    members["serverDefault"] = "surprise"
    let completed = Value.object(members)
    return try await cloud.perform(.init(.create, context.address)) { cloud in
      let thing = cloud.make(completed, context)
      return Created(id: thing.id, outputs: Self.outputs(thing))
    } told: { made in
      try await context.created(made.id)
      context.progress("WAITING")
    }
  }

  package func update(_ id: String, from old: Value, to new: Value, context: ResourceContext) async throws -> Value {
    guard case .object(var members) = new else { throw Diagnostic("not an object") }
    members["serverDefault"] = "surprise"
    let completed = Value.object(members)
    return try await cloud.perform(.init(.update, context.address)) { cloud in
      Self.outputs(try cloud.change(id, to: completed))
    }
  }

  package func delete(_ id: String, recorded: Value, context: ResourceContext) async throws {
    try await cloud.perform(.init(.delete, context.address)) { $0.remove(id) }
  }

  private static func outputs(_ thing: FakeCloud.Thing) -> Value {
    ["arn": .string("arn:\(thing.id)"), "revision": .int(Int64(thing.revision))]
  }
}
