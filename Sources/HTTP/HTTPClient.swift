internal import CCurl
internal import Synchronization

package struct HTTPConfiguration: Sendable {
  package var maxConnectionsPerHost = 32
  package var maxConnections = 128
  /// A file of CA certificates instead of the system's (`AWS_CA_BUNDLE`).
  package var caBundle: String?
  /// `User-Agent` of requests that have none.
  package var userAgent: String?

  package init() {}
}

/// HTTP/1.1 over libcurl: many requests at once on few connections, driven by one thread of its own.
/// Redirects are answers like any other. Server certificates are always checked. Proxies come from the
/// environment by libcurl's rules (https://curl.se/libcurl/c/libcurl-env.html).
package final class HTTPClient: Sendable {
  private let loop: EventLoop

  /// - Throws: `HTTPError.other` when libcurl cannot be used.
  package init(_ configuration: HTTPConfiguration = HTTPConfiguration()) throws(HTTPError) {
    if let problem = mrh_curl_load() {
      throw HTTPError(kind: .other(0), message: "\(String(cString: problem)); install the package libcurl4")
    }
    loop = try EventLoop.start(configuration)
  }

  deinit { loop.close() }

  /// Any status is an answer, not an error. Cancelling the task ends the call with `cancelled`.
  package func execute(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    // The last reference to the client must not go before the answer is there.
    defer { withExtendedLifetime(self) {} }
    let ticket = Ticket()
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        loop.post(Call(request: request, ticket: ticket, continuation: continuation))
      }
    } onCancel: {
      ticket.cancel()
      loop.lookForCancellations()
    }
    return try result.get()
  }

  /// Ends the thread; calls under way end with `cancelled`, and so do later ones.
  package func shutdown() { loop.close() }

  /// Since the start.
  package var statistics: (connectionsOpened: Int, requests: Int) { loop.statistics }
}

/// Says whether a call is still wanted. It may be set before the call is posted, while it waits and while it
/// runs: the loop looks when it takes the call up, and whenever it is told to look.
final class Ticket: Sendable {
  private let flag = Atomic(false)

  func cancel() { flag.store(true, ordering: .releasing) }
  var isCancelled: Bool { flag.load(ordering: .acquiring) }
}

/// A request on its way to the network thread.
struct Call: Sendable {
  let request: HTTPRequest
  let ticket: Ticket
  let posted = ContinuousClock.now
  let continuation: CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>

  init(
    request: HTTPRequest, ticket: Ticket,
    continuation: CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>
  ) {
    self.request = request
    self.ticket = ticket
    self.continuation = continuation
  }

  /// What is left of the deadline; nil without one.
  var timeLeft: Duration? { request.deadline.map { $0 - (ContinuousClock.now - posted) } }

  /// For a call of which nothing was sent.
  func refuse(_ kind: HTTPError.Kind, _ message: String) {
    let host = Target(request.url)?.authority ?? ""
    continuation.resume(returning: .failure(HTTPError(kind: kind, message: message, host: host)))
  }
}
