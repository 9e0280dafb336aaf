internal import FoundationEssentials
package import Model

/// What a Terraform state (format version 4) says of the resources that it manages: where the configuration
/// has them, and what AWS calls them.
///
/// A state is untrusted, and full of secrets: only the attributes by which resources are told apart are ever
/// taken out of it, and of these none that Terraform marks as sensitive.
///
/// Source: https://github.com/hashicorp/terraform/blob/v1.11.4/internal/states/statefile/version4.go
package struct TerraformState: Sendable, Hashable {
  /// A larger file is no state of a stack that this product replaces.
  package static let largest = 64 << 20

  /// The version of Terraform that wrote it; may be empty.
  package var terraformVersion: String
  /// One for every instance, as the file lists them; data sources are left out.
  package var resources: [TerraformResource]

  package init(terraformVersion: String = "", resources: [TerraformResource]) {
    self.terraformVersion = terraformVersion
    self.resources = resources
  }

  /// - Parameter file: for messages.
  /// - Throws: `Diagnostic` when the bytes are no state of format version 4, saying what they are instead.
  package init(_ bytes: [UInt8], file: String) throws(Diagnostic) {
    let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
    guard text.count <= Self.largest else {
      throw Diagnostic(
        "\(file) is too large for a Terraform state",
        detail: "it has more than \(Self.largest >> 20) MiB", remedy: Self.pull)
    }
    guard text.contains(where: { !Self.blanks.contains($0) }) else {
      throw Diagnostic("\(file) is empty", detail: "expected a Terraform state", remedy: Self.pull)
    }
    guard !text.starts(with: Array("PK".utf8)) else {
      throw Diagnostic(
        "\(file) is not a Terraform state", detail: "it is an archive, as `terraform plan -out` writes",
        remedy: Self.pull)
    }
    do {
      let document = try JSONDecoder().decode(TerraformDocument.self, from: Data(text))
      try document.check(file)
      self.init(
        terraformVersion: document.terraformVersion, resources: try document.resources.flatMap { try $0.resources() })
    } catch let diagnostic as Diagnostic {
      throw diagnostic
    } catch let error as DecodingError {
      throw Self.damaged(file, error.brief)
    } catch {
      throw Self.damaged(file, "it cannot be read")
    }
  }

  private static let blanks = Set(" \t\r\n".utf8)
  /// What gives the right file, wherever the state is kept.
  static let pull = "Write the state to a file with `terraform state pull > state.json`, and name that."

  private static func damaged(_ file: String, _ what: String) -> Diagnostic {
    Diagnostic("\(file) is not a Terraform state", detail: what, remedy: pull)
  }
}

/// One instance of a resource in a Terraform state.
package struct TerraformResource: Sendable, Hashable {
  /// `module.lake.aws_s3_bucket.this["lake"]`
  package var address: String
  /// The same without the index of the instance: names all its instances.
  package var block: String
  /// `aws_s3_bucket`
  package var type: String
  /// Those by which AWS's resources are told apart: `id`, `arn`, `name`, ...
  package var attributes: [String: String]
  /// The same of those that are lists.
  package var lists: [String: [String]]

  package init(
    address: String, block: String? = nil, type: String, attributes: [String: String] = [:],
    lists: [String: [String]] = [:]
  ) {
    self.address = address
    self.block = block ?? address
    self.type = type
    self.attributes = attributes
    self.lists = lists
  }

  package subscript(_ name: String) -> String? { attributes[name] }

  /// All that is ever read of an instance's attributes.
  static let known: Set<String> = [
    "id", "arn", "bucket", "key", "name", "role", "role_name", "vpc_id", "security_group_id", "cluster_id", "topic_arn",
    "protocol", "endpoint", "type", "region",
  ]
  static let knownLists: Set<String> = ["roles"]
}

// MARK: - the file's own form

/// The top of the file, and what it is if it is no state.
private struct TerraformDocument: Decodable {
  var version: Int?
  var terraformVersion: String
  var resources: [TerraformEntry]
  /// Top-level members that tell one kind of file from another.
  var members: Set<String>

