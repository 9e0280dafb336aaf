/// Parameters of the query protocols, in order, and their `application/x-www-form-urlencoded` body.
package struct QueryForm: Sendable, ExpressibleByDictionaryLiteral {
  package private(set) var items: [(name: String, value: String)] = []

  package init() {}

  package init(_ items: KeyValuePairs<String, String?>) {
    for (name, value) in items { add(name, value) }
  }

  package init(dictionaryLiteral elements: (String, String?)...) {
    for (name, value) in elements { add(name, value) }
  }

  /// A nil value is left out; an empty one is sent.
  package mutating func add(_ name: String, _ value: String?) {
    if let value { items.append((name, value)) }
  }

  package mutating func add(_ name: String, _ value: Int?) { add(name, value.map { String($0) }) }

  package mutating func add(_ name: String, _ value: Bool?) { add(name, value.map { $0 ? "true" : "false" }) }

  /// `Name.member.1=...`, or with `member: nil`, as EC2 wants it, `Name.1=...`.
  package mutating func add(list name: String, _ values: [String], member: String? = "member") {
    for (index, value) in values.enumerated() {
      add(Self.item(name, index, member: member), value)
    }
  }

  /// Tags in order of their keys: `Name.member.1.Key`, `Name.member.1.Value`.
  package mutating func add(tags name: String, _ tags: [String: String], member: String? = "member") {
    for (index, tag) in tags.sorted(by: { $0.key < $1.key }).enumerated() {
      let item = Self.item(name, index, member: member)
      add("\(item).Key", tag.key)
      add("\(item).Value", tag.value)
    }
  }

  /// The name of a list's element; `index` counts from 0, the name from 1.
  package static func item(_ name: String, _ index: Int, member: String? = "member") -> String {
    member.map { "\(name).\($0).\(index + 1)" } ?? "\(name).\(index + 1)"
  }

  package var body: [UInt8] {
    Array(items.map { URLEncoding.encode($0.name) + "=" + URLEncoding.encode($0.value) }.joined(separator: "&").utf8)
  }
}
