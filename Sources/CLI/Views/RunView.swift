internal import Jobs
internal import Synchronization

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#endif

/// A run as it goes on.
final class RunView: Sendable {
  private struct Shown {
    var steps: [RunRecord.Step] = []
    var status = ""
    var since = ContinuousClock.now
  }

  private let terminal: Terminal
  private let shown = Mutex(Shown())

  init(_ terminal: Terminal) {
    self.terminal = terminal
  }

  func show(_ event: RunEvent) {
    switch event {
    case .uploading(let done, let total): status("uploading data: \(done) of \(total) bytes")
    case .uploaded(let upload):
      note(
        "✓ data: \(upload.uploaded) files uploaded, \(upload.unchanged) unchanged"
          + (upload.removed > 0 ? ", \(upload.removed) removed" : ""))
    case .cluster(let text): status(text)
    case .clusterReady(let id): note("✓ cluster \(id)")
    case .submitted(let steps):
      shown.withLock { shown in
        shown.steps = steps
        shown.status = ""
      }
      note("✓ \(steps.count) steps submitted")
    case .step(let step): self.step(step)
    case .awaitingLogs(let step):
      status("\(step): waiting for EMR to bring its logs (up to 5 minutes)")
      if !terminal.isTerminal { terminal.note("  \(step): waiting for EMR to bring its logs (up to 5 minutes)") }
    case .notified(let topic): note("✓ notified \(topic.split(separator: ":").last ?? "")")
    case .notificationFailed(let cause): terminal.note(terminal.styled("! not notified: \(cause)", .yellow))
    }
    draw()
  }

  func startTicking() -> Task<Void, Never> {
    Task { [weak self] in
      while !Task.isCancelled, (try? await Task.sleep(for: .milliseconds(250))) != nil { self?.draw() }
    }
  }

  func end() {
    shown.withLock { $0 = Shown() }
    terminal.setLive([])
  }

  private func step(_ step: RunRecord.Step) {
    shown.withLock { shown in
      if let index = shown.steps.firstIndex(where: { $0.name == step.name }) { shown.steps[index] = step }
    }
    let elapsed = Self.elapsed(step).map { " (\($0))" } ?? ""
    switch step.state {
    case "COMPLETED": terminal.note(terminal.styled("✓ \(step.name) ", .green) + step.state + elapsed)
    case "FAILED", "INTERRUPTED": terminal.note(terminal.styled("✗ \(step.name) ", .red) + step.state + elapsed)
    case "CANCELLED": terminal.note(terminal.styled("- \(step.name) \(step.state)", .yellow))
    default: if !terminal.isTerminal { terminal.note("  \(step.name) \(step.state)") }
    }
  }

  private func note(_ text: String) {
    terminal.note(terminal.styled(String(text.prefix(1)), .green) + text.dropFirst())
  }

  private func status(_ text: String) { shown.withLock { $0.status = text } }

  private func draw() {
    let lines = shown.withLock { shown in
      let open = shown.steps.filter { !["COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED"].contains($0.state) }
      var lines = open.map { step in
        "  \(DisplayWidth.pad(step.name, to: 16)) \(step.state)" + (Self.elapsed(step).map { "  \($0)" } ?? "")
      }
      if !shown.status.isEmpty { lines.append("  \(shown.status) (\(Elapsed.text(.now - shown.since)))") }
      return lines
    }
    terminal.setLive(lines.map { terminal.styled($0, .dim) })
  }

  /// A running step's time so far, an ended one's in all.
  static func elapsed(_ step: RunRecord.Step) -> String? {
    step.started.map { Elapsed.text(.seconds(max(0, (step.ended ?? Date()).timeIntervalSince($0)))) }
  }
}
