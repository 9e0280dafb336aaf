package import Engine
internal import Model

/// Finds out what of a Terraform state the stack can take over. Asks AWS, changes nothing there.
package struct Adoption: Sendable {
  let importing: ResourceImport
  let account: String
  let region: String

  package init(_ importing: ResourceImport, account: String, region: String) {
    self.importing = importing
    self.account = account
    self.region = region
  }

  /// - Throws: `Diagnostics` with everything that went wrong; then nothing is to be recorded.
  package func plan(_ terraform: TerraformState, state: State?) async throws -> AdoptionPlan {
    try checkAccount(terraform)
    var draft = Draft(records: state?.resources ?? [:])
    var problems: [Diagnostic] = []
    // In dependency order, so that what a resource refers to is known before it.
    for address in importing.graph.order {
      guard let declaration = importing.graph.declarations[address] else { continue }
      do {
        try await decide(declaration, terraform, &draft)
      } catch {
        problems.append(Diagnostic(wrapping: error).at(address))
      }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    decideRest(terraform, &draft)
    return draft.plan
  }

  private struct Draft {
    var plan = AdoptionPlan()
    /// Of the state, and of what is taken over.
    var records: [Address: StateResource]
    /// Addresses of Terraform that have been accounted for.
    var settled: Set<String> = []

    init(records: [Address: StateResource]) {
      self.records = records
    }
  }

  /// Names are the same in every account: a state of another one would match all the same.
  private func checkAccount(_ terraform: TerraformState) throws(Diagnostic) {
    let accounts = Set(terraform.resources.compactMap(\.account)).filter { $0.allSatisfy(\.isNumber) }
    guard accounts.isEmpty || accounts.contains(account) else {
      throw Diagnostic(
        "The Terraform state is of another account",
        detail: "it has resources of \(accounts.sorted().joined(separator: ", ")); you work in \(account)",
        remedy: "Name the profile of that account with --profile.")
    }
  }

  // MARK: resources

  private func decide(
    _ declaration: ResourceDeclaration, _ terraform: TerraformState, _ draft: inout Draft
  ) async throws {
    let address = declaration.address
    guard let match = TerraformMatch.of(address.kind) else { return }
    let record = draft.records[address]
    let wanted = try importing.wanted(declaration, draft.records)
    let ours = TerraformMatch.Ours(id: record?.id, inputs: wanted)
    let sources = terraform.resources.filter { source in
      match.types.contains(source.type) && match.isSame(source, ours) && isHere(source)
        && !draft.settled.contains(source.address)
    }
    if let record {
      let same = sources.filter { match.id($0, ours) == record.id }
      draft.settled.formUnion(same.map(\.address))
      draft.plan.known.append(.init(address: address, id: record.id ?? "", terraform: same.map(\.address)))
      let others = sources.filter { match.id($0, ours) != record.id }
      return note(others, "mrhealth has another one of this name: \(record.id ?? "")", &draft)
    }
    guard !sources.isEmpty else { return draft.plan.missing.append(.init(address: address)) }

    let found = try await read(declaration, sources, match, ours)
    guard let (record, theirs) = try choose(found, declaration, wanted, match) else {
      if let other = found.first {
        // Of the same name, and another resource.
        let names = match.identity.sorted().joined(separator: ", ")
        note(other.sources, "another resource of this name: \(names) differs", &draft)
        draft.plan.missing.append(.init(address: address))
      } else {
        draft.settled.formUnion(sources.map(\.address))
        let ids = sources.compactMap { match.id($0, ours) }
        draft.plan.gone.append(.init(address: address, id: ids.first ?? "", terraform: sources.map(\.address)))
      }
      return
    }
    let open = importing.openReferences(in: record.inputs)
    guard open.isEmpty else {
      let names = open.map(\.description).joined(separator: ", ")
      note(theirs, "it needs \(names), which is not taken over", &draft)
      draft.plan.missing.append(.init(address: address, note: "it needs \(names)"))
      return
    }
    draft.records[address] = record
    draft.plan.records[address] = record
    draft.settled.formUnion(theirs.map(\.address))
    let others = sources.filter { !draft.settled.contains($0.address) }
    note(others, "another one of this name is taken over", &draft)
    draft.plan.adopted.append(.init(address: address, id: record.id ?? "", terraform: theirs.map(\.address)))
  }

  private func note(_ sources: [TerraformResource], _ hint: String, _ draft: inout Draft) {
    for source in sources {
      draft.settled.insert(source.address)
      draft.plan.staying.append(.init(terraform: source.address, block: source.block, hint: hint))
    }
  }

  /// ARNs tell where a resource is.
  private func isHere(_ resource: TerraformResource) -> Bool {
    (resource.account ?? account) == account && (resource.region ?? region) == region
  }

  private typealias Found = (record: StateResource, sources: [TerraformResource])

  /// What AWS has of the resources that match by name.
  private func read(
    _ declaration: ResourceDeclaration, _ sources: [TerraformResource], _ match: TerraformMatch,
    _ ours: TerraformMatch.Ours
  ) async throws -> [Found] {
    var found: [Found] = []
    var seen: Set<String> = []
    for source in sources {
      guard let id = match.id(source, ours), seen.insert(id).inserted else { continue }
      guard let record = try await importing.read(declaration, id: id, wanted: ours.inputs) else { continue }
      found.append((record, sources.filter { match.id($0, ours) == id }))
    }
    return found
  }

  /// The one that is meant; nil when there is none.
  /// - Throws: `Diagnostic` when several could be.
  private func choose(
    _ found: [Found], _ declaration: ResourceDeclaration, _ wanted: Value, _ match: TerraformMatch
  ) throws -> Found? {
    var candidates: [Found] = []
    var equal: [Found] = []
    for one in found {
      let replacing = Set(try importing.replacing(one.record, wanted: wanted))
      guard replacing.isDisjoint(with: match.identity) else { continue }
      candidates.append(one)
      if replacing.isEmpty { equal.append(one) }
    }
    // An ended cluster equals anything: a live one comes first.
    let live = candidates.filter { !($0.record.outputs["state"]?.string?.hasPrefix("TERMINATED") ?? false) }
    for set in [candidates, live, equal] where set.count == 1 { return set[0] }
    guard !candidates.isEmpty else { return nil }
    let names = candidates.map { "\($0.sources.first?.address ?? "") (\($0.record.id ?? ""))" }
    throw Diagnostic(
      "Several resources of Terraform could be \(declaration.address)", detail: names.joined(separator: "\n"),
      remedy: "Say which: `mrhealth state import \(declaration.address) ID`, then run `mrhealth adopt` again.",
      address: declaration.address, position: declaration.position)
  }

  // MARK: parts, and what stays

  private func decideRest(_ terraform: TerraformState, _ draft: inout Draft) {
    let sections = Dictionary(Catalog.definitions.map { ($0.kind, $0.section) }, uniquingKeysWith: { $1 })
    for resource in terraform.resources where !draft.settled.contains(resource.address) {
      let owners = draft.records.values.filter { record in
        guard let test = TerraformMatch.of(record.address.kind)?.parts[resource.type], isHere(resource) else {
          return false
        }
        return test(resource, TerraformMatch.Ours(id: record.id, inputs: record.inputs))
      }.map(\.address).sorted()
      if owners.isEmpty {
        let hint =
          isHere(resource)
          ? TerraformMatch.hint(for: resource, sections: sections) : "it is in another account or region"
        draft.plan.staying.append(.init(terraform: resource.address, block: resource.block, hint: hint))
      } else {
        draft.plan.parts.append(.init(terraform: resource.address, block: resource.block, of: owners))
      }
    }
  }
}
