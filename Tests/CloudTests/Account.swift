import Engine
import Model
import Support
import Synchronization
import Testing

@testable import Cloud

/// The kinds over a scripted AWS, and what they told the engine.
final class Account: Sendable {
  let aws = ScriptedAWS()
  let providers: [String: any ResourceProvider]
  private let told = Mutex<(created: [String], progress: [String])>(([], []))

  init(folder: String = "/nowhere", region: String = "us-east-2") {
    let all = Catalog.providers(
      aws.client(region: region), account: "123456789012", partition: "aws", folder: folder)
    providers = Dictionary(all.map { ($0.kind, $0) }, uniquingKeysWith: { $1 })
  }

  func kind(_ name: String) throws -> any ResourceProvider { try #require(providers[name]) }

  func normalize(_ kind: String, _ inputs: Value) throws -> Value { try self.kind(kind).normalize(inputs) }

  /// Ids handed over before any waiting.
  var created: [String] { told.withLock { $0.created } }
  var progress: [String] { told.withLock { $0.progress } }

  static let tags = [Tags.stack: "s", Tags.address: "a.b.c", Tags.token: "t-1"]

  var context: ResourceContext {
    ResourceContext(
      address: Address(kind: "a.b", name: "c"), tags: Self.tags, token: "t-1",
      progress: { text in self.told.withLock { $0.progress.append(text) } },
      created: { id in self.told.withLock { $0.created.append(id) } })
  }

  /// What the state would hold of a resource that was applied with these inputs.
  func recorded(_ kind: String, _ inputs: Value, _ outputs: Value) throws -> Observation {
    Observation(inputs: try normalize(kind, inputs), outputs: outputs)
  }
}

/// Runs what must end in a `Diagnostic`.
func diagnostic<Result>(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Result
) async -> Diagnostic {
  do {
    _ = try await body()
    Issue.record("no error", sourceLocation: sourceLocation)
  } catch let diagnostic as Diagnostic {
    return diagnostic
  } catch let failure as any DiagnosticConvertible {
    return failure.diagnostic
  } catch {
    Issue.record("not a diagnostic: \(error)", sourceLocation: sourceLocation)
  }
  return Diagnostic("none")
}

func tagsXML(_ tags: [String: String], _ element: String = "member") -> String {
  tags.sorted { $0.key < $1.key }.map {
    "<\(element)><Key>\($0.key)</Key><Value>\($0.value)</Value></\(element)>"
  }.joined()
}

extension Value {
  /// The object with a member set; nil takes it away.
  func with(_ key: String, _ value: Value?) -> Value {
    var members = object ?? [:]
    members[key] = value
    return .object(members)
  }
}
