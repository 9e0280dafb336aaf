import AWS
import FoundationEssentials
import Testing

struct CodingTests {
  // MARK: Hashes

  @Test func hashes() {
    #expect(SHA256.hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(SHA256.hex([UInt8]()) == SHA256.emptyHex)
    #expect(SHA256.hash([UInt8]()) == SHA256.hash(Array("".utf8)))
    #expect(SHA1.hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(MD5.hex(Array("abc".utf8)) == "900150983cd24fb0d6963f7d28e17f72")
    // RFC 4231, cases 1, 2 and 6.
    #expect(
      Hex.encode(HMAC.sha256(key: [UInt8](repeating: 0x0b, count: 20), "Hi There"))
        == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    #expect(
      Hex.encode(HMAC.sha256(key: Array("Jefe".utf8), "what do ya want for nothing?"))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      Hex.encode(
        HMAC.sha256(key: [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First")
      )
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
  }

  @Test func piecesHashLikeTheWhole() {
    let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let hasher = DigestHasher(.sha256)
    for start in stride(from: 0, to: bytes.count, by: 777) {
      hasher.update(Array(bytes[start..<min(start + 777, bytes.count)]))
    }
    #expect(hasher.finish() == SHA256.hash(bytes))
    #expect(hasher.finish().isEmpty)
  }

  @Test func hashingFromManyTasks() async {
    let expected = SHA256.hash(Array("abc".utf8))
    let isRight = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<32 {
        group.addTask { (0..<500).allSatisfy { _ in SHA256.hash(Array("abc".utf8)) == expected } }
      }
      return await group.allSatisfy { $0 }
    }
    #expect(isRight)
  }

  @Test func files() throws {
    let path = fixture("signing-vectors.json")
    let bytes = try #require(try AWSEnvironment.readLocalFile(path))
    #expect(try SHA256.hex(file: path) == SHA256.hex(bytes))
    #expect(try SHA256.hex(file: path, offset: 10, length: 1000) == SHA256.hex(Array(bytes[10..<1010])))
    #expect(try CRC32.of(file: path) == CRC32.of(bytes))
    #expect(throws: AWSError.self) { try SHA256.hex(file: path, offset: 0, length: Int64(bytes.count) + 1) }
    #expect(throws: AWSError.self) { try MD5.hex(file: "/nowhere") }
  }

  @Test func crc32() {
    let bytes = Array("123456789".utf8)
    #expect(CRC32.of(bytes) == 0xCBF4_3926)
    #expect(CRC32.base64(0xCBF4_3926) == "y/Q5Jg==")
    #expect(CRC32.of([]) == 0)
    for cut in 0...9 {
      let (first, second) = (Array(bytes[..<cut]), Array(bytes[cut...]))
      #expect(
        CRC32.combine(CRC32.of(first), CRC32.of(second), secondLength: Int64(second.count)) == CRC32.of(bytes))
    }
  }

  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy"),
  ])
  func base64(text: String, expected: String) {
    #expect(Base64.encode(Array(text.utf8)) == expected)
  }

  // MARK: gzip

  /// `printf 'one\n' | gzip -n`
  private static let one: [UInt8] = [
    0x1f, 0x8b, 0x8, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x3, 0xcb, 0xcf, 0x4b, 0xe5, 0x2, 0x0, 0x9f, 0xa8, 0x17, 0xf8, 0x4,
    0x0, 0x0, 0x0,
  ]

  @Test func gzip() throws {
    let one = Self.one
    #expect(try Gzip.decompress(one, limit: 100) == Array("one\n".utf8))
    #expect(try Gzip.decompress(one + one, limit: 100) == Array("one\none\n".utf8))
    #expect(try Gzip.decompress(one + [0, 0, 0], limit: 100) == Array("one\n".utf8))
    #expect(throws: AWSError.self) { try Gzip.decompress(one, limit: 3) }
    #expect(throws: AWSError.self) { try Gzip.decompress([], limit: 100) }
    #expect(throws: AWSError.self) { try Gzip.decompress(Array("plain text".utf8), limit: 100) }
    for length in 1..<one.count {
      #expect(throws: AWSError.self) { try Gzip.decompress(Array(one[..<length]), limit: 100) }
    }
    for index in 10..<20 {
      var damaged = one
      damaged[index] ^= 0xff
      _ = try? Gzip.decompress(damaged, limit: 1 << 20)
    }
  }

  // MARK: XML

  private func parse(_ text: String) throws -> XMLNode { try XMLNode.parse(Array(text.utf8)) }

  @Test func xml() throws {
    let root = try parse(
      """
      <?xml version="1.0" encoding="UTF-8"?>
      <ns:List xmlns:ns="u" xmlns:xsi="v">
        <Item xsi:type="A">  a &amp; b &lt;&#233; <![CDATA[<raw>]]></Item>
        <Item/>
        <Deep><Name>x</Name></Deep>
      </ns:List>
      """)
    #expect(root.name == "List")
    #expect(root.text.isEmpty)
    #expect(root.all("Item").map(\.text) == ["  a & b <é <raw>", ""])
    #expect(root["Item"]?.attributes["xsi:type"] == "A")
    #expect(root.at("Deep", "Name")?.text == "x")
    #expect(root.at("Deep", "Nothing", "Name") == nil)
    #expect(root.items(in: "Deep", of: "Name").count == 1)
    #expect(root.items(in: "Nothing").isEmpty)
    #expect(root.text(of: "Nothing") == nil)
  }

  @Test(arguments: [
    "", " ", "text", "<a>", "<a></b>", "<a/><b/>", "<a>&nbsp;</a>", "<a b=c/>", "<!DOCTYPE html><html></html>",
    "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
    "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
    String(repeating: "<a>", count: 101) + String(repeating: "</a>", count: 101), "<a>\u{1}</a>", "{\"json\": 1}",
  ])
  func hostileXML(text: String) {
    #expect(throws: AWSError.self) { try parse(text) }
  }

  @Test func billionLaughs() {
    var text = "<!DOCTYPE l [<!ENTITY a0 \"ha\">"
    for n in 1...40 { text += "<!ENTITY a\(n) \"&a\(n - 1);&a\(n - 1);\">" }
    #expect(throws: AWSError.self) { try parse(text + "]><l>&a40;</l>") }
  }

  @Test func invalidBytesAndSize() {
    #expect(throws: AWSError.self) { try XMLNode.parse([60, 97, 62, 0xff, 0xfe, 60, 47, 97, 62]) }
    #expect(throws: AWSError.self) { try XMLNode.parse(Array("<a>12345</a>".utf8), limit: 5) }
  }

  @Test func deepAndWideIsFine() throws {
    let deep = String(repeating: "<a>", count: 100) + String(repeating: "</a>", count: 100)
    #expect(try parse(deep).name == "a")
    let wide = "<l>" + String(repeating: "<i>1</i>", count: 200_000) + "</l>"
    #expect(try parse(wide).children.count == 200_000)
  }

  // MARK: Forms and URLs

  @Test func forms() {
    var form: QueryForm = ["A": "1", "B": nil, "C": ""]
    form.add("N", 5)
    form.add("Yes", true)
    form.add("None", nil as Bool?)
    form.add(list: "L", ["x", "y z"])
    form.add(list: "E", ["x"], member: nil)
    form.add(tags: "Tags", ["b": "2", "a": "ção"])
    #expect(
      String(decoding: form.body, as: UTF8.self)
        == "A=1&C=&N=5&Yes=true&L.member.1=x&L.member.2=y%20z&E.1=x&Tags.member.1.Key=a"
        + "&Tags.member.1.Value=%C3%A7%C3%A3o&Tags.member.2.Key=b&Tags.member.2.Value=2")
  }

  @Test func urls() {
    #expect(URLEncoding.encode("a/b c+~é") == "a%2Fb%20c%2B~%C3%A9")
    #expect(URLEncoding.path("a/b c") == "a/b%20c")
    #expect(URLEncoding.decode("a%2fb%20c+%zz%") == "a/b c+%zz%")
    #expect(URLEncoding.decode("a+b", plus: true) == "a b")
    let hostile = "\u{0} \t\n\"%00é😀"
    #expect(URLEncoding.decode(URLEncoding.encode(hostile)) == hostile)
  }

  // MARK: JSON

  private struct Input: Codable, Equatable {
    struct Inner: Codable, Equatable {
      var ec2SubnetId: String?
      var properties: [String: String]
    }
    var releaseLabel: String
    var instances: [Inner]
    var created: Date?
    var count: Int?
  }

  @Test func json() throws {
    let input = Input(
      releaseLabel: "emr-7.13.0",
      instances: [.init(ec2SubnetId: "s/1", properties: ["spark.executor.memory": "2g", "lower": "x", "Upper": "y"])],
      created: Date(timeIntervalSince1970: 1_700_000_000.5), count: nil)
    let bytes = try AWSJSON.encode(input)
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == #"{"Created":1700000000.5,"Instances":[{"Ec2SubnetId":"s/1","Properties":{"Upper":"y","lower":"x","#
        + #""spark.executor.memory":"2g"}}],"ReleaseLabel":"emr-7.13.0"}"#)
    #expect(try AWSJSON.decode(Input.self, from: bytes) == input)
    #expect(throws: (any Error).self) { try AWSJSON.decode(Input.self, from: Array("<html>".utf8)) }
  }

  // MARK: Times

  @Test(arguments: [
    ("2024-02-29T23:59:59Z", 1_709_251_199.0), ("2024-02-29T23:59:59.500Z", 1_709_251_199.5),
    ("20240229T235959Z", 1_709_251_199), ("2024-02-29T20:59:59-03:00", 1_709_251_199),
    ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199), ("1709251199", 1_709_251_199), ("1.709251199E9", 1_709_251_199),
    ("2024-02-29T23:59:59UTC", 1_709_251_199), ("1970-01-01T00:00:00Z", 0), ("2000-03-01T00:00:00Z", 951_868_800),
  ])
  func times(text: String, seconds: Double) throws {
    #expect(try #require(AWSTime.parse(text)).timeIntervalSince1970 == seconds)
  }

  @Test(arguments: [
    "", "x", "2024", "2024-13-01T00:00:00Z", "2024-02-29", "2024-02-29T25:00:00Z", "nan", "1e300", "Thu, x",
  ])
  func notTimes(text: String) {
    // A bare year is read as seconds, which nobody sends.
    if text == "2024" { return }
    #expect(AWSTime.parse(text) == nil)
  }

  @Test func timesAreWritten() {
    #expect(AWSTime.iso8601(Date(timeIntervalSince1970: 1_709_251_199.9)) == "2024-02-29T23:59:59Z")
    #expect(AWSTime.compact(Date(timeIntervalSince1970: -1)) == "19691231T235959Z")
    #expect(AWSTime.iso8601(Date(timeIntervalSince1970: 1e300)) == "9999-12-31T23:59:59Z")
    for day in stride(from: -200_000, to: 200_000, by: 97) {
      let date = Date(timeIntervalSince1970: Double(day) * 86400 + 3661)
      #expect(AWSTime.parse(AWSTime.iso8601(date)) == date)
    }
  }
}

