import HTTP
import Support
import Testing

/// Answers of every sort, well-formed or not.
@Suite struct AnswerTests {
  private func answer(
    _ reply: Reply, target: ResponseTarget = .memory(limit: 1 << 20)
  ) async throws -> Result<HTTPResponse, HTTPError> {
    let server = try LoopbackServer { _ in reply }
    let client = try HTTPClient()
    do throws(HTTPError) {
      return .success(try await client.execute(HTTPRequest(method: "GET", url: server.url + "/", target: target)))
    } catch {
      return .failure(error)
    }
  }

  @Test(arguments: [200, 204, 301, 307, 304, 404, 500, 503])
  func anyStatusIsAnAnswer(status: Int) async throws {
    let headers: HTTPHeaders = ["Location": "http://127.0.0.1:1/", "X-A": "1", "x-a": "2"]
    let response = try await answer(.status(status, headers)).get()
    #expect(response.status == status)
    #expect(response.headers.values("X-A") == ["1", "2"])
  }

  @Test func chunks() async throws {
    let response = try await answer(.chunked(["one ", "two ", "three"])).get()
    #expect(response.body == Array("one two three".utf8))
    #expect(response.bytesReceived == 13)
  }

  @Test func compressionIsTheCallersAffair() async throws {
    let response = try await answer(.status(200, ["Content-Encoding": "gzip"], body: "as it is")).get()
    #expect(response.body == Array("as it is".utf8))
  }

  @Test func theLastHeadCounts() async throws {
    let reply = Reply.raw(
      "HTTP/1.1 103 Early\r\nX-A: 1\r\n\r\nHTTP/1.1 201 Made\r\nX-B:  2 \r\nContent-Length: 0\r\n\r\n")
    let response = try await answer(reply).get()
    #expect(response.status == 201)
    #expect(response.headers["X-A"] == nil && response.headers["X-B"] == "2")
  }

  @Test func trailersCountForNothing() async throws {
    let reply = Reply.raw(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: ETag\r\n\r\n2\r\nab\r\n0\r\nETag: false\r\n\r\n")
    let response = try await answer(reply).get()
    #expect(response.body == Array("ab".utf8))
    #expect(response.headers["ETag"] == nil)
  }

  @Test func limitOfTheBody() async throws {
    #expect(try await answer(.ok("12345678"), target: .memory(limit: 8)).get().body.count == 8)
    let error = try await error(in: answer(.ok("123456789"), target: .memory(limit: 8)))
    #expect(error.kind == .tooLarge && error.mayHaveBeenProcessed)
    #expect(error.message.contains("8 bytes"))
    // A server that says nothing of the length.
    let endless = Reply([.send(Reply.head(200, [:], "Connection: close")), .sendPattern(1 << 20), .close])
    #expect(try await self.error(in: answer(endless, target: .memory(limit: 1000))).kind == .tooLarge)
    // An error may be longer than the answer that was expected.
    #expect(try await answer(.status(500, body: "long error"), target: .memory(limit: 0)).get().body.count == 10)
  }

  @Test func limitOfTheHead() async throws {
    let long = String(repeating: "x", count: 60_000)
    let lines = (1...5).map { "X-\($0): \(long)\r\n" }.joined()
    let error = try await error(in: answer(.raw("HTTP/1.1 200 OK\r\n\(lines)Content-Length: 0\r\n\r\n")))
    #expect(error.kind == .tooLarge && error.mayHaveBeenProcessed)
    let many = String(repeating: "A: b\r\n", count: 1001)
    #expect(
      try await self.error(in: answer(.raw("HTTP/1.1 200 OK\r\n\(many)Content-Length: 0\r\n\r\n"))).kind == .tooLarge)
  }

  @Test(arguments: [
    Reply.truncated(announced: 100, body: "short"), .close, .reset, .raw("SSH-2.0-OpenSSH\r\n\r\n"),
    Reply([.send(Array("HTTP/1.1 200 OK\r\nContent-Le".utf8)), .close]),
    Reply([.send(Array("HTTP/1.1 200 OK\r\nETag: a\r\n".utf8)), .close]),
    Reply([.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)), .close]),
    Reply([.send(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".utf8)), .reset]),
    Reply([.send(Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc".utf8)), .close]),
    Reply([.send(Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".utf8)), .close]),
  ])
  func brokenAnswers(reply: Reply) async throws {
    let error = try await error(in: answer(reply))
    #expect(error.kind == .reset, "\(error)")
    #expect(error.mayHaveBeenProcessed)
    #expect(error.host.hasPrefix("127.0.0.1:"))
    #expect(!error.message.isEmpty)
  }

  private func error(in result: Result<HTTPResponse, HTTPError>) throws -> HTTPError {
    guard case .failure(let error) = result else { throw Unexpected() }
    return error
  }

  private struct Unexpected: Error {}
}
