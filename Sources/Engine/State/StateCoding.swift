import FoundationEssentials
import Model

extension State: Codable {
  private enum Key: String, CodingKey {
    case version, stack, lineage, serial, updatedAt, producer, resources
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let resources = try container.decode([StateResource].self, forKey: .resources)
    let serial = try container.decode(Int.self, forKey: .serial)
    guard (0...(1 << 53)).contains(serial) else {
      throw DecodingError.dataCorruptedError(forKey: .serial, in: container, debugDescription: "serial \(serial)")
    }
    var seen: Set<Address> = []
    for resource in resources where !seen.insert(resource.address).inserted {
      throw DecodingError.dataCorruptedError(
        forKey: .resources, in: container, debugDescription: "\(resource.address) is in it twice")
    }
    self.init(
      stack: try container.decode(String.self, forKey: .stack),
      lineage: try container.decode(String.self, forKey: .lineage), serial: serial,
      updatedAt: try container.decode(Date.self, forKey: .updatedAt),
      producer: try container.decode(String.self, forKey: .producer), resources: resources)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(State.formatVersion, forKey: .version)
    try container.encode(stack, forKey: .stack)
    try container.encode(lineage, forKey: .lineage)
    try container.encode(serial, forKey: .serial)
    try container.encode(updatedAt, forKey: .updatedAt)
    try container.encode(producer, forKey: .producer)
    try container.encode(sortedResources, forKey: .resources)
  }

  /// Pretty-printed with sorted keys and a final newline.
  /// - Throws: `Diagnostic` when a value cannot be stored, which would be a defect of a kind.
  package func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    do {
      return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    } catch {
      throw Diagnostic("The state cannot be written", detail: "\(error)")
    }
  }

  private struct Header: Decodable {
    var version: Int
  }

  /// - Parameter location: for messages, e.g. `s3://bucket/stack.state.json`.
  /// - Throws: `Diagnostic` when the text is no state, or one of a newer program.
  package static func decode(_ bytes: [UInt8], location: String) throws -> State {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    let data = Data(bytes)
    do {
      let version = try decoder.decode(Header.self, from: data).version
      guard version <= formatVersion else {
        throw Diagnostic(
          "The state was written by a newer mrhealth",
          detail: "\(location) has format version \(version); this program reads up to \(formatVersion).",
          remedy: "Install the newest mrhealth and run the command again.")
      }
      return try decoder.decode(State.self, from: data)
    } catch let diagnostic as Diagnostic {
      throw diagnostic
    } catch {
      throw Diagnostic(
        "The state is damaged", detail: "\(location): \(explain(error)).",
        remedy: "The bucket keeps its earlier versions: see `mrhealth state history`, and `mrhealth state rollback`.")
    }
  }

  /// A decoding error in a few words: where, and what.
  private static func explain(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "\(error)" }
    let (context, what): (DecodingError.Context, String) =
      switch error {
      case .keyNotFound(let key, let context): (context, "\"\(key.stringValue)\" is missing")
      case .typeMismatch(_, let context), .valueNotFound(_, let context): (context, context.debugDescription)
      case .dataCorrupted(let context): (context, context.debugDescription)
      @unknown default: (.init(codingPath: [], debugDescription: ""), "it cannot be read")
      }
    let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    let text = what.hasSuffix(".") ? String(what.dropLast()) : what
    return path.isEmpty ? text : "\(path): \(text)"
  }
}

extension StateResource: Codable {
  private enum Key: String, CodingKey {
    case address, kind, id, status, token, inputs, written, outputs, dependsOn, keep, protect, createdAt
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init(
      address: try container.decode(Address.self, forKey: .address),
      id: try container.decodeIfPresent(String.self, forKey: .id),
      status: try container.decode(Status.self, forKey: .status),
      token: try container.decodeIfPresent(String.self, forKey: .token),
      inputs: try container.decode(Value.self, forKey: .inputs),
      written: try container.decodeIfPresent(Value.self, forKey: .written),
      outputs: try container.decodeIfPresent(Value.self, forKey: .outputs) ?? [:],
      dependsOn: try container.decodeIfPresent([Address].self, forKey: .dependsOn) ?? [],
      keep: try container.decodeIfPresent(Bool.self, forKey: .keep) ?? false,
      protect: try container.decodeIfPresent(Bool.self, forKey: .protect) ?? false,
      createdAt: try container.decodeIfPresent(Date.self, forKey: .createdAt))
    guard id != nil || status == .creating else {
      throw DecodingError.dataCorruptedError(
        forKey: .id, in: container, debugDescription: "\(address) is \(status.rawValue) but has no id")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(address, forKey: .address)
    // For people and scripts that read the file; the address says it already.
    try container.encode(address.kind, forKey: .kind)
    try container.encodeIfPresent(id, forKey: .id)
    try container.encode(status, forKey: .status)
    try container.encodeIfPresent(token, forKey: .token)
    try container.encode(inputs, forKey: .inputs)
    try container.encodeIfPresent(written, forKey: .written)
    try container.encode(outputs, forKey: .outputs)
    try container.encode(dependsOn, forKey: .dependsOn)
    try container.encode(keep, forKey: .keep)
    try container.encode(protect, forKey: .protect)
    try container.encodeIfPresent(createdAt, forKey: .createdAt)
  }
}
