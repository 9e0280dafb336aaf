import HTTP
import Support
import Testing

/// What arrives at the server is what was asked for, and nothing else.
@Suite struct RequestTests {
  @Test(arguments: [
    ("GET", HTTPBody.none, "-"), ("DELETE", .none, "-"), ("HEAD", .none, "-"), ("PUT", .none, "0"),
    ("POST", .none, "0"), ("PUT", .bytes(Array("data".utf8)), "4"), ("POST", .bytes(Array("a=b".utf8)), "3"),
    ("DELETE", .bytes(Array("x".utf8)), "1"), ("GET", .bytes(Array("{}".utf8)), "2"),
    ("PUT", .bytes([]), "0"),
  ])
  func methodsAndBodies(method: String, body: HTTPBody, length: String) async throws {
    let server = try LoopbackServer { request in
      request.method == "HEAD" ? .headOnly(length: 5) : .status(200, ["X-Amz-Test": "yes"], body: "hello")
    }
    let client = try HTTPClient()
    for _ in 1...2 {
      let response = try await client.execute(HTTPRequest(method: method, url: server.url + "/a", body: body))
      #expect(response.status == 200)
      #expect(response.headers["content-length"] == "5")
      #expect(response.body == (method == "HEAD" ? [] : Array("hello".utf8)))
      #expect(response.bytesReceived == (method == "HEAD" ? 0 : 5))
    }
    #expect(server.connections == 1)
    for request in server.requests {
      #expect(request.method == method)
      #expect(request.headers["Content-Length"] ?? "-" == length)
    }
    if case .bytes(let bytes) = body { #expect(server.requests.last?.bodyLength == Int64(bytes.count)) }
  }

  @Test func onlyTheGivenHeadersInTheirOrder() async throws {
    let server = try LoopbackServer { _ in .ok() }
    let client = try HTTPClient()
    var headers = HTTPHeaders()
    for (name, value) in [
      ("X-Amz-Date", "20260101T000000Z"), ("x-twice", "1"), ("Authorization", "AWS4-HMAC-SHA256 a, b=c"),
      ("X-Empty", ""),
      ("X-Twice", "2"), ("X-Blank", "  "), ("X-Text", "a  b: c; \u{e9}"), ("Content-Length", "999"),
    ] { headers.add(name, value) }
    _ = try await client.execute(
      HTTPRequest(method: "POST", url: server.url + "/", headers: headers, body: .bytes([1, 2])))
    let request = try #require(server.requests.first)
    let lines = request.headers.map { "\($0.name)=\($0.value)" }
    #expect(
      lines.filter { !$0.hasPrefix("Host=") && !$0.hasPrefix("Content-Length=") } == [
        "X-Amz-Date=20260101T000000Z", "x-twice=1", "Authorization=AWS4-HMAC-SHA256 a, b=c", "X-Empty=", "X-Twice=2",
        "X-Blank=", "X-Text=a  b: c; \u{e9}",
      ])
    #expect(request.headers.values("host") == ["127.0.0.1:\(server.port)"])
    #expect(request.headers.values("content-length") == ["2"])
  }

  @Test func impliedHeadersCanBeSet() async throws {
    let server = try LoopbackServer { _ in .ok() }
    var configuration = HTTPConfiguration()
    configuration.userAgent = "mrhealth/1"
    let client = try HTTPClient(configuration)
    _ = try await client.execute(
      HTTPRequest(method: "PUT", url: server.url, headers: ["content-type": "text/csv", "Accept": "a/b"]))
    _ = try await client.execute(HTTPRequest(method: "GET", url: server.url, headers: ["user-agent": "other"]))
    let requests = server.requests
    #expect(requests.first?.headers["Content-Type"] == "text/csv")
    #expect(requests.first?.headers["Accept"] == "a/b")
    #expect(requests.first?.headers["User-Agent"] == "mrhealth/1")
    #expect(requests.last?.headers.values("User-Agent") == ["other"])
  }

  @Test(arguments: [
    "/", "/a//b/../c/./d", "/%2f%2F%c3%a9/~x", "/a+b%20c?x=%2b&y=&z", "/p?versioning", "/%2e%2e/a",
    "/a;b=c,d'(e)*!$@:[]",
    "/a?b=c?d/../e", "//two", "/a?b=|^`{}\"<>",
  ])
  func targetAsItIs(target: String) async throws {
    let server = try LoopbackServer { _ in .ok() }
    let client = try HTTPClient()
    _ = try await client.execute(HTTPRequest(method: "GET", url: server.url + target))
    #expect(server.requests.first?.target == target)
  }

  @Test(arguments: [
    "", "127.0.0.1/x", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http:///x", "http://:80/", "http://a b/",
    "http://127.0.0.1/a b", "http://127.0.0.1/\u{e9}", "http://127.0.0.1/a#b", "http://me:pw@127.0.0.1/",
    "http://h/\r\nX: y",
    "http://127.0.0.1:99999/",
  ])
  func refusesOtherURLs(url: String) async throws {
    let error = await failure(of: try HTTPClient(), HTTPRequest(method: "GET", url: url))
    #expect(error?.kind == .invalidURL)
    #expect(error?.mayHaveBeenProcessed == false)
  }

  @Test(arguments: [
    HTTPRequest(method: "GET", url: "http://127.0.0.1/", headers: ["X-A": "b\r\nX-C: d"]),
    HTTPRequest(method: "GET", url: "http://127.0.0.1/", headers: ["X A": "b"]),
    HTTPRequest(method: "GET", url: "http://127.0.0.1/", headers: ["X-A:": "b"]),
    HTTPRequest(method: "GET", url: "http://127.0.0.1/", headers: ["": "b"]),
    HTTPRequest(method: "GET", url: "http://127.0.0.1/", headers: ["X-A": "b\u{0}"]),
    HTTPRequest(method: "PUT", url: "http://127.0.0.1/", headers: ["Transfer-Encoding": "chunked"]),
    HTTPRequest(method: "GET /x", url: "http://127.0.0.1/"),
    HTTPRequest(method: "", url: "http://127.0.0.1/"),
    HTTPRequest(method: "HEAD", url: "http://127.0.0.1/", body: .bytes([1])),
    HTTPRequest(method: "PUT", url: "http://127.0.0.1/", body: .file(path: "/dev/null", offset: 0, length: -1)),
  ])
  func refusesWhatCannotBeSent(request: HTTPRequest) async throws {
    let error = await failure(of: try HTTPClient(), request)
    #expect(error?.kind == .invalidURL)
    #expect(error?.mayHaveBeenProcessed == false)
  }

  @Test func headersAreAnOrderedList() {
    var headers: HTTPHeaders = ["A": "1", "b": "2", "a": "3"]
    #expect(headers["a"] == "1")
    #expect(headers.values("A") == ["1", "3"])
    headers.set("a", "4")
    #expect(headers.map(\.value) == ["4", "2"])
    headers.add("B", "5")
    headers.remove("b")
    #expect(headers == ["a": "4"])
    #expect(headers["c"] == nil && headers.count == 1 && !headers.isEmpty)
  }
}