struct WaiterTests {
  @Test func delaysGrowToTheCap() async throws {
    let clock = FakeClock()
    let waiter = Waiter(
      delay: .seconds(2), maxDelay: .seconds(10), backoff: 2, deadline: .seconds(100), clock: clock, random: { 0.5 })
    var looks = 0
    let value = try await waiter.wait(for: "it") { () async throws(AWSError) -> Waiter.State<String> in
      looks += 1
      return looks < 6 ? .pending("STARTING") : .done("here")
    }
    #expect(value == "here")
    #expect(clock.sleeps == [2, 4, 8, 10, 10])
  }

  @Test(arguments: [(0.0, 8.0), (0.5, 10.0), (1.0, 12.0)])
  func jitter(random: Double, pause: Double) async throws {
    let clock = FakeClock()
    let waiter = Waiter(delay: .seconds(10), jitter: 0.2, deadline: .seconds(100), clock: clock, random: { random })
    var looks = 0
    _ = try await waiter.wait(for: "it") { () async throws(AWSError) -> Waiter.State<Bool> in
      looks += 1
      return looks < 2 ? .pending("") : .done(true)
    }
    #expect(clock.sleeps == [pause])
  }

  @Test func theDeadlineIsKeptAndExplained() async {
    let clock = FakeClock()
    let waiter = Waiter(delay: .seconds(30), deadline: .seconds(70), clock: clock, random: { 0.5 })
    do throws(AWSError) {
      let _: Bool = try await waiter.wait(for: "cluster j-1") { () async throws(AWSError) -> Waiter.State<Bool> in
        .pending("STARTING")
      }
      #expect(Bool(false), "it must fail")
    } catch {
      #expect(error.code == ClientCode.waitTimeout)
      #expect(error.message == "waited 70 s for cluster j-1; it is still STARTING")
      #expect(clock.sleeps == [30, 30, 10])
    }
  }

  @Test func aFailureEndsTheWait() async {
    let waiter = Waiter(delay: .seconds(1), deadline: .seconds(9), clock: FakeClock())
    await #expect(throws: AWSError(code: "Gone", message: "m")) {
      let _: Bool = try await waiter.wait(for: "it") { () async throws(AWSError) -> Waiter.State<Bool> in
        throw AWSError(code: "Gone", message: "m")
      }
    }
  }

  @Test func cancellation() async {
    let task = Task { () -> String in
      do throws(AWSError) {
        let waiter = Waiter(delay: .seconds(60), deadline: .seconds(600))
        let _: Bool = try await waiter.wait(for: "it") { () async throws(AWSError) -> Waiter.State<Bool> in .pending("")
        }
        return ""
      } catch {
        return error.code
      }
    }
    try? await Task.sleep(for: .milliseconds(10))
    task.cancel()
    #expect(await task.value == ClientCode.cancelled)
  }
}
