internal import FoundationEssentials
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#endif

/// Where output goes: results to stdout, progress and diagnostics to stderr. Knows whether each is a
/// terminal, how wide it is, and whether colour is wanted (`NO_COLOR`, https://no-color.org).
///
/// The one place that writes; a reader that has gone away ends the program quietly.
package final class Terminal: Sendable {
  package enum Style: String, Sendable {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case blue = "34"
    case cyan = "36"
  }

  package let isTerminal: Bool
  package let outIsTerminal: Bool
  let usesColour: Bool
  /// The live lines at the bottom of a terminal.
  private let live = Mutex(LiveArea())
  private let out: @Sendable (String, Int32) -> Void

  private struct LiveArea {
    var shown: [String] = []
  }

  package init(
    environment: [String: String], noColour: Bool = false, isTerminal: Bool? = nil, outIsTerminal: Bool? = nil,
    write: @escaping @Sendable (String, Int32) -> Void = Terminal.writeAll
  ) {
    let dumb = environment["TERM"] == "dumb"
    self.isTerminal = isTerminal ?? (isatty(STDERR_FILENO) == 1 && !dumb)
    self.outIsTerminal = outIsTerminal ?? isTerminal ?? (isatty(STDOUT_FILENO) == 1 && !dumb)
    let refused = noColour || !(environment["NO_COLOR"] ?? "").isEmpty
    usesColour = self.isTerminal && !refused
    out = write
  }

  /// A result, for stdout.
  package func print(_ text: String = "") {
    live.withLock { area in
      erase(&area)
      // Views style for the terminal that stderr is; stdout may be a file or a pipe.
      out((outIsTerminal ? text : Self.unstyled(text)) + "\n", STDOUT_FILENO)
    }
  }

  /// Progress or a diagnostic, for stderr.
  package func note(_ text: String = "") {
    live.withLock { area in
      let lines = area.shown
      erase(&area)
      out(text + "\n", STDERR_FILENO)
      draw(lines, &area)
    }
  }

  /// Replaces the live lines; does nothing where there is no terminal.
  package func setLive(_ lines: [String]) {
    guard isTerminal else { return }
    let (columns, rows) = size
    // A line that wraps could not be erased again.
    let fitting = lines.prefix(max(1, rows - 2)).map { DisplayWidth.clip($0, to: columns - 1) }
    live.withLock { area in
      guard area.shown != fitting else { return }
      erase(&area)
      draw(fitting, &area)
    }
  }

  package func styled(_ text: String, _ styles: Style...) -> String {
    guard usesColour, !text.isEmpty else { return text }
    return "\u{1B}[\(styles.map(\.rawValue).joined(separator: ";"))m\(text)\u{1B}[0m"
  }

  /// Without what `styled` puts in.
  private static func unstyled(_ text: String) -> String {
    guard text.utf8.contains(0x1B) else { return text }
    var plain = ""
    var inEscape = false
    for character in text {
      if character == "\u{1B}" { inEscape = true }
      if !inEscape { plain.append(character) }
      if inEscape, character.isLetter { inEscape = false }
    }
    return plain
  }

  /// Columns and rows; 80 by 24 where nothing is known.
  package var size: (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Asks on the terminal; nil when there is none or input ends.
  package func ask(_ question: String) -> String? {
    guard isatty(STDIN_FILENO) == 1 else { return nil }
    setLive([])
    out(question, STDERR_FILENO)
    return readLine(strippingNewline: true)
  }

  private func erase(_ area: inout LiveArea) {
    guard !area.shown.isEmpty else { return }
    // To the first column too: a Ctrl-C has been echoed.
    out("\r\u{1B}[\(area.shown.count)A\u{1B}[J", STDERR_FILENO)
    area.shown = []
  }

  private func draw(_ lines: [String], _ area: inout LiveArea) {
    guard !lines.isEmpty else { return }
    out(lines.joined(separator: "\n") + "\n", STDERR_FILENO)
    area.shown = lines
  }

  package static let writeAll: @Sendable (String, Int32) -> Void = { text, descriptor in
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written > 0 {
        bytes = bytes.dropFirst(written)
      } else if errno != EINTR, errno != EAGAIN {
        // Progress that cannot be shown stops nothing.
        guard descriptor == STDOUT_FILENO else { return }
        // The reader has gone (`| head`): nothing is left to say.
        if errno == EPIPE { exit(ExitStatus.done.rawValue) }
        // Half a result must not pass for a whole one: a script would go on with it.
        let cause = String(cString: strerror(errno))
        writeAll("Error: The result could not be written\n  \(cause)\n", STDERR_FILENO)
        exit(ExitStatus.error.rawValue)
      }
    }
  }
}
