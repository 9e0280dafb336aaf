import FoundationEssentials
import HTTP
import Support
import Testing

/// How many connections there are, and what happens when they die.
@Suite struct ConnectionTests {
  @Test func manyRequestsOnFewConnections() async throws {
    let server = try LoopbackServer { .ok($0.target) }
    var configuration = HTTPConfiguration()
    configuration.maxConnectionsPerHost = 4
    let client = try HTTPClient(configuration)
    let url = server.url
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 1...100 {
        group.addTask {
          let response = try await client.execute(HTTPRequest(method: "GET", url: "\(url)/\(number)"))
          return response.body == Array("/\(number)".utf8)
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
    #expect(server.requests.count == 100)
    #expect((1...4).contains(server.connections))
    #expect(client.statistics.requests == 100)
    #expect(client.statistics.connectionsOpened == server.connections)
  }

  @Test func oneConnectionForOneAfterTheOther() async throws {
    let server = try LoopbackServer { _ in .ok("x") }
    let client = try HTTPClient()
    for _ in 1...20 { _ = try await client.execute(HTTPRequest(method: "GET", url: server.url)) }
    #expect(server.connections == 1)
  }

  /// Waiting for one's turn is not connecting.
  @Test func waitingDoesNotUseUpTheTimeToConnect() async throws {
    let gate = Gate()
    let server = try LoopbackServer { $0.target == "/held" ? Reply([.wait(gate)] + Reply.ok().steps) : .ok() }
    var configuration = HTTPConfiguration()
    configuration.maxConnectionsPerHost = 1
    let client = try HTTPClient(configuration)
    let held = HTTPRequest(method: "GET", url: server.url + "/held")
    async let first = client.execute(held)
    await server.arrived(1)
    async let second = client.execute(
      HTTPRequest(method: "GET", url: server.url + "/", connectTimeout: .milliseconds(100)))
    // Time itself is what is waited for.
    try await Task.sleep(for: .milliseconds(400))
    gate.open()
    #expect(try await first.status == 200)
    #expect(try await second.status == 200)
  }

  /// The server ends a kept connection when the next request comes, as one does whose patience ran out just then.
  @Test(arguments: [Reply.close, .reset])
  func safeRequestIsSentAgainOnADeadConnection(ending: Reply) async throws {
    let server = try LoopbackServer { $0.indexOnConnection == 2 ? ending : .ok() }
    let client = try HTTPClient()
    let folder = try TemporaryFolder()
    let content = Array(Pattern.block.prefix(300_000))
    try Data([0, 0] + content).write(to: URL(filePath: folder.path("body")))
    let stream = HTTPBody.stream(length: 300_000) { Bytes(content) }
    for body in [HTTPBody.bytes(content), .file(path: folder.path("body"), offset: 2, length: 300_000), stream] {
      _ = try await client.execute(HTTPRequest(method: "GET", url: server.url))
      let before = server.requests.count
      let response = try await client.execute(HTTPRequest(method: "PUT", url: server.url, body: body))
      #expect(response.status == 200)
      #expect(server.requests.count == before + 2)
      // So that the next turn begins with a connection that has served once.
      _ = await failure(of: client, HTTPRequest(method: "GET", url: server.url))
    }
  }

  @Test(arguments: [Reply.close, .reset])
  func unsafeRequestIsNeverSentTwice(ending: Reply) async throws {
    let server = try LoopbackServer { $0.method == "POST" ? ending : .ok() }
    let client = try HTTPClient()
    _ = try await client.execute(HTTPRequest(method: "GET", url: server.url))
    let unsafe = HTTPRequest(method: "POST", url: server.url, body: .bytes([1]), allowsReconnect: false)
    let error = await failure(of: client, unsafe)
    #expect(error?.kind == .reset)
    #expect(error?.mayHaveBeenProcessed == true)
    #expect(server.requests.filter { $0.method == "POST" }.count == 1)
    #expect(server.connections == 2)
  }

  /// It does not even try a connection that may be dead, so it is not lost to one.
  @Test func unsafeRequestHasItsOwnConnection() async throws {
    let server = try LoopbackServer { $0.indexOnConnection == 2 ? .close : .ok() }
    let client = try HTTPClient()
    _ = try await client.execute(HTTPRequest(method: "GET", url: server.url))
    let unsafe = HTTPRequest(method: "POST", url: server.url, body: .bytes([1]), allowsReconnect: false)
    #expect(try await client.execute(unsafe).status == 200)
    #expect(server.requests.map(\.connection) == [1, 2])
  }

  /// Idle connections make room for the new one.
  @Test(arguments: [(1, 9), (9, 1)])
  func unsafeRequestFindsRoom(perHost: Int, all: Int) async throws {
    let (server, other) = (try LoopbackServer { _ in .ok() }, try LoopbackServer { _ in .ok() })
    var configuration = HTTPConfiguration()
    configuration.maxConnectionsPerHost = perHost
    configuration.maxConnections = all
    let client = try HTTPClient(configuration)
    for url in [server.url, other.url] {
      for allowsReconnect in [true, false, false, true] {
        let request = HTTPRequest(
          method: "POST", url: url, deadline: .seconds(5), allowsReconnect: allowsReconnect)
        #expect(try await client.execute(request).status == 200)
      }
    }
    #expect(server.connections == 3)
    #expect(other.connections == 3)
  }

  /// Many hosts at once, of which only a few fit.
  @Test func limitOfAllConnections() async throws {
    let servers = try (1...6).map { _ in try LoopbackServer { _ in .ok() } }
    var configuration = HTTPConfiguration()
    configuration.maxConnections = 2
    let client = try HTTPClient(configuration)
    let urls = servers.map(\.url)
    await withTaskGroup(of: HTTPError?.self) { group in
      for number in 0..<60 {
        group.addTask {
          await failure(of: client, HTTPRequest(method: "GET", url: urls[number % 6], deadline: .seconds(10)))
        }
      }
      for await error in group { #expect(error == nil) }
    }
    #expect(servers.map(\.requests.count) == [10, 10, 10, 10, 10, 10])
  }

  @Test func refusedConnection() async throws {
    let port = try LoopbackServer.unusedPort()
    let error = await failure(of: try HTTPClient(), HTTPRequest(method: "POST", url: "http://127.0.0.1:\(port)/secret"))
    #expect(error?.kind == .connect)
    #expect(error?.mayHaveBeenProcessed == false)
    #expect(error?.host == "127.0.0.1:\(port)")
    #expect(error?.message.contains("secret") == false)
  }

  @Test func unknownHost() async throws {
    let error = await failure(of: try HTTPClient(), HTTPRequest(method: "POST", url: "http://nowhere.invalid/"))
    #expect(error?.kind == .resolve)
    #expect(error?.mayHaveBeenProcessed == false)
  }

  @Test func noTLS() async throws {
    let server = try LoopbackServer(greeting: "220 mail.example ESMTP\r\n") { _ in .ok() }
    let url = "https://127.0.0.1:\(server.port)/"
    let error = await failure(of: try HTTPClient(), HTTPRequest(method: "POST", url: url))
    #expect(error?.kind == .tls)
    #expect(error?.mayHaveBeenProcessed == false)
  }
}

/// A body from memory, read as one from elsewhere.
final class Bytes: BodyStream {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let piece = rest.prefix(min(buffer.count, 10_000))
    piece.withUnsafeBytes { buffer.copyMemory(from: $0) }
    rest = rest.dropFirst(piece.count)
    return piece.count
  }
}
