/// A resource as the stack file declares it.
package struct ResourceDeclaration: Sendable {
  package var address: Address
  /// An object; texts in it may hold references, `${...}`.
  package var inputs: Value
  /// What the user named as dependencies; those from references come on top.
  package var dependsOn: [Address]
  /// Refuses to be deleted or replaced.
  package var protect: Bool
  /// Survives `destroy`.
  package var keep: Bool
  package var position: SourcePosition?
  /// Where each input stands in the file, by its path.
  package var positions: [[String]: SourcePosition]

  package init(
    address: Address, inputs: Value, dependsOn: [Address] = [], protect: Bool = false, keep: Bool = false,
    position: SourcePosition? = nil, positions: [[String]: SourcePosition] = [:]
  ) {
    self.address = address
    self.inputs = inputs
    self.dependsOn = dependsOn
    self.protect = protect
    self.keep = keep
    self.position = position
    self.positions = positions
  }

  /// The nearest known position of an input: its own, that of what holds it, or the resource's.
  package func position(of path: [String]) -> SourcePosition? {
    var prefix = path
    while true {
      if let found = positions[prefix] { return found }
      guard !prefix.isEmpty else { return position }
      prefix.removeLast()
    }
  }
}
