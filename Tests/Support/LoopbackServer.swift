internal import Glibc
package import HTTP
internal import Synchronization

/// An HTTP/1.1 server on a loopback port of its own, which does to each request what its handler says. It ends
/// with its last reference.
package final class LoopbackServer: Sendable {
  package struct Request: Sendable {
    package var method: String
    package var target: String
    package var headers: HTTPHeaders
    /// Empty when the server does not keep bodies.
    package var body: [UInt8] = []
    package var bodyLength: Int64 = 0
    /// Whether each piece was the `Pattern`'s at its place.
    package var bodyIsPattern = true
    /// Counted from 1, of all connections of the server.
    package var connection: Int
    /// Counted from 1, of all requests of the connection.
    package var indexOnConnection: Int
  }

  package typealias Handler = @Sendable (Request) -> Reply

  package let port: UInt16
  private let state: LoopbackState
  private let listener: Int32

  /// - Parameters:
  ///   - greeting: sent to a new connection at once, as HTTP servers never do.
  ///   - keepsBodies: false for large ones, which are then only counted and compared with the `Pattern`.
  ///   - early: what to answer to a head before its body is read; nil to read on, after 100 Continue if asked.
  /// - Throws: `LoopbackFailure`
  package init(
    greeting: String = "", keepsBodies: Bool = true, early: (@Sendable (Request) -> Reply?)? = nil,
    _ handler: @escaping Handler
  ) throws {
    let (listener, port) = try Self.listen()
    (self.listener, self.port) = (listener, port)
    let state = LoopbackState(keepsBodies: keepsBodies, early: early ?? { _ in nil }, handler: handler)
    self.state = state
    Background.run {
      while true {
        let socket = accept(listener, nil, nil)
        if socket < 0, errno == EINTR || errno == ECONNABORTED { continue }
        guard socket >= 0, let number = state.opened(socket) else {
          if socket >= 0 { Glibc.close(socket) }
          break
        }
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        Background.run { LoopbackConnection(socket, number, state).serve(greeting) }
      }
      Glibc.close(listener)
    }
  }

  deinit { stop() }

  /// `http://127.0.0.1:port`
  package var url: String { "http://127.0.0.1:\(port)" }
  package var connections: Int { state.connections }
  /// Whose heads have arrived, in that order; their bodies are there when the handler has been asked.
  package var requests: [Request] { state.requests }

  /// Returns when that many requests have come.
  package func arrived(_ count: Int) async { await state.arrived(count) }

  package func stop() {
    guard state.stop() else { return }
    // Wakes the thread in accept, which closes the descriptor.
    shutdown(listener, Int32(SHUT_RDWR))
  }

  /// A port on which nobody listens.
  package static func unusedPort() throws -> UInt16 {
    let (socket, port) = try listen()
    Glibc.close(socket)
    return port
  }

  private static func listen() throws -> (Int32, UInt16) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard listener >= 0 else { throw LoopbackFailure(code: errno) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && Glibc.listen(listener, 1024) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard isListening else {
      defer { Glibc.close(listener) }
      throw LoopbackFailure(code: errno)
    }
    return (listener, UInt16(bigEndian: address.sin_port))
  }
}

package struct LoopbackFailure: Error, CustomStringConvertible {
  package let code: Int32
  package var description: String { String(cString: strerror(code)) }
}

/// What the server's threads share.
final class LoopbackState: Sendable {
  private struct Values {
    var sockets: Set<Int32> = []
    var connections = 0
    var requests: [LoopbackServer.Request] = []
    var isStopped = false
    var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
  }

  let keepsBodies: Bool
  let early: @Sendable (LoopbackServer.Request) -> Reply?
  let handler: LoopbackServer.Handler
  private let values = Mutex(Values())

  init(
    keepsBodies: Bool, early: @escaping @Sendable (LoopbackServer.Request) -> Reply?,
    handler: @escaping LoopbackServer.Handler
  ) {
    self.keepsBodies = keepsBodies
    self.early = early
    self.handler = handler
  }

  var connections: Int { values.withLock { $0.connections } }
  var requests: [LoopbackServer.Request] { values.withLock { $0.requests } }

  /// The connection's number; nil when the server has stopped.
  func opened(_ socket: Int32) -> Int? {
    values.withLock { values in
      guard !values.isStopped else { return nil }
      values.sockets.insert(socket)
      values.connections += 1
      return values.connections
    }
  }

  /// Closes a socket, under the lock: `stop` must not shut down another one that got its number.
  func close(_ socket: Int32) {
    values.withLock { values in
      values.sockets.remove(socket)
      _ = Glibc.close(socket)
    }
  }

  func arrived(_ request: LoopbackServer.Request) {
    let ready = values.withLock { values in
      values.requests.append(request)
      let count = values.requests.count
      defer { values.waiters.removeAll { $0.count <= count } }
      return values.waiters.filter { $0.count <= count }
    }
    for waiter in ready { waiter.continuation.resume() }
  }

  /// The body is there, too.
  func completed(_ request: LoopbackServer.Request) {
    values.withLock { values in
      let place = values.requests.lastIndex {
        $0.connection == request.connection && $0.indexOnConnection == request.indexOnConnection
      }
      if let place { values.requests[place] = request }
    }
  }

  func arrived(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let isThere = values.withLock { values in
        guard values.requests.count < count else { return true }
        values.waiters.append((count, continuation))
        return false
      }
      if isThere { continuation.resume() }
    }
  }

  /// False when it had stopped before.
  func stop() -> Bool {
    values.withLock { values in
      guard !values.isStopped else { return false }
      values.isStopped = true
      for socket in values.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
      return true
    }
  }
}
