/// Holds a YAML node to a schema: gives its value and the position of every part, and collects all
/// that is wrong instead of stopping at the first.
struct SchemaCheck {
  private(set) var diagnostics: [Diagnostic] = []
  private(set) var positions: [[String]: SourcePosition] = [:]
  /// Where local files stand that an upload must cover.
  private(set) var uploadedFiles: [[String]] = []
  /// Answers whether a path of the stack (relative to its folder) exists, and whether it is a folder.
  let pathKind: (String) -> PathKind

  enum PathKind {
    case file, folder, missing
  }

  init(pathKind: @escaping (String) -> PathKind) {
    self.pathKind = pathKind
  }

  /// The checked value; parts that are wrong are left out.
  mutating func check(_ node: YAMLNode, _ schema: Schema, path: [String]) -> Value? {
    positions[path] = node.position
    switch schema {
    case .any:
      recordPositions(node, path: path)
      return node.value
    case .string(let rule): return checkString(node, rule, path: path)
    case .bool: return checkScalar(node, path: path, expected: "true or false") { $0.bool != nil }
    case .int(let range):
      let expected = range.map { "a whole number from \($0.lowerBound) to \($0.upperBound)" } ?? "a whole number"
      return checkScalar(node, path: path, expected: expected) { value in
        value.int.map { number in range?.contains(number) ?? true } ?? false
      }
    case .number:
      return checkScalar(node, path: path, expected: "a number") { value in
        if case .double = value { return true }
        return value.int != nil
      }
    case .list(let element): return checkList(node, element, path: path)
    case .map(let element): return checkMap(node, element, path: path)
    case .object(let fields): return checkObject(node, fields, path: path)
    case .oneOf(let schemas): return checkOneOf(node, schemas, path: path)
    }
  }

  private mutating func recordPositions(_ node: YAMLNode, path: [String]) {
    positions[path] = node.position
    switch node.content {
    case .scalar: break
    case .list(let items):
      for (index, item) in items.enumerated() { recordPositions(item, path: path + [String(index)]) }
    case .map(let entries):
      for entry in entries { recordPositions(entry.value, path: path + [entry.key]) }
    }
  }

  private mutating func mismatch(_ node: YAMLNode, path: [String], expected: String) {
    let name = path.last.map { "`\($0)`" } ?? "The file"
    let found: String =
      switch node.content {
      case .scalar(let text, plain: true) where !text.isEmpty: "`\(text)`"
      case .scalar(let text, _) where !text.isEmpty: "the text \"\(text)\""
      default: node.value.typeName
      }
    diagnostics.append(
      Diagnostic("\(name) must be \(expected)", detail: "found \(found)", position: node.position))
  }

  private mutating func checkScalar(
    _ node: YAMLNode, path: [String], expected: String, accepts: (Value) -> Bool
  ) -> Value? {
    let value = node.value
    // A reference is checked once it is known what it refers to.
    if let text = value.string, text.contains("${") { return value }
    if accepts(value) { return value }
    mismatch(node, path: path, expected: expected)
    return nil
  }

  private mutating func checkString(_ node: YAMLNode, _ rule: StringRule, path: [String]) -> Value? {
    // Unquoted 123456789012 is meant as text where text is asked for.
    guard case .scalar(let text, let plain) = node.content, !(plain && (node.value == .null || node.value.bool != nil))
    else {
      mismatch(node, path: path, expected: "text")
      return nil
    }
    if text.contains("${") { return .string(text) }
    switch rule {
    case .free: return .string(text)
    case .oneOf(let words):
      if words.contains(text) { return .string(text) }
      diagnostics.append(
        Diagnostic(
          "`\(text)` is not a value of `\(path.last ?? "")`",
          detail: "expected one of \(words.joined(separator: ", "))",
          remedy: Suggestion.nearest(to: text, among: words).map { "Did you mean `\($0)`?" } ?? "",
          position: node.position))
    case .checked(_, let meaning, let isValid):
      if isValid(text) { return .string(text) }
      mismatch(node, path: path, expected: meaning)
    case .folder: return checkPath(text, node, is: .folder)
    case .uploadedFile:
      if text.hasPrefix("s3://") { return .string(text) }
      uploadedFiles.append(path)
      return checkPath(text, node, is: .file)
    }
    return nil
  }

