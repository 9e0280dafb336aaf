internal import FoundationEssentials

/// Reads `stack.yaml`: a section for every kind of resource, and the pipeline.
package struct StackFile {
  /// The version of the format that this program reads.
  package static let version: Int64 = 1

  let kinds: [KindDefinition]

  package init(kinds: [KindDefinition]) {
    self.kinds = kinds
  }

  /// - Parameter path: the file, or a folder that holds `stack.yaml`.
  /// - Throws: `Diagnostics` with everything that is wrong, each with its position.
  package func load(_ path: String) throws(Diagnostics) -> Stack {
    var file = path
    var isFolder = false
    if FileManager.default.isFolder(path) {
      isFolder = true
      file = path.hasSuffix("/") ? path + "stack.yaml" : path + "/stack.yaml"
    }
    let bytes: [UInt8]
    do {
      bytes = [UInt8](try Data(contentsOf: URL(filePath: file)))
    } catch {
      let exists = FileManager.default.fileExists(atPath: file)
      throw Diagnostics([
        Diagnostic(
          exists ? "The stack file cannot be read" : "No stack file at \(file)",
          detail: exists
            ? "\(file): permission denied or not a regular file" : isFolder ? "the folder has no stack.yaml" : "",
          remedy: exists ? "Make it readable." : "Name a stack with --stack PATH.")
      ])
    }
    return try parse(bytes, file: file)
  }

  /// Reads a stack from the bytes of its file; paths in it are looked up beside `file`.
  package func parse(_ bytes: [UInt8], file: String) throws(Diagnostics) -> Stack {
    let root: YAMLNode
    do throws(Diagnostic) {
      guard let node = try YAMLReader.read(bytes, file: file) else {
        throw Diagnostic("The stack file is empty", position: SourcePosition(file: file, line: 1, column: 1))
      }
      root = node
    } catch {
      throw Diagnostics([error])
    }
    let folder = file.contains("/") ? String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)]) : "."
    var check = SchemaCheck { path in
      let full = path.hasPrefix("/") ? path : "\(folder)/\(path)"
      guard FileManager.default.fileExists(atPath: full) else { return .missing }
      return FileManager.default.isFolder(full) ? .folder : .file
    }
    let value = check.check(root, .object(fields), path: [])
    guard check.diagnostics.isEmpty, let value else { throw Diagnostics(check.diagnostics) }
    var builder = StackBuilder(file: file, folder: folder.isEmpty ? "/" : folder, check: check, kinds: kinds)
    return try builder.build(value)
  }

  /// The top of the file.
  package var fields: [Field] {
    var fields: [Field] = [
      Field(
        "stack", .string(.stackName), required: true, "The stack's name: it names the state file and tags everything."),
      Field("version", .int(1...Self.version), "Version of this format."),
      Field("region", .string, "AWS region, unless --region names another."),
      Field("timezone", .string, "Zone of the business dates, e.g. America/Sao_Paulo; UTC when left out."),
      Field(
        "variables",
        .map(
          of: .object([
            Field(
              "default", .oneOf([.number, .bool, .string]), "Value when --var gives none; without it one must be given."
            ),
            Field("description", .string, "What it is for."),
          ])), "Values that --var sets, used as `${var.NAME}`."),
      Field("tags", .map(of: .string), "Tags for every resource."),
      Field("state", .string, required: true, "The bucket that holds the state file, e.g. `s3.bucket.lake`."),
    ]
    for kind in kinds {
      fields.append(Field(kind.section, .map(of: .object(kind.inputs + Self.metaFields)), kind.summary))
    }
    fields.append(Field("pipeline", .object(Pipeline.fields), "What `mrhealth run` does."))
    return fields
  }

  static let metaFields: [Field] = [
    Field("depends_on", .list(of: .string), "Addresses that must be done first, where no reference says so."),
    Field("protect", .bool, "Refuse every plan that would delete or replace it."),
    Field("keep", .bool, "Survives `destroy`; only `destroy --purge` takes it."),
  ]
}

extension StringRule {
  static let stackName = StringRule.checked(
    pattern: "^[a-z][a-z0-9-]{0,30}$",
    meaning: "a name of lower-case letters, digits and hyphens, at most 31, beginning with a letter"
  ) { text in
    guard let first = text.first, first.isASCII, first.isLowercase, text.count <= 31 else { return false }
    return text.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }
  }
}

extension FileManager {
  fileprivate func isFolder(_ path: String) -> Bool {
    var isDirectory = false
    return fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory
  }
}
