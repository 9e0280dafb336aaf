internal import Model

/// The tags by which mrhealth knows its own (invariant 4). Users' tags beginning with `mrhealth:` are refused.
package enum Tags {
  package static let prefix = "mrhealth:"
  package static let stack = "mrhealth:stack"
  package static let address = "mrhealth:address"
  package static let token = "mrhealth:token"

  /// The users' tags among those that AWS reports: ours and AWS's own (`aws:`) are no one's drift.
  static func users(_ all: [String: String]) -> [String: String] {
    all.filter { !$0.key.hasPrefix(prefix) && !$0.key.hasPrefix("aws:") }
  }

  /// True when the tags name this stack and address.
  static func areOurs(_ tags: [String: String], _ own: [String: String]) -> Bool {
    tags[stack] == own[stack] && tags[address] == own[address] && own[stack] != nil
  }

  /// Those of ours that are not there, or say something else.
  static func missing(in tags: [String: String], _ own: [String: String]) -> [String] {
    [stack, address].filter { own[$0] != nil && tags[$0] != own[$0] }
  }

  static func check(_ tags: [String: String]) throws(Diagnostic) {
    if let reserved = tags.keys.sorted().first(where: { $0.hasPrefix(prefix) || $0.hasPrefix("aws:") }) {
      throw Diagnostic(
        "The tag `\(reserved)` is reserved", detail: "tags beginning with `mrhealth:` or `aws:` are not yours to set",
        remedy: "Choose another key.")
    }
  }

  /// What must be set and what removed to get from one set of tags to another.
  static func changes(
    from old: [String: String], to new: [String: String]
  ) -> (set: [String: String], remove: [String]) {
    (new.filter { old[$0.key] != $0.value }, old.keys.filter { new[$0] == nil }.sorted())
  }
}

/// A resource of the wanted name exists and this stack did not make it (invariant 4).
struct ForeignResource: DiagnosticConvertible {
  let diagnostic: Diagnostic

  init(_ diagnostic: Diagnostic) {
    self.diagnostic = diagnostic
  }

  init(_ what: String, _ name: String, id: String? = nil, context address: Address) {
    diagnostic = Diagnostic(
      "\(what) `\(name)` exists and does not belong to this stack",
      detail: "it does not carry the tags that mrhealth puts on what it makes",
      remedy: "Take it over with `mrhealth state import \(address) \(id ?? name)`, or choose another name.",
      address: address)
  }
}
