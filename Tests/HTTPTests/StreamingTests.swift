import FoundationEssentials
import HTTP
import Support
import Synchronization
import Testing

/// Bodies from and to files. One test at a time: they look at the memory of the whole process.
@Suite(.serialized) struct StreamingTests {
  private static let size: Int64 = 320 << 20
  /// KiB. It takes about one MiB; other tests run at the same time, and some hold inputs of many MiB.
  private static let allowance = 256 << 10
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func makePattern(_ name: String, _ size: Int64) throws -> String {
    let path = folder.path(name)
    let file = try #require(OutputFile(path))
    var place: Int64 = 0
    while place < size {
      let piece = Pattern.piece(at: place, atMost: size - place)
      #expect(file.write(piece))
      place += Int64(piece.count)
    }
    return path
  }

  @Test func largeFileUp() async throws {
    let server = try LoopbackServer(keepsBodies: false) { _ in .ok() }
    let path = try makePattern("up", Self.size)
    let client = try HTTPClient()
    let last = Mutex<Int64>(0)
    Memory.forgetPeak()
    let before = Memory.current
    let response = try await client.execute(
      HTTPRequest(
        method: "PUT", url: server.url + "/up", body: .file(path: path, offset: 0, length: Self.size),
        progress: { sent, _ in last.withLock { $0 = sent } }))
    #expect(response.status == 200)
    let request = try #require(server.requests.first)
    #expect(request.bodyLength == Self.size && request.bodyIsPattern)
    #expect(request.headers["Expect"] == "100-continue")
    #expect(last.withLock { $0 } == Self.size)
    #expect(Memory.peak - before < Self.allowance)
  }

  @Test func largeFileDown() async throws {
    let server = try LoopbackServer { _ in .pattern(Self.size) }
    let client = try HTTPClient()
    let path = folder.path("down")
    let last = Mutex<Int64>(0)
    Memory.forgetPeak()
    let before = Memory.current
    let response = try await client.execute(
      HTTPRequest(
        method: "GET", url: server.url, target: .file(path: path),
        progress: { _, received in last.withLock { $0 = received } }))
    #expect(response.body.isEmpty && response.bytesReceived == Self.size)
    #expect(Memory.peak - before < Self.allowance)
    #expect(last.withLock { $0 } == Self.size)
    let data = try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
    #expect(data.count == Int(Self.size))
    #expect(data.withUnsafeBytes { Pattern.matches($0[...], at: 0) })
  }

  @Test func partOfAFile() async throws {
    let server = try LoopbackServer { _ in .ok() }
    let path = folder.path("part")
    try Data("0123456789".utf8).write(to: URL(filePath: path))
    _ = try await HTTPClient().execute(
      HTTPRequest(method: "PUT", url: server.url, body: .file(path: path, offset: 3, length: 4)))
    #expect(server.requests.first?.bodyLength == 4)
  }

  @Test func refusalSparesTheBody() async throws {
    let server = try LoopbackServer(keepsBodies: false, early: { _ in .status(403, body: "no") }) { _ in .ok() }
    let path = try makePattern("large", 8 << 20)
    let sent = Mutex<Int64>(0)
    let response = try await HTTPClient().execute(
      HTTPRequest(
        method: "PUT", url: server.url, body: .file(path: path, offset: 0, length: 8 << 20),
        progress: { now, _ in sent.withLock { $0 = now } }))
    #expect(response.status == 403 && response.body == Array("no".utf8))
    #expect(sent.withLock { $0 } == 0)
  }

  @Test func errorsGoToMemory() async throws {
    let path = folder.path("not-made")
    let server = try LoopbackServer {
      $0.target == "/long" ? .pattern(1 << 20, status: 500) : .status(404, body: "gone")
    }
    let client = try HTTPClient()
    let short = try await client.execute(HTTPRequest(method: "GET", url: server.url, target: .file(path: path)))
    #expect(short.status == 404 && short.body == Array("gone".utf8))
    let long = try await client.execute(
      HTTPRequest(method: "GET", url: server.url + "/long", target: .file(path: path)))
    #expect(long.status == 500 && long.body == Array(Pattern.block.prefix(64 << 10)))
    #expect(!FileManager.default.fileExists(atPath: path))
    #expect(server.connections == 1)
  }

  @Test func emptyBodyMakesTheFileToo() async throws {
    let server = try LoopbackServer { _ in .ok() }
    let path = folder.path("empty")
    try Data("old".utf8).write(to: URL(filePath: path))
    _ = try await HTTPClient().execute(HTTPRequest(method: "GET", url: server.url, target: .file(path: path)))
    #expect(try Data(contentsOf: URL(filePath: path)).isEmpty)
  }

  @Test func fullDisk() async throws {
    let server = try LoopbackServer { _ in .pattern(1 << 20) }
    let error = await failure(
      of: try HTTPClient(), HTTPRequest(method: "GET", url: server.url, target: .file(path: "/dev/full")))
    #expect(error?.kind == .write)
    #expect(error?.message == "/dev/full: No space left on device")
    #expect(error?.mayHaveBeenProcessed == true)
  }

  @Test func placeThatCannotBeWritten() async throws {
    let server = try LoopbackServer { _ in .ok("x") }
    let path = folder.path("missing/file")
    let error = await failure(
      of: try HTTPClient(), HTTPRequest(method: "GET", url: server.url, target: .file(path: path)))
    #expect(error?.kind == .write)
    #expect(error?.message == "\(path): No such file or directory")
  }

  @Test func fileShorterThanItWas() async throws {
    let server = try LoopbackServer { _ in .ok() }
    let path = folder.path("short")
    try Data("0123456789".utf8).write(to: URL(filePath: path))
    let error = await failure(
      of: try HTTPClient(),
      HTTPRequest(method: "PUT", url: server.url, body: .file(path: path, offset: 8, length: 4)))
    #expect(error?.kind == .read)
    #expect(error?.message.contains(path) == true)
  }

  @Test func bodyThatCannotBeRead() async throws {
    struct Broken: Error {}
    let server = try LoopbackServer { _ in .ok() }
    let client = try HTTPClient()
    let missing = HTTPBody.file(path: folder.path("missing"), offset: 0, length: 4)
    for body in [missing, .stream(length: 4) { throw Broken() }, .stream(length: 4) { Bytes([1]) }] {
      let error = await failure(of: client, HTTPRequest(method: "PUT", url: server.url, body: body))
      #expect(error?.kind == .read)
    }
  }
}
