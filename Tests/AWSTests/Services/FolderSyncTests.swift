import AWS
import FoundationEssentials
import HTTP
import Synchronization
import Testing

@Suite struct FolderSyncTests {
  @Test func decisions() {
    func same(_ etag: String, _ md5: String, recorded: RecordedObject? = nil, size: Int64 = 5) -> Bool {
      FolderSync.isUnchanged(size: size, etag: etag, localSize: 5, localMD5: md5, recorded: recorded)
    }
    let known = RecordedObject(etag: "e-2", md5: "m", size: 5)
    #expect(same("m", "m"))
    #expect(!same("m", "n"))
    #expect(!same("m", "m", size: 6))
    // Made of parts or encrypted: only what we recorded helps.
    #expect(!same("e-2", "m"))
    #expect(same("e-2", "m", recorded: known))
    #expect(!same("e-2", "n", recorded: known))
    // Somebody else has written since.
    #expect(!same("f-2", "m", recorded: known))
  }

  @Test func onlyWhatDiffersIsSent() async throws {
    let (folder, fake) = (try TemporaryFolder(), FakeS3())
    try folder.write("a.py", "a")
    try folder.write("sub/b ç+.py", "b")
    try folder.write("c.py", "c")
    fake.put("other/x", "not ours")
    fake.put("jobs/theirs", "not ours either")
    let sync = FolderSync(fake.s3, concurrency: 2)
    let files = try LocalFiles.scan(folder.path)
    let first = try await sync.sync(files: files, bucket: "buck", prefix: "jobs")
    #expect(first.uploaded == 3)
    #expect(first.objects.keys.sorted() == ["jobs/a.py", "jobs/c.py", "jobs/sub/b ç+.py"])
    #expect(first.objects["jobs/a.py"] == .init(etag: MD5.hex(Array("a".utf8)), md5: MD5.hex(Array("a".utf8)), size: 1))
    #expect(fake.bytes("jobs/sub/b ç+.py") == Array("b".utf8))

    try folder.write("a.py", "A")
    try FileManager.default.removeItem(atPath: folder.path + "/c.py")
    let before = fake.log.count
    let again = try LocalFiles.scan(folder.path)
    let plan = try await sync.plan(files: again, bucket: "buck", prefix: "jobs/", recorded: first.objects)
    #expect(plan.uploads.map(\.key) == ["jobs/a.py"])
    #expect(plan.uploads.map(\.isNew) == [false])
    #expect(plan.unchanged.keys.sorted() == ["jobs/sub/b ç+.py"])
    #expect(plan.removals == ["jobs/c.py"])
    #expect(plan.bytes == 1)
    #expect(fake.log.count == before + 1)
    let events = Mutex<[FolderSync.Event]>([])
    let second = try await sync.apply(plan) { event in events.withLock { $0.append(event) } }
    #expect(second.uploaded == 1)
    #expect(second.unchanged == 1)
    #expect(second.removed == 1)
    #expect(fake.keys == ["jobs/a.py", "jobs/sub/b ç+.py", "jobs/theirs", "other/x"])
    let object = try #require(second.objects["jobs/a.py"])
    #expect(events.withLock { $0.contains(.uploaded(key: "jobs/a.py", object)) })
    #expect(events.withLock { $0.contains(.removed(key: "jobs/c.py")) })

    let third = try await sync.plan(files: again, bucket: "buck", prefix: "jobs", recorded: second.objects)
    #expect(third.isEmpty)
  }

  /// With KMS no ETag is an MD5: the recorded hashes save the second upload, and without them it is made.
  @Test func encryptedObjects() async throws {
    let (folder, fake) = (try TemporaryFolder(), FakeS3(isKMS: true))
    try folder.write("a", "a")
    let files = try LocalFiles.scan(folder.path)
    let sync = FolderSync(fake.s3)
    let first = try await sync.sync(files: files, bucket: "buck", prefix: "")
    #expect(try await sync.plan(files: files, bucket: "buck", prefix: "", recorded: first.objects).isEmpty)
    #expect(try await sync.plan(files: files, bucket: "buck", prefix: "").uploads.count == 1)
    try folder.write("a", "b")
    #expect(try await sync.plan(files: files, bucket: "buck", prefix: "", recorded: first.objects).uploads.count == 1)
  }

  @Test func oneListingForAThousandObjects() async throws {
    let (folder, fake) = (try TemporaryFolder(), FakeS3())
    for index in 0..<1001 {
      fake.put("p/f\(index)", "\(index)")
      try folder.write("f\(index)", "\(index)")
    }
    let files = try LocalFiles.scan(folder.path)
    let plan = try await FolderSync(fake.s3).plan(files: files, bucket: "buck", prefix: "p")
    #expect(plan.unchanged.count == 1001)
    #expect(fake.log.count == 2)
  }

  /// What was put under another prefix is ours too.
  @Test func aChangedPrefix() async throws {
    let (folder, fake) = (try TemporaryFolder(), FakeS3())
    try folder.write("a", "a")
    let files = try LocalFiles.scan(folder.path)
    let sync = FolderSync(fake.s3)
    let first = try await sync.sync(files: files, bucket: "buck", prefix: "old")
    let second = try await sync.sync(files: files, bucket: "buck", prefix: "new", recorded: first.objects)
    #expect(second.removed == 1)
    #expect(fake.keys == ["new/a"])
  }

