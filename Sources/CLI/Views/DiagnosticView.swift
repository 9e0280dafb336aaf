package import Model

/// Diagnostics as text: what, where, why, and what to do.
package struct DiagnosticView {
  let terminal: Terminal

  package init(_ terminal: Terminal) {
    self.terminal = terminal
  }

  package func lines(_ diagnostic: Diagnostic) -> [String] {
    let isError = diagnostic.severity == .error
    let word = terminal.styled(isError ? "Error:" : "Warning:", .bold, isError ? .red : .yellow)
    var lines = ["\(word) \(terminal.styled(diagnostic.summary, .bold))"]
    let places = [diagnostic.position?.description, diagnostic.address?.description].compactMap(\.self)
    if !places.isEmpty { lines.append("  at " + places.joined(separator: ", ")) }
    for line in diagnostic.detail.split(separator: "\n", omittingEmptySubsequences: false) where !line.isEmpty {
      lines.append("  \(line)")
    }
    if !diagnostic.remedy.isEmpty { lines.append("  " + terminal.styled("→ \(diagnostic.remedy)", .cyan)) }
    return lines
  }

  package func show(_ diagnostics: [Diagnostic]) {
    for diagnostic in diagnostics { terminal.note(lines(diagnostic).joined(separator: "\n")) }
  }
}
