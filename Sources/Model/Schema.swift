/// The shape of a section of the stack file. One declaration serves the parser (types, unknown keys,
/// suggestions), the JSON Schema for editors, and the reference documentation.
package indirect enum Schema: Sendable {
  case string(StringRule)
  case bool
  case int(ClosedRange<Int64>?)
  case number
  case list(of: Schema)
  /// Free keys, each with a value of one shape.
  case map(of: Schema)
  case object([Field])
  /// Any of several shapes; the first that accepts the value counts.
  case oneOf([Schema])
  /// Anything: configuration that is passed on as it is.
  case any

  package static var string: Schema { .string(.free) }
}

package enum StringRule: Sendable {
  case free
  /// One of these words.
  case oneOf([String])
  /// The pattern goes into the JSON Schema, `meaning` into messages; `isValid` decides.
  case checked(pattern: String, meaning: String, isValid: @Sendable (String) -> Bool)
  /// A path relative to the stack file that must exist.
  case folder
  /// A local file that one of the stack's uploads covers, or an `s3://` URL: either way the value
  /// becomes the URL.
  case uploadedFile
}

package struct Field: Sendable {
  package var name: String
  package var schema: Schema
  package var required: Bool
  /// One sentence for the editor and the reference.
  package var summary: String

  package init(_ name: String, _ schema: Schema, required: Bool = false, _ summary: String) {
    self.name = name
    self.schema = schema
    self.required = required
    self.summary = summary
  }
}

/// What the parser must know of a kind of resource: its section in the stack file and its inputs.
package struct KindDefinition: Sendable {
  /// `s3.bucket`
  package var kind: String
  /// `buckets`
  package var section: String
  package var inputs: [Field]
  package var summary: String

  package init(kind: String, section: String, summary: String, inputs: [Field]) {
    self.kind = kind
    self.section = section
    self.summary = summary
    self.inputs = inputs
  }
}