  @Test func aFileThatVanishes() async throws {
    let (folder, fake) = (try TemporaryFolder(), FakeS3())
    let path = try folder.write("a", "a")
    let files = try LocalFiles.scan(folder.path)
    try FileManager.default.removeItem(atPath: path)
    let error = await transferError { () async throws(TransferError) in
      try await FolderSync(fake.s3).sync(files: files, bucket: "buck", prefix: "p")
    }
    #expect(error.kind == .missing)
    #expect(error.path == path)
  }

  @Test func aFailureIsNamedAndStopsTheRest() async throws {
    let fake = FakeS3 { request in
      request.path.hasSuffix("/f3") ? .s3Error("AccessDenied", status: 403) : nil
    }
    let folder = try TemporaryFolder()
    for index in 0..<200 { try folder.write("f\(index)", "\(index)") }
    let files = try LocalFiles.scan(folder.path)
    let error = await transferError { () async throws(TransferError) in
      try await FolderSync(fake.s3, concurrency: 2).sync(files: files, bucket: "buck", prefix: "p")
    }
    #expect(error.awsError?.code == "AccessDenied")
    #expect(error.path == folder.path + "/f3")
    #expect(fake.keys.count < 199)
  }

  // MARK: Scanning

  @Test func scanning() throws {
    let folder = try TemporaryFolder()
    for name in [
      "b.py", "a.py", "sub/c.py", "sub/d.txt", ".DS_Store", ".git/config", "sub/.env", "x/__pycache__/y.pyc",
    ] {
      try folder.write(name, "x")
    }
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/link.py", withDestinationPath: "a.py")
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/folder", withDestinationPath: "sub")
    func scan(_ include: [String] = [], _ exclude: [String] = []) throws -> [String] {
      try LocalFiles.scan(folder.path, include: include.map { Glob($0) }, exclude: exclude.map { Glob($0) })
        .map(\.relativePath)
    }
    #expect(try scan() == ["a.py", "b.py", "link.py", "sub/c.py", "sub/d.txt", "x/__pycache__/y.pyc"])
    #expect(try scan(["*.py"]) == ["a.py", "b.py", "link.py", "sub/c.py"])
    #expect(try scan(["/*.py"]) == ["a.py", "b.py", "link.py"])
    #expect(try scan([], ["__pycache__", "*.txt"]) == ["a.py", "b.py", "link.py", "sub/c.py"])
    #expect(try scan(["sub"]) == ["sub/c.py", "sub/d.txt"])
    #expect(try scan(["sub/**"], ["sub/?.txt"]) == ["sub/c.py"])
    #expect(try scan(["**", ".env"]).contains("sub/.env"))
    #expect(try !scan(["**", ".env"]).contains(".git/config"))
    #expect(try scan([".git"]) == [".git/config"])
    #expect(try LocalFiles.scan(folder.path).first { $0.relativePath == "link.py" }?.size == 1)
  }

  @Test func brokenLinksAndMissingFolders() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/l", withDestinationPath: "none")
    #expect(throws: TransferError.self) { try LocalFiles.scan(folder.path) }
    #expect(throws: TransferError.self) { try LocalFiles.scan(folder.path + "/none") }
  }

  @Test(arguments: [
    ("*.csv", "a.csv", true), ("*.csv", "x/y/a.csv", true), ("*.csv", "a.csv.gz", false),
    ("dados/*.csv", "dados/a.csv", true),
    ("dados/*.csv", "dados/x/a.csv", false), ("dados/**/*.csv", "dados/x/y/a.csv", true),
    ("dados/**/*.csv", "dados/a.csv", true),
    ("?.py", "a.py", true), ("?.py", "ab.py", false), ("a*b*c", "axxbyyc", true), ("a*b*c", "axxbyy", false),
    ("**", "a/b", true),
    ("a/**", "a/b/c", true), ("a/", "a/b", true), ("./a/b", "a/b", true), ("é*", "ém", true), ("*", "a/b/c", true),
    ("**/x", "x", true), ("a/**/b", "a/c/d", false),
  ])
  func globs(_ pattern: String, _ path: String, _ expected: Bool) {
    #expect(Glob(pattern).matches(path) == expected)
  }

  @Test func hiddenNamesMustBeNamed() {
    func matches(_ pattern: String, _ path: String) -> Bool { Glob(pattern).matches(path, dotsAreSpecial: true) }
    #expect(!matches("**", "a/.x"))
    #expect(!matches("a", "a/a/.x/a"))
    #expect(!matches("*x", ".x"))
    #expect(matches(".x", "a/.x"))
    #expect(matches(".g*", ".git/config"))
    #expect(!matches(".git", ".git/.hidden"))
    #expect(matches("a", "a/a/b"))
  }

  /// Patterns of many stars must not take exponential time.
  @Test(.timeLimit(.minutes(1))) func hostileGlobs() {
    let name = String(repeating: "a", count: 2000)
    #expect(!Glob(String(repeating: "a*", count: 200) + "b").matches(name))
    #expect(!Glob(String(repeating: "**/a/", count: 50) + "b").matches(String(repeating: "a/", count: 300)))
  }
}
