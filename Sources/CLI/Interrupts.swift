@preconcurrency internal import Dispatch
internal import Engine
internal import Glibc
internal import Synchronization

/// Ctrl-C (invariant 8): the first says that nothing new is begun, the second ends the program.
final class Interrupts: Sendable {
  private let sources: [any DispatchSourceSignal]

  private final class Count: Sendable {
    private let value = Mutex(0)

    func next() -> Int {
      value.withLock { value in
        value += 1
        return value
      }
    }
  }

  /// - Parameter first: called at the first SIGINT or SIGTERM.
  init(first: @escaping @Sendable () -> Void) {
    let signals = [SIGINT, SIGTERM]
    for number in signals { signal(number, SIG_IGN) }
    sources = signals.map { DispatchSource.makeSignalSource(signal: $0, queue: .global()) }
    let count = Count()
    for source in sources {
      source.setEventHandler {
        if count.next() == 1 { first() } else { _exit(ExitStatus.interrupted.rawValue) }
      }
      source.resume()
    }
  }

  deinit {
    for source in sources { source.cancel() }
  }

  /// Sets the interruption and says what a second Ctrl-C would do.
  static func handling(_ interruption: Interruption, _ terminal: Terminal) -> Interrupts {
    Interrupts {
      interruption.interrupt()
      terminal.note(terminal.styled("Stopping after the calls under way. Press Ctrl-C again to stop at once.", .yellow))
    }
  }
}
