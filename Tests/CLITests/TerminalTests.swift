import Model
import Testing

@testable import CLI
@testable import Engine

@Suite struct TerminalTests {
  @Test func `results and notes go their own ways`() {
    let screen = Screen()
    let terminal = screen.terminal()
    terminal.print("result")
    terminal.note("progress")
    terminal.setLive(["live"])
    #expect(screen.out == "result\n")
    #expect(screen.err == "progress\n", "without a terminal there are no live lines")
  }

  @Test func `colour only on a terminal whose user has not refused it`() {
    let red = "\u{1B}[31mx\u{1B}[0m"
    let screen = Screen()
    #expect(screen.terminal(isTerminal: true).styled("x", .red) == red)
    #expect(screen.terminal(isTerminal: true).styled("x", .bold, .red) == "\u{1B}[1;31mx\u{1B}[0m")
    #expect(screen.terminal(isTerminal: true).styled("", .red) == "")
    #expect(screen.terminal(["NO_COLOR": ""], isTerminal: true).styled("x", .red) == red, "an empty one says nothing")
    #expect(screen.terminal(["NO_COLOR": "1"], isTerminal: true).styled("x", .red) == "x")
    #expect(screen.terminal(noColour: true, isTerminal: true).styled("x", .red) == "x")
    #expect(screen.terminal().styled("x", .red) == "x")
  }

  @Test func `live lines are drawn below, and erased for what comes above them`() {
    let screen = Screen()
    let terminal = screen.terminal(isTerminal: true)
    terminal.setLive(["a", "b"])
    #expect(screen.err == "a\nb\n")
    terminal.setLive(["a", "b"])
    #expect(screen.err == "a\nb\n", "the same is not drawn again")
    terminal.note("done")
    #expect(screen.err == "a\nb\n\r\u{1B}[2A\u{1B}[Jdone\na\nb\n")
    terminal.setLive([])
    #expect(screen.err.hasSuffix("a\nb\n\r\u{1B}[2A\u{1B}[J"))
    terminal.print("result")
    #expect(screen.out == "result\n")
  }

  @Test func `a live line never wraps`() {
    let screen = Screen()
    let terminal = screen.terminal(isTerminal: true)
    terminal.setLive([String(repeating: "x", count: 5000)])
    #expect(DisplayWidth.of(screen.err.split(separator: "\n").first.map(String.init) ?? "") < terminal.size.columns)
  }

  @Test func `what goes to a file is plain though the terminal has colour`() {
    let screen = Screen()
    let terminal = Terminal(environment: [:], isTerminal: true, outIsTerminal: false, write: screen.write)
    terminal.print("\(terminal.styled("Plan:", .bold)) 1 \(terminal.styled("+", .green, .bold))")
    terminal.note(terminal.styled("note", .bold))
    #expect(screen.out == "Plan: 1 +\n")
    #expect(screen.err == "\u{1B}[1mnote\u{1B}[0m\n")
  }
}

@Suite struct DiagnosticViewTests {
  let whole = Diagnostic(
    "The role is missing", detail: "found nothing\n\nexpected a role", remedy: "Add it.",
    address: Address(kind: "iam.role", name: "emr"), position: SourcePosition(file: "stack.yaml", line: 3, column: 7))

  @Test func `what, where, why and what to do`() {
    #expect(
      DiagnosticView(plain).lines(whole) == [
        "Error: The role is missing", "  at stack.yaml:3:7, iam.role.emr", "  found nothing", "  expected a role",
        "  → Add it.",
      ])
    #expect(DiagnosticView(plain).lines(Diagnostic("x", severity: .warning)) == ["Warning: x"])
  }

  @Test func `in colour`() {
    #expect(
      DiagnosticView(coloured).lines(Diagnostic("x", remedy: "y")) == [
        "\u{1B}[1;31mError:\u{1B}[0m \u{1B}[1mx\u{1B}[0m", "  \u{1B}[36m→ y\u{1B}[0m",
      ])
  }

  @Test func `diagnostics are no result`() {
    let screen = Screen()
    DiagnosticView(screen.terminal()).show([Diagnostic("a"), Diagnostic("b", severity: .warning)])
    #expect(screen.err == "Error: a\nWarning: b\n")
    #expect(screen.out == "")
  }
}