  private static let telling = [
    "version", "format_version", "values", "planned_values", "backend", "encrypted_data", "modules", "resources",
    "lineage",
  ]

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: AnyKey.self)
    members = Set(Self.telling.filter { container.contains(AnyKey($0)) })
    version = try? container.decode(Int.self, forKey: AnyKey("version"))
    terraformVersion = (try? container.decode(String.self, forKey: AnyKey("terraform_version"))) ?? ""
    // Of any other version the form is another.
    resources =
      version == 4 ? try container.decodeIfPresent([TerraformEntry].self, forKey: AnyKey("resources")) ?? [] : []
  }

  func check(_ file: String) throws(Diagnostic) {
    if members.contains("encrypted_data") {
      throw Diagnostic(
        "\(file) is encrypted", detail: "OpenTofu has encrypted this state",
        remedy: "Write it out readable with `tofu state pull > state.json`, and name that.")
    }
    if members.contains("format_version") {
      let program = members.contains("planned_values") ? "terraform show -json PLAN" : "terraform show -json"
      throw Diagnostic(
        "\(file) is not a Terraform state", detail: "it is the output of `\(program)`", remedy: TerraformState.pull)
    }
    if members.contains("backend"), !members.contains("resources") {
      throw Diagnostic(
        "\(file) only says where the state is kept", detail: "it is Terraform's note of a remote backend",
        remedy: TerraformState.pull)
    }
    guard let version else {
      throw Diagnostic(
        "\(file) is not a Terraform state", detail: "it has no `version`", remedy: TerraformState.pull)
    }
    guard version >= 4 else {
      throw Diagnostic(
        "\(file) is of an old Terraform", detail: "it has format version \(version); expected 4",
        remedy: "Run `terraform apply -refresh-only` with Terraform 0.13 or newer, which writes version 4.")
    }
    guard version == 4, members.contains("resources") || members.contains("lineage") else {
      throw Diagnostic(
        "\(file) is not a Terraform state that is understood",
        detail: version == 4
          ? "it has neither `resources` nor `lineage`" : "it has format version \(version); expected 4",
        remedy: version == 4 ? TerraformState.pull : "Install the newest mrhealth.")
    }
  }
}

/// A resource as the file has it, with its instances.
private struct TerraformEntry: Decodable {
  var mode: String
  var type: String
  var name: String
  var module: String?
  var instances: [Instance]?

  struct Instance: Decodable {
    var index: Value?
    /// Set for one that Terraform has replaced and not yet destroyed.
    var deposed: String?
    var attributes: Attributes?
    /// Left by Terraform 0.11.
    var flatAttributes: Attributes?
    /// Paths; the first step of each names an attribute.
    var sensitive: [[Step]]?

    enum CodingKeys: String, CodingKey {
      case deposed, attributes
      case index = "index_key"
      case flatAttributes = "attributes_flat"
      case sensitive = "sensitive_attributes"
    }
  }

  struct Step: Decodable {
    var value: Value?
  }

  struct Attributes: Decodable {
    var texts: [String: String] = [:]
    var lists: [String: [String]] = [:]

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: AnyKey.self)
      for name in TerraformResource.known {
        if let text = try? container.decode(String.self, forKey: AnyKey(name)), !text.isEmpty { texts[name] = text }
      }
      for name in TerraformResource.knownLists {
        if let items = try? container.decode([String].self, forKey: AnyKey(name)) { lists[name] = items }
      }
    }
  }

  /// - Throws: `Diagnostic` for names that no Terraform writes.
  func resources() throws(Diagnostic) -> [TerraformResource] {
    guard mode == "managed" else { return [] }
    let words = [type, name]
    guard words.allSatisfy({ !$0.isEmpty && $0.allSatisfy(Self.isNameCharacter) }),
      (module ?? "").unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
    else {
      throw Diagnostic(
        "The Terraform state is damaged", detail: "a resource has a name that Terraform does not allow",
        remedy: TerraformState.pull)
    }
    let block = (module.map { $0.isEmpty ? "" : $0 + "." } ?? "") + "\(type).\(name)"
    return (instances ?? []).map { (instance: Instance) -> TerraformResource in
      let hidden = Set((instance.sensitive ?? []).compactMap { $0.first?.value?.string })
      let read = instance.attributes ?? instance.flatAttributes
      var resource = TerraformResource(
        address: block + Self.index(instance.index), block: block, type: type,
        attributes: (read?.texts ?? [:]).filter { !hidden.contains($0.key) },
        lists: (read?.lists ?? [:]).filter { !hidden.contains($0.key) })
      if instance.deposed != nil {
        // It is about to go; nothing is known by its name any more.
        resource.address += " (deposed)"
        resource.attributes = [:]
      }
      return resource
    }
  }

  private static func isNameCharacter(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_" || character == "-"
  }

  /// `[0]` or `["lake"]`, as Terraform writes an address.
  private static func index(_ key: Value?) -> String {
    switch key {
    case .int(let number)?: "[\(number)]"
    case .string(let text)?: "[\"\(escaped(text))\"]"
    default: ""
    }
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    // In a quoted string these begin a template.
    return String(result.split(separator: "${", omittingEmptySubsequences: false).joined(separator: "$${"))
      .split(separator: "%{", omittingEmptySubsequences: false).joined(separator: "%%{")
  }
}

private struct AnyKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }

  init(_ name: String) { stringValue = name }
  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { return nil }
}
