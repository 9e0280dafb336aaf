package import Model

/// Something in AWS that carries the stack's tag: its address is written on it.
package struct Discovered: Sendable, Hashable {
  package var address: Address
  package var id: String
  /// Enough of its inputs to read and to delete it by, where no stack file declares it any more.
  package var inputs: Value
  /// Kinds that such a resource can need: what it refers to is not written on it.
  package var needs: Set<String>

  package init(address: Address, id: String, inputs: Value, needs: Set<String> = []) {
    self.address = address
    self.id = id
    self.inputs = inputs
    self.needs = needs
  }
}

/// Makes records of what AWS has and the state does not know (invariant 4): after the state was lost or an older one
/// was restored. Changes nothing in AWS and none of the records that are there.
package struct Rebuilder: Sendable {
  package struct Result: Sendable {
    package var records: [StateResource] = []
    /// Declared, and not in AWS: the next `up` makes it.
    package var missing: [Address] = []
    package var warnings: [Diagnostic] = []

    package init() {}
  }

  private let environment: EngineEnvironment

  package init(_ environment: EngineEnvironment) {
    self.environment = environment
  }

  /// - Parameters:
  ///   - found: by tag. What is declared is looked for by its name as well.
  ///   - known: records that stay as they are.
  package func rebuild(_ graph: Graph, found: [Discovered], known: State?) async throws -> Result {
    var result = Result()
    var attributes: [Address: Attributes] = [:]
    let ids = Set((known?.resources ?? [:]).values.compactMap(\.id))
    var unclaimed = Dictionary(grouping: found.filter { !ids.contains($0.id) }, by: \.address)
    for address in graph.order {
      guard let declaration = graph.declarations[address] else { continue }
      // A create that was begun and whose work nobody has found yet knows nothing.
      if let record = known?.resources[address], record.id != nil {
        attributes[address] = Attributes(id: record.id, outputs: record.outputs, inputs: record.inputs)
        unclaimed[address] = nil
        continue
      }
      let candidates = (unclaimed.removeValue(forKey: address) ?? []).sorted { $0.id < $1.id }
      do {
        guard let record = try await record(declaration, candidates, graph, attributes) else {
          result.missing.append(address)
          continue
        }
        attributes[address] = Attributes(id: record.id, outputs: record.outputs, inputs: record.inputs)
        result.records.append(record)
        result.warnings += candidates.filter { $0.id != record.id }.map { twin($0, record) }
      } catch {
        result.warnings.append(warning(error, at: address))
      }
    }
    result.records += await leftovers(unclaimed, &result.warnings)
    return result
  }

  private func record(
    _ declaration: ResourceDeclaration, _ candidates: [Discovered], _ graph: Graph, _ attributes: [Address: Attributes]
  ) async throws -> StateResource? {
    let address = declaration.address
    let provider = try environment.provider(for: address)
    let written = try declaration.inputs.substituting { reference -> Value? in
      if let other = reference.address { return try (attributes[other] ?? .unknown).value(of: reference) }
      return try environment.variable(reference)
    }
    // What refers to something that is not there has not been made with it either, unless its tag says so.
    if written.containsUnknown {
      guard let first = candidates.first else { return nil }
      return try await read(first, declaration, graph)
    }
    let inputs = try provider.normalize(written)
    let context = environment.context(for: address)
    var id = candidates.first?.id
    if id == nil { id = try await provider.find(inputs, context: context) }
    guard let id,
      let now = try await provider.read(id, recorded: Observation(inputs: inputs, outputs: [:]), context: context)
    else { return nil }
    return StateResource(
      address: address, id: id, status: .created, inputs: now.inputs, written: written, outputs: now.outputs,
      dependsOn: graph.dependencies(of: address), keep: declaration.keep, protect: declaration.protect)
  }

  private func read(
    _ found: Discovered, _ declaration: ResourceDeclaration? = nil, _ graph: Graph = .empty
  ) async throws -> StateResource? {
    let provider = try environment.provider(for: found.address)
    let context = environment.context(for: found.address)
    let recorded = Observation(inputs: found.inputs, outputs: [:])
    guard let now = try await provider.read(found.id, recorded: recorded, context: context) else { return nil }
    return StateResource(
      address: found.address, id: found.id, status: .created, inputs: now.inputs, outputs: now.outputs,
      dependsOn: graph.dependencies(of: found.address), keep: declaration?.keep ?? false,
      protect: declaration?.protect ?? false)
  }

  /// What no stack file declares any more: recorded, so that the next `up` or `destroy` takes it down, before
  /// anything of the kinds that it may need.
  private func leftovers(
    _ unclaimed: [Address: [Discovered]], _ warnings: inout [Diagnostic]
  ) async -> [StateResource] {
    var records: [(record: StateResource, needs: Set<String>)] = []
    for (address, all) in unclaimed.sorted(by: { $0.key < $1.key }) {
      for (index, found) in all.sorted(by: { $0.id < $1.id }).enumerated() {
        var found = found
        if index > 0 { found.address = Address(kind: address.kind, name: "\(address.name)-\(index + 1)") }
        do {
          if let record = try await read(found) { records.append((record, found.needs)) }
        } catch {
          warnings.append(warning(error, at: address))
        }
      }
    }
    let addresses = records.map(\.record.address)
    return records.map { record, needs in
      var record = record
      record.dependsOn = addresses.filter { needs.contains($0.kind) }.sorted()
      return record
    }
  }

  private func twin(_ found: Discovered, _ record: StateResource) -> Diagnostic {
    Diagnostic(
      "Two resources say that they are \(found.address)", detail: "\(record.id ?? "") and \(found.id)",
      remedy: "The first was recorded. Delete the other in AWS, or swap them: `mrhealth state rm \(found.address)`, "
        + "then `mrhealth state import \(found.address) \(found.id)`.", address: found.address, severity: .warning)
  }

  private func warning(_ error: any Error, at address: Address) -> Diagnostic {
    var diagnostic = Diagnostic(wrapping: error).at(address)
    diagnostic.severity = .warning
    return diagnostic
  }
}
