import Engine
import FoundationEssentials
import Model
import Support
import Testing

@testable import Cloud

@Suite struct StateStoreTests {
  let aws = ScriptedAWS()
  var store: S3StateStore { S3StateStore(aws.client, bucket: "lake", stack: "s") }
  /// Bytes are bytes to a store; a state's are as good as any.
  static func bytes(serial: Int = 0) throws -> [UInt8] {
    try State(
      stack: "s", lineage: "l", serial: serial, updatedAt: Date(timeIntervalSince1970: 1_790_000_000)
    ).encoded()
  }
  static let object = "lake/s.state.json"

  @Test func `nothing, not even a bucket, is no state`() async throws {
    #expect(try await store.load() == nil)
    aws.on("GET \(Self.object)", .fault("NoSuchBucket", status: 404))
    aws.on("GET \(Self.object).lock", .fault("NoSuchBucket", status: 404))
    #expect(try await store.load() == nil)
    #expect(try await store.readLock() == nil)
  }

  @Test func `a state is saved where none was and read back`() async throws {
    let version = try await store.save(try Self.bytes(), replacing: nil)
    #expect(aws.requests("PUT \(Self.object)").first?.header("If-None-Match") == "*")
    let loaded = try #require(try await store.load())
    #expect(loaded.bytes == (try Self.bytes()))
    #expect(loaded.version == version)
    #expect(store.location == "s3://lake/s.state.json")
  }

  @Test func `a save replaces only the version that was read`() async throws {
    let first = try await store.save(try Self.bytes(), replacing: nil)
    let second = try await store.save(try Self.bytes(serial: 1), replacing: first)
    #expect(second != first)
    let next = try Self.bytes(serial: 2)
    await #expect(throws: StateConflict.self) { try await store.save(next, replacing: first) }
    await #expect(throws: StateConflict.self, "there is one already") { try await store.save(next, replacing: nil) }
    aws.remove(Self.object)
    await #expect(throws: StateConflict.self, "it was deleted") { try await store.save(next, replacing: second) }
  }

  @Test func `one's own write, met by its repetition, is no conflict`() async throws {
    let bytes = try Self.bytes()
    aws.put(Self.object, bytes)
    aws.on("PUT \(Self.object)", .lost, .fault("PreconditionFailed", status: 412))
    let version = try await store.save(try Self.bytes(), replacing: nil)
    #expect(version == (try await store.load())?.version)
  }

  @Test func `a write all of whose answers were lost is settled by looking`() async throws {
    aws.put(Self.object, try Self.bytes())
    aws.on("PUT \(Self.object)", .lost)
    let version = try await store.save(try Self.bytes(), replacing: nil)
    #expect(version == (try await store.load())?.version)
    aws.remove(Self.object)
    let found = await diagnostic { try await store.save(try Self.bytes(), replacing: nil) }
    #expect(found.summary == "S3 PutObject got no answer")
  }

  @Test func `a write under way elsewhere is waited for`() async throws {
    let busy = ScriptedAWS.Answer.fault("ConditionalRequestConflict", status: 409)
    aws.on("PUT \(Self.object)", busy, busy, .ok("", headers: ["ETag": "\"e-1\""]))
    #expect(try await store.save(try Self.bytes(), replacing: nil) == StateVersion("e-1"))
    #expect(aws.count("PUT \(Self.object)") == 3)
    aws.on("PUT \(Self.object)", busy)
    await #expect(throws: StateConflict.self) { try await store.save(try Self.bytes(), replacing: nil) }
  }

  @Test func `another refusal is explained`() async {
    aws.on("PUT \(Self.object)", .fault("AccessDenied", status: 403))
    let found = await diagnostic { try await store.save(try Self.bytes(), replacing: nil) }
    #expect(found.summary == "Not allowed: S3 PutObject")
    aws.on("GET \(Self.object)", .fault("AccessDenied", status: 403))
    #expect(await diagnostic { try await store.load() }.summary == "Not allowed: S3 GetObject")
  }

  @Test func `a damaged state and one of a newer program are said to be so`() async {
    aws.put(Self.object, "{")
    let damaged = await diagnostic { try await store.loadState() }
    #expect(damaged.summary == "The state is damaged")
    #expect(damaged.detail.hasPrefix("s3://lake/s.state.json"))
    aws.put(Self.object, #"{"version":99}"#)
    #expect(await diagnostic { try await store.loadState() }.summary == "The state was written by a newer mrhealth")
  }

  // MARK: Lock

  @Test func `the lock is one object with the same conditions`() async throws {
    let version = try await store.writeLock([1], replacing: nil)
    #expect(aws.objects == ["lake/s.state.json.lock"])
    #expect(try await store.readLock() == StoredObject(bytes: [1], version: version))
    await #expect(throws: StateConflict.self) { try await store.writeLock([2], replacing: nil) }
    let beat = try await store.writeLock([2], replacing: version)
    await #expect(throws: StateConflict.self, "another version is not ours to delete") {
      try await store.deleteLock(version)
    }
    #expect(aws.objects == ["lake/s.state.json.lock"])
    try await store.deleteLock(beat)
    #expect(aws.objects == [])
    try await store.deleteLock(beat)
  }
}
