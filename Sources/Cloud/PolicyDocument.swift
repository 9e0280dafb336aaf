package import Model

/// An IAM policy document in one canonical form, so that two documents that mean the same are equal
/// however they are written: version filled in, `Statement` a list, single values as lists, lists that
/// are sets (statements too) sorted, an account's root and everyone written out.
///
/// Source: the grammar of the IAM JSON policy language
/// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html).
package struct PolicyDocument: Sendable, Hashable, Codable {
  package let value: Value

  /// - Throws: `Diagnostic` when it is not a document with statements.
  package init(_ raw: Value) throws(Diagnostic) {
    guard case .object(var document) = raw else {
      throw Diagnostic("A policy must be a map", detail: "found \(raw.typeName)")
    }
    guard let statement = document["Statement"] else {
      throw Diagnostic("A policy needs `Statement`")
    }
    document["Version"] = document["Version"] ?? "2012-10-17"
    let statements = statement.list ?? [statement]
    var canonical: [Value] = []
    for item in statements {
      guard case .object(let members) = item else {
        throw Diagnostic("A policy's statement must be a map", detail: "found \(item.typeName)")
      }
      guard let effect = members["Effect"]?.string, effect == "Allow" || effect == "Deny" else {
        throw Diagnostic("A policy's statement needs `Effect`", detail: "`Allow` or `Deny`")
      }
      canonical.append(.object(Self.canonical(statement: members)))
    }
    // All statements count, whatever their order.
    document["Statement"] = .list(Self.sorted(canonical))
    value = .object(document)
  }

  package init?(json: String) {
    guard let raw = ValueCoding.parse(json), let document = try? PolicyDocument(raw) else { return nil }
    self = document
  }

  package init(from decoder: any Decoder) throws {
    self = try PolicyDocument(try Value(from: decoder))
  }

  package func encode(to encoder: any Encoder) throws {
    try value.encode(to: encoder)
  }

  /// As sent to AWS.
  package func json() throws -> String {
    try ValueCoding.json(value)
  }

  private static func canonical(statement: [String: Value]) -> [String: Value] {
    var result = statement
    // Older Terraform writes one where the user gave none.
    if statement["Sid"] == "" { result["Sid"] = nil }
    for key in ["Action", "NotAction", "Resource", "NotResource"] {
      result[key] = statement[key].map(sortedList)
    }
    for key in ["Principal", "NotPrincipal"] {
      // Both mean everyone (IAM user guide, "Principal": all principals).
      guard let written = statement[key] else { continue }
      let principal = written == "*" ? ["AWS": "*"] : written
      if case .object(let members) = principal {
        result[key] = .object(members.mapValues { sortedList(rootOfAccount($0)) })
      }
    }
    if case .object(let operators)? = statement["Condition"] {
      result["Condition"] = .object(
        operators.mapValues { keys in
          guard case .object(let members) = keys else { return keys }
          return .object(members.mapValues { sortedList(text($0)) })
        })
    }
    return result
  }

  private static func sorted(_ statements: [Value]) -> [Value] {
    // JSON of values that came from JSON never fails; unsorted would only mean a needless update.
    let keyed = statements.map { (key: (try? ValueCoding.json($0)) ?? "", statement: $0) }
    return keyed.sorted { $0.key < $1.key }.map(\.statement)
  }

  private static func sortedList(_ value: Value) -> Value {
    let items = value.list ?? [value]
    return .list(Set(items).sorted { ($0.string ?? "") < ($1.string ?? "") })
  }

  /// IAM gives every condition value back as text.
  private static func text(_ value: Value) -> Value {
    switch value {
    case .bool(let flag): .string(flag ? "true" : "false")
    case .int(let number): .string(String(number))
    case .double(let number): .string("\(number)")
    case .list(let items): .list(items.map(text))
    default: value
    }
  }

  /// `"AWS": "123456789012"` comes back from IAM as that account's root ARN.
  private static func rootOfAccount(_ value: Value) -> Value {
    switch value {
    case .string(let name) where name.count == 12 && name.allSatisfy(\.isNumber): .string("arn:aws:iam::\(name):root")
    case .list(let items): .list(items.map(rootOfAccount))
    default: value
    }
  }
}
