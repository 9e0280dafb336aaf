/// How many of each.
package struct PlanSummary: Sendable, Hashable, Codable {
  package var create = 0
  package var update = 0
  package var replace = 0
  package var delete = 0
  package var adopt = 0
  package var forget = 0
  package var keep = 0
  package var unchanged = 0
  /// Resources that were changed outside.
  package var drifted = 0

  /// `2 to create, 1 to update; 1 changed outside`
  package var line: String {
    let parts: [(Int, String)] = [
      (create, "to create"), (adopt, "to take over"), (update, "to update"), (replace, "to replace"),
      (delete, "to delete"), (forget, "to forget"), (keep, "kept"),
    ]
    var text = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    if text.isEmpty { text = "No changes" }
    return drifted > 0 ? text + "; \(drifted) changed outside" : text
  }
}

extension Plan {
  package var summary: PlanSummary {
    var summary = PlanSummary()
    for change in changes {
      switch change.action {
      case .create: summary.create += 1
      case .update: summary.update += 1
      case .replace: summary.replace += 1
      case .delete: summary.delete += 1
      case .adopt: summary.adopt += 1
      case .forget: summary.forget += 1
      case .keep: summary.keep += 1
      case .noChange: summary.unchanged += 1
      }
      if !change.drift.isEmpty { summary.drifted += 1 }
    }
    return summary
  }
}
