internal import CCurl

/// What the network thread does in each of its turns: starts calls, ends them, drops them. Lives on that thread.
struct Turn {
  private let multi: MultiHandle
  private let configuration: HTTPConfiguration
  private var admission: Admission
  private var transfers: [UnsafeMutableRawPointer: Transfer] = [:]
  private var nextLook = ContinuousClock.now

  init(multi: MultiHandle, configuration: HTTPConfiguration) {
    self.multi = multi
    self.configuration = configuration
    admission = Admission(perOrigin: configuration.maxConnectionsPerHost, limit: configuration.maxConnections)
  }

  var isAnyWaiting: Bool { admission.waiting > 0 }

  /// How long the thread may sleep, in milliseconds; a wake-up and libcurl's own timers end it sooner.
  var patience: Int32 { transfers.isEmpty ? 60_000 : isAnyWaiting ? 100 : 1000 }

  mutating func add(_ calls: [Call]) {
    for call in calls {
      if let target = Target(call.request.url) {
        admission.add(call, target.origin)
      } else {
        call.refuse(.invalidURL, "the URL is not one of http or https that can be sent as it is")
      }
    }
  }

  /// Starts what finds a connection.
  mutating func start() {
    while let (call, origin) = admission.next() {
      do throws(HTTPError) {
        let transfer = try Transfer(call, origin: origin, configuration: configuration)
        guard multi.add(transfer.easy) else {
          throw HTTPError(kind: .other(0), message: "libcurl does not take the request")
        }
        transfers[transfer.easy.pointer] = transfer
      } catch {
        admission.leave(origin)
        call.refuse(error.kind, error.message)
      }
    }
  }

  /// Gives up on what was cancelled, and now and then on what has waited for too long.
  mutating func drop(cancelled: Bool) {
    let now = ContinuousClock.now
    guard cancelled || isAnyWaiting && now >= nextLook else { return }
    nextLook = now + .milliseconds(100)
    let isLate: (Call) -> Bool = { call in call.request.deadline.map { now - call.posted >= $0 } ?? false }
    for call in admission.remove(where: { $0.ticket.isCancelled || isLate($0) }) {
      if call.ticket.isCancelled {
        call.refuse(.cancelled, "cancelled")
      } else {
        call.refuse(.timeout, "no connection became free in time")
      }
    }
    if cancelled { drop { $0.call.ticket.isCancelled } }
  }

  mutating func dropAll() {
    for call in admission.remove(where: { _ in true }) { call.refuse(.cancelled, "cancelled") }
    drop { _ in true }
  }

  private mutating func drop(where isOver: (Transfer) -> Bool) {
    for transfer in transfers.values.filter(isOver) {
      end(transfer)
      transfer.abandon(HTTPError(kind: .cancelled, message: "cancelled"))
    }
  }

  /// What libcurl is done with, for `Transfer.finish`.
  mutating func takeDone() -> [(transfer: Transfer, code: CURLcode)] {
    var done: [(Transfer, CURLcode)] = []
    while let (easy, code) = multi.nextDone() {
      guard let transfer = transfers[easy] else { continue }
      end(transfer)
      done.append((transfer, code))
    }
    return done
  }

  private mutating func end(_ transfer: Transfer) {
    multi.remove(transfer.easy)
    transfers[transfer.easy.pointer] = nil
    admission.leave(transfer.origin)
  }
}
