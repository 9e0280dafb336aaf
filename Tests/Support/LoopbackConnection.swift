internal import Glibc
internal import HTTP

/// One connection of a `LoopbackServer`, served on a thread of its own.
struct LoopbackConnection {
  private let socket: Int32
  private let number: Int
  private let state: LoopbackState
  private var buffer = [UInt8](repeating: 0, count: 256 << 10)
  private var filled = 0

  init(_ socket: Int32, _ number: Int, _ state: LoopbackState) {
    (self.socket, self.number, self.state) = (socket, number, state)
    var on: Int32 = 1
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  consuming func serve(_ greeting: String) {
    var index = 0
    _ = send(Array(greeting.utf8))
    while let head = readHead() {
      index += 1
      guard var request = Self.parse(head, number, index) else { break }
      state.arrived(request)
      if let reply = state.early(request) {
        guard perform(reply) else { break }
        continue
      }
      if request.headers["Expect"] != nil {
        guard send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) else { break }
      }
      guard readBody(&request) else { break }
      state.completed(request)
      guard perform(state.handler(request)) else { break }
    }
    state.close(socket)
  }

  // MARK: Reading

  private mutating func receive() -> Bool {
    let place = filled
    let got = buffer.withUnsafeMutableBytes { all in
      while true {
        let got = recv(socket, all.baseAddress.map { $0 + place }, all.count - place, 0)
        if got >= 0 || errno != EINTR { return got }
      }
    }
    filled += max(0, got)
    return got > 0
  }

  private mutating func drop(_ count: Int) {
    buffer.withUnsafeMutableBytes { all in
      guard let base = all.baseAddress else { return }
      memmove(base, base + count, filled - count)
    }
    filled -= count
  }

  private mutating func readHead() -> [UInt8]? {
    while true {
      let end = buffer.withUnsafeBytes { Self.endOfHead($0.prefix(filled)) }
      if let end {
        let head = Array(buffer[..<end])
        drop(end + 4)
        return head
      }
      guard filled < buffer.count, receive() else { return nil }
    }
  }

  private static func endOfHead(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
    bytes.indices.dropLast(3).first { bytes[$0] == 13 && bytes[$0...].starts(with: [13, 10, 13, 10]) }
  }

  private static func parse(_ head: [UInt8], _ connection: Int, _ index: Int) -> LoopbackServer.Request? {
    let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
    guard let words = lines.first?.split(separator: " "), words.count == 3 else { return nil }
    var headers = HTTPHeaders()
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      headers.add(String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
    }
    return LoopbackServer.Request(
      method: String(words[0]), target: String(words[1]), headers: headers, connection: connection,
      indexOnConnection: index)
  }

  private mutating func readBody(_ request: inout LoopbackServer.Request) -> Bool {
    var left = request.headers["Content-Length"].flatMap { Int64($0) } ?? 0
    while left > 0 {
      guard filled > 0 || receive() else { return false }
      let count = Int(min(Int64(filled), left))
      if state.keepsBodies {
        request.body += buffer[..<count]
      } else {
        let isPattern = buffer.withUnsafeBytes { Pattern.matches($0.prefix(count), at: request.bodyLength) }
        request.bodyIsPattern = request.bodyIsPattern && isPattern
      }
      request.bodyLength += Int64(count)
      left -= Int64(count)
      drop(count)
    }
    return true
  }

  // MARK: Answering

  /// False when the connection has ended.
  private func perform(_ reply: Reply) -> Bool {
    for step in reply.steps {
      switch step {
      case .send(let bytes):
        guard send(bytes) else { return false }
      case .sendPattern(let length):
        var place: Int64 = 0
        while place < length {
          let piece = Pattern.piece(at: place, atMost: length - place)
          guard send(Array(piece)) else { return false }
          place += Int64(piece.count)
        }
      case .wait(let gate):
        while !gate.isOpen {
          if isClientGone(within: 5) { return false }
        }
      case .hang:
        while !isClientGone(within: 1000) {}
        return false
      case .close:
        return false
      case .reset:
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        return false
      }
    }
    return true
  }

  private func send(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { all in
      var rest = all[...]
      while !rest.isEmpty {
        let piece = UnsafeRawBufferPointer(rebasing: rest)
        let sent = Glibc.send(socket, piece.baseAddress, piece.count, Int32(MSG_NOSIGNAL))
        if sent > 0 {
          rest = rest.dropFirst(sent)
        } else if errno != EINTR {
          return false
        }
      }
      return true
    }
  }

  /// POLLRDHUP, which Swift's Glibc does not show.
  private static let pollHangUp: Int16 = 0x2000

  /// Also when the server was stopped.
  private func isClientGone(within milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: socket, events: Self.pollHangUp, revents: 0)
    return poll(&entry, 1, milliseconds) > 0
  }
}
