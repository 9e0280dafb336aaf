/// Where an answer's body goes.
package enum ResponseTarget: Sendable {
  /// - Parameter limit: bytes; more is an error. An answer of status 300 or more may have 64 KiB anyway.
  case memory(limit: Int)
  /// Made or truncated when the body of an answer below status 300 begins; others go to memory, so that
  /// errors can be read. When the call fails, what was written so far is left to the caller.
  case file(path: String)
}

package struct HTTPRequest: Sendable {
  package var method: String
  /// Sent exactly so: already encoded, without user or fragment.
  package var url: String
  /// Sent in this order, and nothing else but `Host`, `Content-Length` (always the body's), and `Expect` for
  /// a body over 1 MiB.
  package var headers: HTTPHeaders
  package var body: HTTPBody
  package var target: ResponseTarget
  package var connectTimeout: Duration
  /// The longest time without a byte in either direction; counted in whole seconds, at least one, and
  /// noticed up to 5 s late because libcurl looks at the mean speed.
  package var idleTimeout: Duration
  /// For the whole call, waiting for a free connection included.
  package var deadline: Duration?
  /// False for a request that must not reach the server twice. libcurl sends a request again by itself when a
  /// kept connection turns out to be dead before the first byte of the answer, although the server may have
  /// read the request; so such a request gets a connection of its own.
  package var allowsReconnect: Bool
  /// Called on the network thread with the body bytes moved so far.
  package var progress: (@Sendable (_ sent: Int64, _ received: Int64) -> Void)?

  package init(
    method: String, url: String, headers: HTTPHeaders = [:], body: HTTPBody = .none,
    target: ResponseTarget = .memory(limit: 1 << 20), connectTimeout: Duration = .seconds(10),
    idleTimeout: Duration = .seconds(60), deadline: Duration? = nil, allowsReconnect: Bool = true,
    progress: (@Sendable (_ sent: Int64, _ received: Int64) -> Void)? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.target = target
    self.connectTimeout = connectTimeout
    self.idleTimeout = idleTimeout
    self.deadline = deadline
    self.allowsReconnect = allowsReconnect
    self.progress = progress
  }
}

package struct HTTPResponse: Sendable {
  package var status: Int
  package var headers: HTTPHeaders
  /// Empty when it went to a file.
  package var body: [UInt8]
  /// Of the body.
  package var bytesReceived: Int64

  package init(status: Int, headers: HTTPHeaders, body: [UInt8], bytesReceived: Int64 = 0) {
    self.status = status
    self.headers = headers
    self.body = body
    self.bytesReceived = bytesReceived
  }
}
