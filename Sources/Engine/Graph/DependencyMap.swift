package import Model

/// Who needs whom, among a set of addresses, and nothing else.
package struct DependencyMap: Sendable {
  /// Direct dependencies, all within the set.
  package private(set) var dependencies: [Address: Set<Address>]
  package private(set) var dependents: [Address: Set<Address>] = [:]

  /// Dependencies outside the set are left out.
  package init(_ dependencies: [Address: Set<Address>]) {
    self.dependencies = dependencies.mapValues { $0.filter { dependencies[$0] != nil } }
    for (address, needed) in self.dependencies {
      for dependency in needed { dependents[dependency, default: []].insert(address) }
    }
  }

  /// What a state recorded. Records of several partial applies can contradict each other; where they go in
  /// circles, one of the edges is left out, so that there is always an order.
  package init(recorded state: State) {
    var edges = state.resources.mapValues { Set($0.dependsOn) }
    while let cycle = DependencyMap(edges).cycle, cycle.count > 1 {
      edges[cycle[0]]?.remove(cycle[1])
    }
    self.init(edges)
  }

  /// Dependencies before dependents; otherwise by name within each rank. What is in or behind a cycle is left out.
  package var order: [Address] {
    var missing = dependencies.mapValues(\.count)
    var rank = missing.filter { $0.value == 0 }.keys.sorted()
    var result: [Address] = []
    while !rank.isEmpty {
      result += rank
      var next: [Address] = []
      for done in rank {
        for dependent in dependents[done] ?? [] {
          let left = (missing[dependent] ?? 0) - 1
          missing[dependent] = left
          if left == 0 { next.append(dependent) }
        }
      }
      rank = next.sorted()
    }
    return result
  }

  /// A cycle from an address to itself, both ends included; nil when there is none.
  package var cycle: [Address]? {
    let ordered = Set(order)
    let stuck = Set(dependencies.keys).subtracting(ordered)
    guard var current = stuck.min() else { return nil }
    // Everything stuck needs something stuck: walking on must come back to where it has been.
    var path: [Address] = []
    var positions: [Address: Int] = [:]
    while positions[current] == nil {
      positions[current] = path.count
      path.append(current)
      guard let next = dependencies[current]?.intersection(stuck).min() else { return nil }
      current = next
    }
    let loop = Array(path[(positions[current] ?? 0)...])
    // Starts at its first name, whichever way it was found.
    let first = loop.indices.min { loop[$0] < loop[$1] } ?? 0
    return Array(loop[first...] + loop[..<first]) + [loop[first]]
  }

  /// These and everything that they need.
  package func withAncestors(of start: Set<Address>) -> Set<Address> {
    closure(of: start, along: dependencies)
  }

  /// These and everything that needs them.
  package func withDescendants(of start: Set<Address>) -> Set<Address> {
    closure(of: start, along: dependents)
  }

  private func closure(of start: Set<Address>, along edges: [Address: Set<Address>]) -> Set<Address> {
    var seen = start.filter { dependencies[$0] != nil }
    var open = Array(seen)
    while let address = open.popLast() {
      for next in edges[address] ?? [] where seen.insert(next).inserted { open.append(next) }
    }
    return seen
  }

  package func subset(_ addresses: Set<Address>) -> DependencyMap {
    DependencyMap(dependencies.filter { addresses.contains($0.key) })
  }
}
