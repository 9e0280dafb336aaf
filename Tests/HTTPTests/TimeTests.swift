import HTTP
import Support
import Testing

/// Limits of time, cancellation, and the end of the client.
@Suite struct TimeTests {
  private let gate = Gate()

  private func silentServer() throws -> LoopbackServer { try LoopbackServer { _ in .hang } }

  @Test func deadline() async throws {
    let server = try silentServer()
    let start = ContinuousClock.now
    let error = await failure(
      of: try HTTPClient(), HTTPRequest(method: "GET", url: server.url, deadline: .seconds(1)))
    #expect(error?.kind == .timeout)
    #expect(error?.mayHaveBeenProcessed == true)
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func deadlineWhileWaitingForAConnection() async throws {
    let server = try silentServer()
    var configuration = HTTPConfiguration()
    configuration.maxConnectionsPerHost = 1
    let client = try HTTPClient(configuration)
    let url = server.url
    let holder = Task { await failure(of: client, HTTPRequest(method: "GET", url: url)) }
    await server.arrived(1)
    let error = await failure(of: client, HTTPRequest(method: "GET", url: url, deadline: .milliseconds(150)))
    #expect(error?.kind == .timeout)
    #expect(error?.mayHaveBeenProcessed == false)
    #expect(server.requests.count == 1)
    holder.cancel()
    #expect(await holder.value?.kind == .cancelled)
  }

  @Test func idleTimeout() async throws {
    let server = try LoopbackServer { _ in Reply([.send(Reply.head(200, [:], "Content-Length: 9")), .hang]) }
    let error = await failure(
      of: try HTTPClient(), HTTPRequest(method: "GET", url: server.url, idleTimeout: .seconds(1)))
    #expect(error?.kind == .timeout)
    #expect(error?.mayHaveBeenProcessed == true)
  }

  /// The server takes the connection but says nothing of TLS.
  @Test func connectTimeout() async throws {
    let server = try LoopbackServer { _ in .hang }
    let url = "https://127.0.0.1:\(server.port)/"
    let error = await failure(
      of: try HTTPClient(), HTTPRequest(method: "GET", url: url, connectTimeout: .milliseconds(150)))
    #expect(error?.kind == .timeout)
    #expect(error?.mayHaveBeenProcessed == false)
  }

  @Test func cancelledBefore() async throws {
    let server = try silentServer()
    let client = try HTTPClient()
    let request = HTTPRequest(method: "POST", url: server.url)
    let gate = gate
    let task = Task {
      while !gate.isOpen { await Task.yield() }
      return await failure(of: client, request)
    }
    task.cancel()
    gate.open()
    let error = await task.value
    #expect(error?.kind == .cancelled)
    #expect(error?.mayHaveBeenProcessed == false)
    #expect(server.requests.isEmpty)
  }

  @Test func cancelledWhile() async throws {
    let server = try silentServer()
    let client = try HTTPClient()
    let request = HTTPRequest(method: "POST", url: server.url)
    let task = Task { await failure(of: client, request) }
    await server.arrived(1)
    task.cancel()
    let error = await task.value
    #expect(error?.kind == .cancelled)
    #expect(error?.mayHaveBeenProcessed == true)
    #expect(error?.host == "127.0.0.1:\(server.port)")
  }

  /// In every order of posting, starting and cancelling.
  @Test func cancelledAtAnyMoment() async throws {
    let server = try LoopbackServer { _ in .ok() }
    let client = try HTTPClient()
    let request = HTTPRequest(method: "GET", url: server.url)
    await withTaskGroup(of: HTTPError?.self) { group in
      for number in 1...300 {
        group.addTask {
          let call = Task { await failure(of: client, request) }
          for _ in 0..<(number % 50) { await Task.yield() }
          call.cancel()
          return await call.value
        }
      }
      for await error in group { #expect(error == nil || error?.kind == .cancelled) }
    }
    #expect(try await client.execute(request).status == 200)
  }

  @Test func shutdownEndsWhatIsUnderWay() async throws {
    let server = try silentServer()
    var configuration = HTTPConfiguration()
    configuration.maxConnectionsPerHost = 2
    let client = try HTTPClient(configuration)
    let request = HTTPRequest(method: "POST", url: server.url)
    let calls = (1...4).map { _ in Task { await failure(of: client, request) } }
    await server.arrived(2)
    client.shutdown()
    var sent = 0
    for call in calls {
      let error = await call.value
      #expect(error?.kind == .cancelled)
      if error?.mayHaveBeenProcessed == true { sent += 1 }
    }
    #expect(sent == 2)
    #expect(await failure(of: client, request)?.kind == .cancelled)
    client.shutdown()
  }

  /// The call itself keeps the client alive, and the thread goes with it.
  @Test func clientMayGoBeforeItsCallEnds() async throws {
    let server = try LoopbackServer { _ in .ok("x") }
    for _ in 1...20 {
      #expect(try await HTTPClient().execute(HTTPRequest(method: "GET", url: server.url)).body.count == 1)
    }
  }
}
