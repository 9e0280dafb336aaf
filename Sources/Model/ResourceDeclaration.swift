/// A resource as the stack file declares it.
package struct ResourceDeclaration: Sendable {
  package var address: Address
  /// An object; its strings may hold `${...}`.
  package var inputs: Value
  package var dependsOn: [Address]
  package var protect: Bool
  package var keep: Bool
  package var position: SourcePosition?
  package var positions: [[String]: SourcePosition]
}