  private mutating func checkPath(_ text: String, _ node: YAMLNode, is wantedKind: PathKind) -> Value? {
    let kind = pathKind(text)
    if kind == wantedKind { return .string(text) }
    let wanted = wantedKind == .folder ? "folder" : "file"
    let summary = kind == .missing ? "No \(wanted) `\(text)`" : "`\(text)` is not a \(wanted)"
    diagnostics.append(
      Diagnostic(
        summary, detail: "paths are relative to the stack file's folder",
        remedy: "Correct the path or create the \(wanted).", position: node.position))
    return nil
  }

  private mutating func checkList(_ node: YAMLNode, _ element: Schema, path: [String]) -> Value? {
    guard case .list(let items) = node.content else {
      mismatch(node, path: path, expected: "a list")
      return nil
    }
    var values: [Value] = []
    for (index, item) in items.enumerated() {
      if let value = check(item, element, path: path + [String(index)]) { values.append(value) }
    }
    return .list(values)
  }

  private mutating func checkMap(_ node: YAMLNode, _ element: Schema, path: [String]) -> Value? {
    guard case .map(let entries) = node.content else {
      mismatch(node, path: path, expected: "a map")
      return nil
    }
    var members: [String: Value] = [:]
    for entry in entries {
      if let value = check(entry.value, element, path: path + [entry.key]) { members[entry.key] = value }
    }
    return .object(members)
  }

  private mutating func checkObject(_ node: YAMLNode, _ fields: [Field], path: [String]) -> Value? {
    guard case .map(let entries) = node.content else {
      mismatch(node, path: path, expected: "a map")
      return nil
    }
    var members: [String: Value] = [:]
    for entry in entries {
      guard let field = fields.first(where: { $0.name == entry.key }) else {
        diagnostics.append(
          Diagnostic(
            "Unknown key `\(entry.key)`",
            detail: path.isEmpty ? "at the top of the file" : "in `\(path.joined(separator: "."))`",
            remedy: Suggestion.remedy(for: entry.key, among: fields.map(\.name)), position: entry.keyPosition))
        continue
      }
      if let value = check(entry.value, field.schema, path: path + [entry.key]) { members[entry.key] = value }
    }
    for field in fields where field.required && !entries.contains(where: { $0.key == field.name }) {
      diagnostics.append(
        Diagnostic(
          "`\(field.name)` is missing",
          detail: path.isEmpty ? field.summary : "in `\(path.joined(separator: "."))`: \(field.summary)",
          position: node.position))
    }
    return .object(members)
  }

  /// The first alternative that fits; when none does, what the last alternative of the node's own
  /// shape has to say, since that is what the user was writing.
  private mutating func checkOneOf(_ node: YAMLNode, _ schemas: [Schema], path: [String]) -> Value? {
    var nearest: SchemaCheck?
    for schema in schemas {
      var attempt = self
      attempt.diagnostics = []
      let value = attempt.check(node, schema, path: path)
      if attempt.diagnostics.isEmpty {
        positions = attempt.positions
        uploadedFiles = attempt.uploadedFiles
        return value
      }
      if schema.hasShape(of: node) { nearest = attempt }
    }
    if let nearest {
      diagnostics += nearest.diagnostics
    } else {
      mismatch(node, path: path, expected: schemas.map(\.phrase).joined(separator: " or "))
    }
    return nil
  }
}

extension Schema {
  fileprivate func hasShape(of node: YAMLNode) -> Bool {
    switch (self, node.content) {
    case (.list, .list), (.map, .map), (.object, .map), (.string, .scalar), (.any, _): true
    default: false
    }
  }

  /// What a person would call such a value.
  var phrase: String {
    switch self {
    case .string: "text"
    case .bool: "true or false"
    case .int: "a whole number"
    case .number: "a number"
    case .list: "a list"
    case .map, .object: "a map"
    case .oneOf(let schemas): schemas.map(\.phrase).joined(separator: " or ")
    case .any: "anything"
    }
  }
}
