/// The stack file's schema in the form that editors read (JSON Schema, draft 2020-12; https://json-schema.org).
package enum JSONSchema {
  package static func document(for file: StackFile) -> Value {
    guard case .object(var root) = schema(.object(file.fields)) else { return .null }
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    root["title"] = "mrhealth stack"
    return .object(root)
  }

  static func schema(_ schema: Schema) -> Value {
    switch schema {
    case .any: .object([:])
    case .bool: orReference(["type": "boolean"])
    case .number: orReference(["type": "number"])
    case .int(nil): orReference(["type": "integer"])
    case .int(let range?):
      orReference(["type": "integer", "minimum": .int(range.lowerBound), "maximum": .int(range.upperBound)])
    case .string(let rule): string(rule)
    case .list(let element): ["type": "array", "items": self.schema(element)]
    case .map(let element): ["type": "object", "additionalProperties": self.schema(element)]
    case .oneOf(let schemas): ["anyOf": .list(schemas.map(self.schema))]
    case .object(let fields): object(fields)
    }
  }

  private static func string(_ rule: StringRule) -> Value {
    switch rule {
    // A plain number is text where text is asked for: an account id, a port.
    case .free: ["type": ["string", "number"]]
    case .oneOf(let words): orReference(["enum": .list(words.map(Value.string))])
    case .checked(let pattern, let meaning, _):
      orReference(["type": ["string", "number"], "pattern": .string(pattern), "description": .string(meaning)])
    case .folder: ["type": "string", "description": "folder, relative to the stack file"]
    case .uploadedFile: ["type": "string", "description": "a file that an upload covers, or an s3:// URL"]
    }
  }

  /// Wherever a scalar stands, a reference may stand.
  private static func orReference(_ schema: Value) -> Value {
    ["anyOf": [schema, ["type": "string", "pattern": "\\$\\{"]]]
  }

  private static func object(_ fields: [Field]) -> Value {
    var properties: [String: Value] = [:]
    for field in fields {
      guard case .object(var members) = schema(field.schema) else { continue }
      members["description"] = .string(field.summary)
      properties[field.name] = .object(members)
    }
    var result: [String: Value] = [
      "type": "object", "properties": .object(properties), "additionalProperties": false,
    ]
    let required = fields.filter(\.required).map { Value.string($0.name) }
    if !required.isEmpty { result["required"] = .list(required) }
    return .object(result)
  }
}
