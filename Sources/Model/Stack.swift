/// One deployable whole, as read from its file. References are not substituted yet.
package struct Stack: Sendable {
  package var name: String
  package var region: String?
  /// IANA name of the zone in which business dates are counted, e.g. America/Sao_Paulo.
  package var timezone: String?
  /// The stack file, as the user named it.
  package var file: String
  /// The folder that relative paths start from.
  package var folder: String
  package var variables: [String: Variable]
  /// Put on every resource.
  package var tags: [String: String]
  /// The bucket that holds the state, an `s3.bucket` of this stack.
  package var state: Address
  package var resources: [ResourceDeclaration]
  package var pipeline: Pipeline?

  package struct Variable: Sendable {
    package var value: Value?
    package var summary: String
    package var position: SourcePosition?
  }

  package subscript(_ address: Address) -> ResourceDeclaration? {
    resources.first { $0.address == address }
  }
}
