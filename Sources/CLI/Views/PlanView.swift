internal import Engine
internal import Model

/// A plan as Terraform's users read one: what will happen to which resource, and which attributes differ.
struct PlanView {
  let terminal: Terminal
  /// Longest value shown, in columns.
  private static let longest = 100

  init(_ terminal: Terminal) {
    self.terminal = terminal
  }

  func lines(_ plan: Plan) -> [String] {
    var lines: [String] = []
    for change in plan.changes where change.action.isChange || !change.drift.isEmpty { lines += self.lines(change) }
    if !lines.isEmpty { lines.append("") }
    return lines + [summary(plan)]
  }

  func summary(_ plan: Plan) -> String {
    if plan.mode == .refreshOnly {
      let (drifted, gone) = (plan.summary.drifted, plan.summary.forget)
      guard plan.hasChanges else { return "Nothing was changed outside." }
      return "\(drifted) changed outside\(gone > 0 ? ", of them \(gone) deleted" : "")."
    }
    guard plan.hasChanges else {
      let kept = plan.changes.filter { $0.action == .keep }.map(\.address.description)
      return kept.isEmpty
        ? "No changes. What is there matches the stack." : "Nothing to destroy. Kept: \(kept.joined(separator: ", "))."
    }
    return terminal.styled("Plan: ", .bold) + plan.summary.line + "."
  }

  private func lines(_ change: ResourceChange) -> [String] {
    let (sign, word, style) = Self.mark(change.action)
    var head = "\(sign) \(DisplayWidth.pad(change.address.description, to: 34)) \(word)"
    if let reason = change.reason { head += ": \(reason)" }
    var lines = [terminal.styled(head, style)]
    if change.needsConsent { lines.append(terminal.styled("    its data will be lost", .bold, .red)) }
    for drift in change.drift where change.action != .delete {
      lines.append(
        terminal.styled("    changed outside: \(drift.name): \(text(drift.old)) -> \(text(drift.new))", .yellow))
    }
    let shown = change.action == .create ? change.attributes.filter { !Self.isEmpty($0.new) } : change.attributes
    let width = shown.map { DisplayWidth.of($0.name) }.max() ?? 0
    for attribute in shown.prefix(40) {
      let line = "    " + line(attribute, width, change.action)
      lines.append(terminal.isTerminal ? DisplayWidth.clip(line, to: terminal.size.columns) : line)
    }
    if shown.count > 40 { lines.append("    ... and \(shown.count - 40) more") }
    return lines
  }

  private func line(_ attribute: AttributeChange, _ width: Int, _ action: Action) -> String {
    let name = DisplayWidth.pad(attribute.name, to: min(width, 44))
    if action == .create { return "\(name) = \(text(attribute.new))" }
    let forced = attribute.forcesReplacement ? terminal.styled("  # forces replacement", .red) : ""
    return "\(name) = \(text(attribute.old)) -> \(text(attribute.new))\(forced)"
  }

  private func text(_ value: Value?) -> String {
    let whole: String =
      switch value {
      case nil, .null?: "(none)"
      case .unknown?: "(known after apply)"
      case .string(let text)?: "\"\(text)\""
      case .list(let items)?: "[" + items.map { self.text($0) }.joined(separator: ", ") + "]"
      case .object(let members)?:
        "{" + members.keys.sorted().map { "\($0): \(self.text(members[$0]))" }.joined(separator: ", ") + "}"
      case let scalar?: scalar.scalarText ?? ""
      }
    return DisplayWidth.clip(whole, to: Self.longest)
  }

  /// What was left out of the stack file and means nothing.
  private static func isEmpty(_ value: Value?) -> Bool {
    switch value {
    case nil, .null?: true
    case .list(let items)?: items.isEmpty
    case .object(let members)?: members.isEmpty
    case .string(let text)?: text.isEmpty
    default: false
    }
  }

  private static func mark(_ action: Action) -> (sign: String, word: String, style: Terminal.Style) {
    switch action {
    case .create: ("+", "create", .green)
    case .update: ("~", "change in place", .yellow)
    case .replace: ("±", "replace", .yellow)
    case .delete: ("-", "delete", .red)
    case .adopt: ("*", "take over", .cyan)
    case .noChange: (" ", "no change", .dim)
    case .keep: (" ", "keep", .dim)
    case .forget: ("-", "forget", .dim)
    }
  }
}

/// `plan --json`
struct PlanDocument: Encodable {
  struct Change: Encodable {
    struct Attribute: Encodable {
      var path: String
      var old: Value?
      var new: Value?
      /// The new value is known only after apply.
      var unknown: Bool
      var forcesReplacement: Bool

      init(_ change: AttributeChange) {
        path = change.name
        old = change.old
        unknown = change.new?.containsUnknown ?? false
        new = unknown ? nil : change.new
        forcesReplacement = change.forcesReplacement
      }
    }

    var address: String
    var action: String
    var reason: String
    var attributes: [Attribute]
    var drift: [Attribute]
  }

  var version = 1
  var stack: String
  /// Of the state; absent before the first `up`.
  var serial: Int?
  /// `2 to create, 1 to update`
  var summary: String
  var changes: [Change]

  init(_ plan: Plan) {
    stack = plan.stack
    serial = plan.serial
    summary = plan.summary.line
    changes = plan.changes.map { change in
      Change(
        address: change.address.description, action: change.action == .noChange ? "no-change" : change.action.rawValue,
        reason: change.reason ?? "",
        attributes: change.attributes.map(Change.Attribute.init), drift: change.drift.map(Change.Attribute.init))
    }
  }
}