@Suite struct PlanViewTests {
  private func change(
    _ action: Action, _ name: String = "lake", _ attributes: [AttributeChange] = [], drift: [AttributeChange] = [],
    reason: String? = nil, losesData: Bool = false
  ) -> ResourceChange {
    var change = ResourceChange(address: Address(kind: "s3.bucket", name: name), action: action)
    change.attributes = attributes
    change.drift = drift
    change.reason = reason
    change.needsConsent = losesData
    return change
  }

  private func lines(_ changes: ResourceChange..., terminal: Terminal = plain) -> [String] {
    PlanView(terminal).lines(Plan(stack: "s", mode: .up, lineage: "l", serial: 3, changes: changes))
  }

  @Test func `a creation shows what is set`() {
    #expect(
      lines(
        change(
          .create, "lake",
          [
            AttributeChange(path: ["name"], old: nil, new: "lake-1"),
            AttributeChange(path: ["versioning"], old: nil, new: true),
            AttributeChange(path: ["kms_key"], old: nil, new: nil),
            AttributeChange(path: ["lifecycle"], old: nil, new: []),
            AttributeChange(path: ["tags"], old: nil, new: [:]),
            AttributeChange(path: ["role"], old: nil, new: .unknown),
            AttributeChange(path: ["list"], old: nil, new: ["a", 1, ["k": nil]]),
          ])) == [
          "+ s3.bucket.lake                     create",
          "    name       = \"lake-1\"",
          "    versioning = true",
          "    role       = (known after apply)",
          "    list       = [\"a\", 1, {k: (none)}]",
          "", "Plan: 1 to create.",
        ])
  }

  @Test func `a change shows old and new, and what changed outside`() {
    #expect(
      lines(
        change(
          .update, "lake", [AttributeChange(path: ["tags", "team"], old: "a", new: nil)],
          drift: [AttributeChange(path: ["versioning"], old: true, new: false)])) == [
          "~ s3.bucket.lake                     change in place",
          "    changed outside: versioning: true -> false",
          "    tags.team = \"a\" -> (none)",
          "", "Plan: 1 to update; 1 changed outside.",
        ])
  }

  @Test func `a replacement says why and what is lost`() {
    #expect(
      lines(
        change(
          .replace, "lake",
          [AttributeChange(path: ["name"], old: "a", new: "b", forcesReplacement: true)], reason: "name changed",
          losesData: true)) == [
          "± s3.bucket.lake                     replace: name changed",
          "    its data will be lost",
          "    name = \"a\" -> \"b\"  # forces replacement",
          "", "Plan: 1 to replace.",
        ])
  }

  @Test func `deletions, adoptions and what stays`() {
    #expect(
      lines(
        change(.delete, "a", drift: [AttributeChange(path: ["x"], old: 1, new: 2)]), change(.adopt, "b"),
        change(.keep, "c"), change(.noChange, "d")) == [
          "- s3.bucket.a                        delete",
          "* s3.bucket.b                        take over",
          "", "Plan: 1 to take over, 1 to delete, 1 kept; 1 changed outside.",
        ])
    #expect(lines(change(.keep, "c"), change(.noChange, "d")) == ["Nothing to destroy. Kept: s3.bucket.c."])
    #expect(lines(change(.noChange, "d")) == ["No changes. What is there matches the stack."])
    #expect(lines() == ["No changes. What is there matches the stack."])
  }

  @Test func `drift that nothing mends is shown all the same`() {
    #expect(
      lines(change(.noChange, "d", drift: [AttributeChange(path: ["x"], old: 1, new: 2)])) == [
        "  s3.bucket.d                        no change", "    changed outside: x: 1 -> 2", "",
        "No changes. What is there matches the stack.",
      ])
  }

  @Test func `long values and long lists are cut`() {
    let attributes = (0..<45).map {
      AttributeChange(path: ["k\($0)"], old: nil, new: .string(String(repeating: "日", count: 90)))
    }
    let shown = lines(change(.create, "lake", attributes))
    #expect(shown.count == 1 + 40 + 1 + 2)
    #expect(shown[41] == "    ... and 5 more")
    #expect(DisplayWidth.of(shown[1]) <= 4 + 3 + 3 + 100, "\(DisplayWidth.of(shown[1]))")
  }

  @Test func `colour follows the action`() {
    #expect(lines(change(.delete), terminal: coloured).first?.hasPrefix("\u{1B}[31m- s3.bucket.lake") == true)
    #expect(lines(change(.create), terminal: coloured).first?.hasPrefix("\u{1B}[32m+ ") == true)
  }
}
