package import Engine
package import Model

/// Makes records of resources that AWS has and the state does not: what AWS says becomes the record, so that the
/// next plan shows how the stack file differs from it. Changes nothing in AWS.
package struct ResourceImport: Sendable {
  let stack: String
  let graph: Graph
  let providers: [String: any ResourceProvider]
  let variable: @Sendable (Reference) -> Value?

  /// - Parameter variable: values of `account`, `region`, `stack`, `var.NAME`.
  package init(
    stack: String, graph: Graph, providers: [String: any ResourceProvider],
    variable: @escaping @Sendable (Reference) -> Value?
  ) {
    self.stack = stack
    self.graph = graph
    self.providers = providers
    self.variable = variable
  }

  /// The declared inputs in canonical form, with references filled in from what is recorded or else from what the
  /// stack file says of the other resource. A reference whose value nobody knows yet stays as it is written.
  /// - Throws: `Diagnostic` when they contradict each other.
  package func wanted(_ declaration: ResourceDeclaration, _ records: [Address: StateResource]) throws -> Value {
    do {
      return try provider(declaration.address).normalize(resolved(declaration, records))
    } catch {
      var diagnostic = Diagnostic(wrapping: error).at(declaration.address)
      diagnostic.position = diagnostic.position ?? declaration.position
      throw diagnostic
    }
  }

  private func resolved(_ declaration: ResourceDeclaration, _ records: [Address: StateResource]) -> Value {
    declaration.inputs.substituting { reference in
      guard let address = reference.address else { return variable(reference) }
      if let record = records[address] {
        let own = reference.attribute == ["id"] ? record.id.map(Value.string) : nil
        return record.outputs.at(reference.attribute) ?? own ?? record.inputs.at(reference.attribute)
      }
      // A graph has no circles: this ends.
      return graph.declarations[address].flatMap { resolved($0, records).at(reference.attribute) }
    }
  }

  /// References to resources in what is otherwise a value: nobody knows yet what they will be.
  package func openReferences(in value: Value) -> [Address] {
    Set(value.references().compactMap(\.address)).filter { graph.declarations[$0] != nil }.sorted()
  }

  /// What AWS says of the resource with an id; nil when it has none.
  /// - Parameter wanted: from `wanted`.
  package func read(
    _ declaration: ResourceDeclaration, id: String, wanted: Value
  ) async throws -> StateResource? {
    let address = declaration.address
    let context = ResourceContext(
      address: address, tags: [Tags.stack: stack, Tags.address: address.description])
    let recorded = Observation(inputs: wanted, outputs: [:])
    guard let found = try await provider(address).read(id, recorded: recorded, context: context) else { return nil }
    return StateResource(
      address: address, id: id, status: .created, inputs: found.inputs, outputs: found.outputs,
      dependsOn: graph.dependencies(of: address), keep: declaration.keep, protect: declaration.protect)
  }

  /// Inputs that differ in a way that only making the resource anew would mend.
  func replacing(_ record: StateResource, wanted: Value) throws -> [String] {
    try provider(record.address).replacementInputs(from: record.inputs, to: wanted)
  }

  private func provider(_ address: Address) throws(Diagnostic) -> any ResourceProvider {
    if let provider = providers[address.kind] { return provider }
    throw Diagnostic("Unknown kind of resource: \(address.kind)", address: address)
  }
}
