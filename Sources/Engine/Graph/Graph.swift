package import Model

/// What the stack declares, with who needs whom: from `dependsOn` and from references.
package struct Graph: Sendable {
  package let declarations: [Address: ResourceDeclaration]
  package let map: DependencyMap
  /// Dependencies first; the same for the same declarations, however they are listed.
  package let order: [Address]

  package static let empty = Graph(declarations: [:], map: DependencyMap([:]))

  /// - Throws: `Diagnostics` with everything that is wrong: addresses declared twice, unknown addresses,
  ///   malformed references, a cycle.
  package init(_ declarations: [ResourceDeclaration]) throws {
    var problems: [Diagnostic] = []
    var byAddress: [Address: ResourceDeclaration] = [:]
    for declaration in declarations where byAddress.updateValue(declaration, forKey: declaration.address) != nil {
      problems.append(
        Diagnostic(
          "\(declaration.address) is declared twice", address: declaration.address, position: declaration.position))
    }
    var edges: [Address: Set<Address>] = [:]
    for declaration in declarations {
      edges[declaration.address] = Graph.dependencies(of: declaration, among: byAddress, &problems)
    }
    let map = DependencyMap(edges)
    if let cycle = map.cycle {
      let path = cycle.map(\.description).joined(separator: " -> ")
      problems.append(
        Diagnostic(
          "Resources need each other in a circle", detail: path,
          remedy: "Take one of these dependencies away: none of them can be created first.", address: cycle.first,
          position: cycle.first.flatMap { byAddress[$0]?.position }))
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    self.init(declarations: byAddress, map: map)
  }

  private init(declarations: [Address: ResourceDeclaration], map: DependencyMap) {
    self.declarations = declarations
    self.map = map
    self.order = map.order
  }

  package func dependencies(of address: Address) -> [Address] {
    (map.dependencies[address] ?? []).sorted()
  }

  package func dependents(of address: Address) -> [Address] {
    (map.dependents[address] ?? []).sorted()
  }

  /// Only these, without the edges to others.
  package func subset(_ addresses: Set<Address>) -> Graph {
    Graph(declarations: declarations.filter { addresses.contains($0.key) }, map: map.subset(addresses))
  }

  // MARK: Building

  private static func dependencies(
    of declaration: ResourceDeclaration, among known: [Address: ResourceDeclaration], _ problems: inout [Diagnostic]
  ) -> Set<Address> {
    var found: Set<Address> = []
    for (path, problem) in declaration.inputs.templateProblems() {
      var located = problem.at(declaration.address)
      located.position = declaration.position(of: path)
      problems.append(located)
    }
    for (index, address) in declaration.dependsOn.enumerated() {
      if known[address] != nil {
        found.insert(address)
      } else {
        let position = declaration.position(of: ["depends_on", "\(index)"])
        problems.append(unknown(address, written: "\(address)", in: declaration, position, known))
      }
    }
    for (path, reference) in declaration.inputs.referencesByPath() where !reference.isReserved {
      let position = declaration.position(of: path)
      if let address = reference.address {
        if known[address] == nil {
          problems.append(unknown(address, written: "\(reference)", in: declaration, position, known))
        } else if reference.attribute.isEmpty {
          problems.append(incomplete(reference, in: declaration, position))
        } else {
          found.insert(address)
        }
      } else {
        problems.append(incomplete(reference, in: declaration, position))
      }
    }
    return found
  }

  private static func unknown(
    _ address: Address, written: String, in declaration: ResourceDeclaration, _ position: SourcePosition?,
    _ known: [Address: ResourceDeclaration]
  ) -> Diagnostic {
    let nearest = Suggestion.nearest(to: address.description, among: known.keys.map(\.description))
    return Diagnostic(
      "\(written) names no resource of this stack", detail: "There is no \(address).",
      remedy: nearest.map { "Did you mean \($0)?" } ?? "Declare it, or correct the name.", address: declaration.address,
      position: position)
  }

  private static func incomplete(
    _ reference: Reference, in declaration: ResourceDeclaration, _ position: SourcePosition?
  ) -> Diagnostic {
    let detail =
      reference.address == nil
      ? "It is neither account, region, stack, var.NAME nor KIND.NAME.ATTRIBUTE, such as s3.bucket.lake.arn."
      : "It names a resource but none of its attributes, such as \(reference.text).id."
    return Diagnostic(
      "\(reference) names nothing", detail: detail, remedy: "Write $${ for a literal ${.", address: declaration.address,
      position: position)
  }
}
