internal import Cloud
internal import Engine
internal import Model

/// What was taken over from Terraform, what was not, and what to do next.
struct AdoptView {
  let terminal: Terminal

  init(_ terminal: Terminal) {
    self.terminal = terminal
  }

  func lines(_ plan: AdoptionPlan, _ terraform: TerraformState, dryRun: Bool, next: Plan?) -> [String] {
    var lines: [String] = []
    lines += section(
      dryRun ? "Would be taken over" : "Taken over", ["TERRAFORM", "ADDRESS", "ID"],
      plan.adopted.map { [source($0), $0.address.description, $0.id] })
    lines += section("Parts of what mrhealth manages", ["TERRAFORM", "PART OF"], parts(plan))
    lines += section(
      "In mrhealth's state already", ["TERRAFORM", "ADDRESS", "ID"],
      plan.known.map { [source($0), $0.address.description, $0.id] })
    lines += section(
      "Gone from AWS; `mrhealth up` creates them", ["TERRAFORM", "ADDRESS", "ID"],
      plan.gone.map { [source($0), $0.address.description, $0.id] })
    lines += section("Stay with Terraform", ["TERRAFORM", "BECAUSE"], staying(plan))
    let hasNotes = plan.missing.contains { !$0.note.isEmpty }
    lines += section(
      "Only in the stack; `mrhealth up` creates them", hasNotes ? ["ADDRESS", "BECAUSE"] : ["ADDRESS"],
      plan.missing.map { [$0.address.description] + (hasNotes ? [$0.note] : []) })
    return lines + nextSteps(plan, terraform, dryRun: dryRun, next: next)
  }

  func warnings(_ plan: AdoptionPlan, dryRun: Bool) -> [Diagnostic] {
    guard !dryRun, !(plan.adopted + plan.known).allSatisfy(\.terraform.isEmpty) else { return [] }
    return [
      Diagnostic(
        "Terraform still manages what mrhealth has taken over",
        detail: "`terraform destroy` would delete it, and `terraform apply` would change it back",
        remedy: "Run neither before Terraform's state has forgotten it: `terraform state rm`, see above.",
        severity: .warning)
    ]
  }

  // MARK: sections

  private func section(_ title: String, _ headers: [String], _ rows: [[String]]) -> [String] {
    guard !rows.isEmpty else { return [] }
    var table = Table(headers: headers)
    table.rows = rows
    return [terminal.styled(title, .bold)] + table.lines(terminal).map { "  \($0)" } + [""]
  }

  private func source(_ match: AdoptionPlan.Match) -> String {
    switch match.terraform.count {
    case 0: "-"
    case 1: match.terraform[0]
    case let count: "\(match.terraform[0]) and \(count - 1) more"
    }
  }

  private func parts(_ plan: AdoptionPlan) -> [[String]] {
    grouped(plan.parts.map { ($0.terraform, $0.block, $0.of.map(\.description).joined(separator: ", ")) })
  }

  private func staying(_ plan: AdoptionPlan) -> [[String]] {
    grouped(plan.staying.map { ($0.terraform, $0.block, $0.hint) })
  }

  /// A thousand instances of one block are one line.
  private func grouped(_ items: [(address: String, block: String, text: String)]) -> [[String]] {
    var order: [[String]] = []
    var addresses: [[String]: [String]] = [:]
    for item in items {
      let key = [item.block, item.text]
      if addresses[key] == nil { order.append(key) }
      addresses[key, default: []].append(item.address)
    }
    return order.map { key in
      let all = addresses[key] ?? []
      return [all.count == 1 ? all[0] : "\(key[0]) (\(all.count))", key[1]]
    }
  }

  // MARK: what next

  private func nextSteps(
    _ plan: AdoptionPlan, _ terraform: TerraformState, dryRun: Bool, next: Plan?
  ) -> [String] {
    var lines: [String] = []
    if plan.adopted.isEmpty, plan.known.allSatisfy(\.terraform.isEmpty) {
      return ["Nothing to take over: the stack and the Terraform state have no resource in common."]
    }
    if let next {
      lines.append(terminal.styled(dryRun ? "`mrhealth plan` would then show" : "`mrhealth plan` now shows", .bold))
      lines += next.changes.filter(\.action.isChange).map { "  \(text($0))" }
      lines += ["  " + PlanView(terminal).summary(next), ""]
    }
    if dryRun { return lines + ["Nothing was recorded. Without --dry-run it is."] }
    lines.append(terminal.styled("Then let Terraform forget what mrhealth manages", .bold))
    return lines + ["  " + Self.removal(plan.forgotten(by: terraform)).joined(separator: "\n  ")]
  }

  /// What changes, in one line: the whole is `mrhealth plan`'s to show.
  private func text(_ change: ResourceChange) -> String {
    let names = Set(change.attributes.compactMap(\.path.first)).sorted()
    let what: String =
      switch change.action {
      case .create: "create"
      case .update: "change \(names.joined(separator: ", "))"
      case .replace: "replace, because \(change.reason ?? "it differs")"
      default: change.action.rawValue
      }
    return "\(change.address): \(what)"
  }

  /// One command, an address a line; for a shell, whatever the keys of `for_each` are.
  static func removal(_ addresses: [String]) -> [String] {
    let quoted = addresses.map {
      "'" + $0.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
    return ["terraform state rm \\"]
      + quoted.enumerated().map { "  \($1)" + ($0 == quoted.count - 1 ? "" : " \\") }
  }
}

/// `adopt --json`
struct AdoptDocument: Encodable {
  struct Match: Encodable {
    var address: String
    /// AWS's.
    var id: String
    /// Addresses in Terraform.
    var terraform: [String]

    init(_ match: AdoptionPlan.Match) {
      address = match.address.description
      id = match.id
      terraform = match.terraform
    }
  }

  struct Part: Encodable {
    var terraform: String
    /// Addresses in the stack.
    var partOf: [String]
  }

  struct Staying: Encodable {
    var terraform: String
    var hint: String
  }

  struct Missing: Encodable {
    var address: String
    /// Why it was not taken over although Terraform has it; empty when Terraform does not.
    var note: String
  }

  var version = 1
  var stack: String
  /// Nothing was recorded.
  var dryRun: Bool
  /// Taken over now.
  var adopted: [Match]
  /// What is a resource in Terraform and a part of one here.
  var parts: [Part]
  /// In mrhealth's state before; `terraform` is empty for what Terraform does not have.
  var known: [Match]
  /// In Terraform's state and no longer in AWS.
  var gone: [Match]
  var staysWithTerraform: [Staying]
  /// `mrhealth up` creates them.
  var onlyInStack: [Missing]
  /// For `terraform state rm`.
  var forget: [String]
  /// As `plan --json`; absent when it could not be made.
  var plan: PlanDocument?

  init(_ stack: String, _ plan: AdoptionPlan, _ terraform: TerraformState, dryRun: Bool, next: Plan?) {
    self.stack = stack
    self.dryRun = dryRun
    adopted = plan.adopted.map(Match.init)
    parts = plan.parts.map { Part(terraform: $0.terraform, partOf: $0.of.map(\.description)) }
    known = plan.known.map(Match.init)
    gone = plan.gone.map(Match.init)
    staysWithTerraform = plan.staying.map { Staying(terraform: $0.terraform, hint: $0.hint) }
    onlyInStack = plan.missing.map { Missing(address: $0.address.description, note: $0.note) }
    forget = plan.forgotten(by: terraform)
    self.plan = next.map(PlanDocument.init)
  }
}
