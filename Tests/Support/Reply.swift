package import HTTP
internal import Synchronization

/// What the `LoopbackServer` does to a request, step by step. The connection is kept afterwards, unless the last step
/// ended it.
package struct Reply: Sendable {
  package enum Step: Sendable {
    case send([UInt8])
    /// That many bytes of the `Pattern`.
    case sendPattern(Int64)
    /// Waits until the gate is open, or the client gone.
    case wait(Gate)
    /// Waits until the client is gone.
    case hang
    /// Ends the connection properly.
    case close
    /// Breaks the connection off.
    case reset
  }

  package var steps: [Step]

  package init(_ steps: [Step]) { self.steps = steps }

  /// Exactly these bytes.
  package static func raw(_ text: String) -> Reply { Reply([.send(Array(text.utf8))]) }

  package static func status(_ status: Int, _ headers: HTTPHeaders = [:], body: String = "") -> Reply {
    Reply([.send(head(status, headers, "Content-Length: \(body.utf8.count)") + Array(body.utf8))])
  }

  /// Nothing but the head, for HEAD: with the length that GET would have.
  package static func headOnly(length: Int) -> Reply { Reply([.send(head(200, [:], "Content-Length: \(length)"))]) }

  package static func ok(_ body: String = "") -> Reply { status(200, body: body) }

  package static func pattern(_ length: Int64, status: Int = 200) -> Reply {
    Reply([.send(head(status, [:], "Content-Length: \(length)")), .sendPattern(length)])
  }

  package static func chunked(_ pieces: [String]) -> Reply {
    let chunks = (pieces + [""]).map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }
    return Reply([.send(head(200, [:], "Transfer-Encoding: chunked") + chunks.flatMap { Array($0.utf8) })])
  }

  /// A part of the body, and then the end of the connection.
  package static func truncated(announced: Int, body: String) -> Reply {
    Reply([.send(head(200, [:], "Content-Length: \(announced)") + Array(body.utf8)), .close])
  }

  package static let hang = Reply([.hang])
  package static let close = Reply([.close])
  package static let reset = Reply([.reset])

  package static func head(_ status: Int, _ headers: HTTPHeaders, _ framing: String) -> [UInt8] {
    Array(
      "HTTP/1.1 \(status) Status\r\n\(framing)\r\n\(headers.map { "\($0.name): \($0.value)\r\n" }.joined())\r\n".utf8)
  }
}

/// Holds the server's threads back until a test opens it.
package final class Gate: Sendable {
  private let flag = Atomic(false)

  package init() {}

  package func open() { flag.store(true, ordering: .releasing) }
  package var isOpen: Bool { flag.load(ordering: .acquiring) }
}
