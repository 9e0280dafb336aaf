internal import Engine
internal import Model
internal import Synchronization

/// An apply as it goes on: a line for everything that ends, and on a terminal what is under way below them.
final class ApplyView: Sendable {
  private struct Active {
    var action: Action
    var since: ContinuousClock.Instant
    var progress = ""
  }

  private let terminal: Terminal
  private let active = Mutex<[Address: Active]>([:])

  init(_ terminal: Terminal) {
    self.terminal = terminal
  }

  func show(_ event: Event) {
    switch event {
    case .reading, .read: break
    case .started(let address, let action):
      active.withLock { $0[address] = $0[address] ?? Active(action: action, since: .now) }
      draw()
    case .progress(let address, _, let text, _):
      active.withLock { $0[address]?.progress = text }
      draw()
    case .finished(let address, let action, _, let elapsed):
      end(address, terminal.styled("✓ \(address) ", .green) + "\(Self.done(action)) (\(Elapsed.text(elapsed)))")
    case .failed(let address, let action, let diagnostic, _):
      end(address, terminal.styled("✗ \(address) ", .red) + "could not be \(Self.done(action)): \(diagnostic.summary)")
    case .skipped(let address, let action, let cause):
      terminal.note(terminal.styled("- \(address) not \(Self.done(action)), because of \(cause)", .dim))
    case .waitingForLock(let holder):
      terminal.note(terminal.styled("Watching the lock of \(holder.holder)...", .dim))
    }
  }

  /// Keeps the elapsed times going on a terminal.
  func startTicking() -> Task<Void, Never> {
    Task { [weak self] in
      while !Task.isCancelled, (try? await Task.sleep(for: .milliseconds(200))) != nil { self?.draw() }
    }
  }

  func end() {
    active.withLock { $0 = [:] }
    terminal.setLive([])
  }

  private func end(_ address: Address, _ line: String) {
    active.withLock { $0[address] = nil }
    terminal.note(line)
    draw()
  }

  private func draw() {
    let now = ContinuousClock.now
    let lines = active.withLock { active in
      active.sorted { $0.key < $1.key }.map { address, entry in
        let progress = entry.progress.isEmpty ? "" : ": \(entry.progress)"
        return "  \(Self.doing(entry.action)) \(address) (\(Elapsed.text(now - entry.since)))\(progress)"
      }
    }
    terminal.setLive(lines.map { terminal.styled($0, .dim) })
  }

  private static func done(_ action: Action) -> String {
    switch action {
    case .create: "created"
    case .update: "changed"
    case .replace: "replaced"
    case .delete: "deleted"
    case .adopt: "taken over"
    case .noChange, .keep: "kept"
    case .forget: "forgotten"
    }
  }

  private static func doing(_ action: Action) -> String {
    switch action {
    case .create: "creating"
    case .update: "changing"
    case .replace: "replacing"
    case .delete: "deleting"
    case .adopt: "taking over"
    case .noChange, .keep: "keeping"
    case .forget: "forgetting"
    }
  }
}

enum Elapsed {
  /// `0.4 s`, `12 s`, `3 min 20 s`, `1 h 5 min`.
  static func text(_ duration: Duration) -> String {
    let milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
    let seconds = (milliseconds + 500) / 1000
    if milliseconds < 9_950 { return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s" }
    switch seconds {
    case ..<60: return "\(seconds) s"
    case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
    default: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
  }
}
