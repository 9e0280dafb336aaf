/// What the clients of the services share.
extension AWSClient {
  /// A call of a query or EC2 service whose parameters are added by `fill`.
  func query(
    _ service: Service, _ operation: String, _ fill: (inout QueryForm) -> Void
  ) async throws(AWSError) -> XMLNode {
    var form = QueryForm()
    fill(&form)
    return try await query(service, operation, form)
  }

  /// A member without which an answer is of no use.
  /// - Throws: `Client.Decoding`
  func required<Value>(
    _ value: Value?, _ name: String, _ service: Service, _ operation: String
  ) throws(AWSError) -> Value {
    guard let value else {
      throw AWSError(
        service: service.id, operation: operation, code: ClientCode.decoding, message: "the answer has no \(name)")
    }
    return value
  }
}

/// Collects all pages of a listing.
/// - Parameter page: called with nil first, then with the marker that the page before gave; gives its items and the
///   next marker, nil or empty after the last page.
/// - Throws: what `page` throws; `Client.Decoding` when a page repeats the marker it was asked with, which would go
///   on for ever.
func allPages<Item: Sendable>(
  _ service: Service, _ operation: String,
  _ page: (String?) async throws(AWSError) -> (items: [Item], next: String?)
) async throws(AWSError) -> [Item] {
  var all: [Item] = []
  var marker: String?
  while true {
    let (items, next) = try await page(marker)
    all += items
    guard let next, !next.isEmpty else { return all }
    if next == marker { throw AWSError.endlessPages(service, operation) }
    marker = next
  }
}

extension AWSError {
  static func endlessPages(_ service: Service, _ operation: String) -> AWSError {
    AWSError(
      service: service.id, operation: operation, code: ClientCode.decoding,
      message: "a page names itself as the next page")
  }
}

extension QueryForm {
  /// A map: `Name.entry.1.key`, `Name.entry.1.value`, in order of the keys.
  mutating func add(map name: String, _ values: [String: String]) {
    for (number, entry) in zip(1..., values.sorted { $0.key < $1.key }) {
      add("\(name).entry.\(number).key", entry.key)
      add("\(name).entry.\(number).value", entry.value)
    }
  }
}

extension XMLNode {
  /// The tags in its children of that name, whose members are `Key` and `Value` or, in EC2, `key` and `value`.
  func tags(_ member: String) -> [String: String] {
    let pairs = all(member).compactMap { tag in
      (tag.text(of: "Key") ?? tag.text(of: "key")).map { key in
        (key, tag.text(of: "Value") ?? tag.text(of: "value") ?? "")
      }
    }
    return Dictionary(pairs) { _, last in last }
  }
}

extension Array {
  /// Split into runs of at most `size`.
  package func chunks(of size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: Swift.max(1, size)).map {
      Array(self[$0..<Swift.min(count, $0 + Swift.max(1, size))])
    }
  }
}

extension ClientCode {
  /// What arrived does not have the checksum that AWS states.
  package static let checksum = "Client.Checksum"
}
