internal import CCurl
internal import Glibc
internal import Synchronization

/// The network thread: a libcurl multi handle and the transfers that it drives. Others only post calls to it and
/// wake it; nothing else of libcurl is touched outside the thread.
final class EventLoop: Sendable {
  private struct Mailbox {
    var calls: [Call] = []
    var looksForCancellations = false
    var isClosing = false
    /// The multi handle's address, for waking it; 0 before it is made and when it is about to go. Guarded by
    /// the same lock as the rest, because a wake-up must not meet a freed handle.
    var multi: UInt = 0
    var connectionsOpened = 0
    var requests = 0

    func wake() {
      if let multi = UnsafeMutableRawPointer(bitPattern: multi) { mrh_multi_wakeup(multi) }
    }
  }

  private let mailbox = Mutex(Mailbox())
  private let configuration: HTTPConfiguration

  private init(_ configuration: HTTPConfiguration) {
    self.configuration = configuration
  }

  static func start(_ configuration: HTTPConfiguration) throws(HTTPError) -> EventLoop {
    let loop = EventLoop(configuration)
    let status = withSignalsBlocked {
      var thread = pthread_t()
      let argument = Unmanaged.passRetained(loop).toOpaque()
      let status = pthread_create(
        &thread, nil,
        { argument in
          if let argument { Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().run() }
          return nil
        }, argument)
      if status == 0 {
        pthread_detach(thread)
      } else {
        Unmanaged<EventLoop>.fromOpaque(argument).release()
      }
      return status
    }
    guard status == 0 else {
      throw HTTPError(kind: .other(0), message: "no thread for the network: \(String(cString: strerror(status)))")
    }
    return loop
  }

  /// The new thread inherits the mask: Ctrl-C is for the others to take, and a SIGPIPE of a broken connection
  /// must not end the program. What a crash raises stays open, for the backtrace.
  private static func withSignalsBlocked<R>(_ body: () -> R) -> R {
    var (blocked, previous) = (sigset_t(), sigset_t())
    sigfillset(&blocked)
    for signal in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS] { sigdelset(&blocked, signal) }
    pthread_sigmask(SIG_SETMASK, &blocked, &previous)
    defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
    return body()
  }

  func post(_ call: Call) {
    let isAccepted = mailbox.withLock { box in
      guard !box.isClosing else { return false }
      // One wake-up is enough for all that is posted until the thread looks.
      if box.calls.isEmpty { box.wake() }
      box.calls.append(call)
      return true
    }
    if !isAccepted { call.refuse(.cancelled, "cancelled") }
  }

  func lookForCancellations() {
    mailbox.withLock { box in
      if !box.looksForCancellations { box.wake() }
      box.looksForCancellations = true
    }
  }

  func close() {
    mailbox.withLock { box in
      box.isClosing = true
      box.wake()
    }
  }

  var statistics: (connectionsOpened: Int, requests: Int) {
    mailbox.withLock { ($0.connectionsOpened, $0.requests) }
  }

  // MARK: On the thread

  private func run() {
    if let multi = MultiHandle() {
      multi.set(CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maxConnectionsPerHost)
      multi.set(CURLMOPT_MAX_TOTAL_CONNECTIONS, configuration.maxConnections)
      multi.set(CURLMOPT_MAXCONNECTS, configuration.maxConnections)
      let address = UInt(bitPattern: multi.pointer)
      mailbox.withLock { $0.multi = address }
      var turn = Turn(multi: multi, configuration: configuration)
      while true {
        let (calls, looks, closes) = take()
        turn.add(calls)
        if closes { break }
        turn.drop(cancelled: looks)
        turn.start()
        multi.perform()
        let done = turn.takeDone()
        if !done.isEmpty {
          let opened = done.reduce(0) { $0 + $1.transfer.connectionsOpened }
          // Before the callers go on, who may look.
          mailbox.withLock { box in
            box.connectionsOpened += opened
            box.requests += done.count
          }
          for (transfer, code) in done { transfer.finish(code) }
        }
        // Those that could not start before may do so now.
        if done.isEmpty || !turn.isAnyWaiting { multi.poll(turn.patience) }
      }
      turn.dropAll()
      mailbox.withLock { $0.multi = 0 }
    }
    let refused = mailbox.withLock { box in
      box.isClosing = true
      defer { box.calls = [] }
      return box.calls
    }
    for call in refused { call.refuse(.cancelled, "cancelled") }
  }

  private func take() -> (calls: [Call], looks: Bool, closes: Bool) {
    mailbox.withLock { box in
      defer {
        box.calls = []
        box.looksForCancellations = false
      }
      return (box.calls, box.looksForCancellations, box.isClosing)
    }
  }
}
