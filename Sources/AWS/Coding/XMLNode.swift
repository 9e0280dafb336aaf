/// An element of a parsed XML answer. Immutable; prefixes of names are dropped, so `ns:Code` is `Code`.
package final class XMLNode: Sendable {
  package let name: String
  package let attributes: [String: String]
  package let children: [XMLNode]
  /// The character data directly inside, with surrounding white space removed when there are children.
  package let text: String

  package init(name: String, attributes: [String: String] = [:], children: [XMLNode] = [], text: String = "") {
    self.name = name
    self.attributes = attributes
    self.children = children
    self.text = text
  }

  /// The first child of that name.
  package subscript(_ name: String) -> XMLNode? { children.first { $0.name == name } }

  /// All children of that name.
  package func all(_ name: String) -> [XMLNode] { children.filter { $0.name == name } }

  /// Text of the first child of that name; nil when there is no such child.
  package func text(of name: String) -> String? { self[name]?.text }

  /// Follows names downwards: `node.at("Error", "Code")`.
  package func at(_ path: String...) -> XMLNode? {
    var node: XMLNode? = self
    for name in path { node = node?[name] }
    return node
  }

  /// The members of a list: `items(in: "Roles", of: "member")`; empty when the list is missing.
  package func items(in list: String, of member: String = "member") -> [XMLNode] { self[list]?.all(member) ?? [] }
}
