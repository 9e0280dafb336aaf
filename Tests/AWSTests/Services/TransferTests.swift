import AWS
import FoundationEssentials
import HTTP
import Synchronization
import Testing

#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Runs a transfer that must fail and hands out its error.
func transferError<Value>(
  sourceLocation: SourceLocation = #_sourceLocation, _ call: () async throws(TransferError) -> Value
) async -> TransferError {
  do throws(TransferError) {
    _ = try await call()
  } catch {
    return error
  }
  Issue.record("no error", sourceLocation: sourceLocation)
  return TransferError(.cancelled, path: "", message: "")
}

/// Bytes that do not repeat where parts begin.
private func pattern(_ count: Int) -> [UInt8] {
  let block = (0..<4099).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count + block.count)
  while bytes.count < count { bytes += block }
  return Array(bytes[..<count])
}

/// Small, so that tests need no big files.
private var smallLimits: S3Uploader.Limits {
  var limits = S3Uploader.Limits()
  limits.inMemory = 1 << 10
  limits.multipartThreshold = 1 << 20
  limits.partSize = 1 << 20
  limits.concurrency = 2
  return limits
}

@Suite struct UploaderTests {
  @Test(arguments: [0, 5, 1024, 1025, (1 << 20) - 1]) func inOneRequest(_ size: Int) async throws {
    let (folder, fake) = (try TemporaryFolder(), FakeS3())
    let bytes = pattern(size)
    let path = try folder.write("f.csv", bytes)
    let made = try await S3Uploader(fake.s3, limits: smallLimits).upload(path: path, bucket: "buck", key: "k")
    #expect(fake.bytes("k") == bytes)
    #expect(made.md5 == MD5.hex(bytes))
    #expect(made.etag == made.md5)
    #expect(made.size == Int64(size))
    #expect(fake.log == ["PUT k"])
  }

  @Test(arguments: [1 << 20, (3 << 20) + 17]) func inParts(_ size: Int) async throws {
    let (folder, fake) = (try TemporaryFolder(), FakeS3())
    let bytes = pattern(size)
    let path = try folder.write("f.parquet", bytes)
    let seen = Mutex<[Int64]>([])
    let made = try await S3Uploader(fake.s3, limits: smallLimits).upload(path: path, bucket: "buck", key: "k") {
      sent, total in
      seen.withLock { $0.append(sent) }
      #expect(total == Int64(size))
    }
    #expect(fake.bytes("k") == bytes)
    #expect(made.md5 == MD5.hex(bytes))
    #expect(made.etag.hasSuffix("-\((size + (1 << 20) - 1) >> 20)"))
    #expect(fake.mostRunning <= 2)
    #expect(fake.state.withLock { $0.uploads.isEmpty })
  }

  @Test func aFailedPartAbortsTheUpload() async throws {
    let fake = FakeS3 { request in
      request.query.contains("partNumber=2") ? .s3Error("AccessDenied", status: 403) : nil
    }
    let folder = try TemporaryFolder()
    let path = try folder.write("f", pattern(5 << 20))
    let error = await transferError { () async throws(TransferError) in
      try await S3Uploader(fake.s3, limits: smallLimits).upload(path: path, bucket: "buck", key: "k")
    }
    #expect(error.awsError?.code == "AccessDenied")
    #expect(error.path == path)
    #expect(fake.state.withLock { $0.uploads.isEmpty })
    #expect(fake.keys.isEmpty)
    #expect(fake.log.last?.hasPrefix("DELETE") == true)
  }

  @Test func aCancelledUploadIsAborted() async throws {
    let started = Mutex(false)
    let fake = FakeS3 { request in
      if request.query.contains("partNumber=1") { started.withLock { $0 = true } }
      return nil
    }
    let folder = try TemporaryFolder()
    let path = try folder.write("f", pattern(8 << 20))
    let task = Task {
      await transferError { () async throws(TransferError) in
        try await S3Uploader(fake.s3, limits: smallLimits).upload(path: path, bucket: "buck", key: "k")
      }
    }
    while !started.withLock({ $0 }) { await Task.yield() }
    task.cancel()
    #expect(await task.value.kind == .cancelled)
    #expect(fake.state.withLock { $0.uploads.isEmpty })
  }

  /// The answer to the completion is lost; the second one finds the upload gone and the object there.
  @Test func aLostCompletionIsLookedUp() async throws {
    let times = Mutex(0)
    let folder = try TemporaryFolder()
    let bytes = pattern(2 << 20)
    let path = try folder.write("f", bytes)
    let etag = "\(MD5.hex(MD5.hash(Array(bytes[..<(1 << 20)])) + MD5.hash(Array(bytes[(1 << 20)...]))))-2"
    let fake = FakeS3 { request in
      if request.method == "POST", request.query.contains(where: { $0.hasPrefix("uploadId") }) {
        return times.withLock { times in
          times += 1
          return times == 1 ? .s3Error("InternalError", status: 500) : .s3Error("NoSuchUpload", status: 404)
        }
      }
      return request.method == "HEAD" ? .xml(headers: ["ETag": "\"\(etag)\"", "x-amz-version-id": "v"]) : nil
    }
    let made = try await S3Uploader(fake.s3, limits: smallLimits).upload(path: path, bucket: "buck", key: "k")
    #expect(made.etag == etag)
    #expect(made.versionID == "v")
  }

  @Test(arguments: [100, 1 << 16, 3 << 20]) func aFileThatChangesIsAnError(_ size: Int) async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("f", pattern(size))
    let fake = FakeS3 { request in
      // While the first bytes are on their way somebody writes.
      if request.method == "PUT" {
        let handle = FileManager.default
        _ = handle.createFile(atPath: path, contents: Data(repeating: 1, count: size + 1))
      }
      return nil
    }
    let error = await transferError { () async throws(TransferError) in
      try await S3Uploader(fake.s3, limits: smallLimits).upload(path: path, bucket: "buck", key: "k")
    }
    #expect(error.kind == .changed)
    #expect(fake.state.withLock { $0.uploads.isEmpty })
    // Whatever is in the bucket is what the file once held.
    if let bytes = fake.bytes("k") { #expect(bytes == pattern(size)) }
  }

  @Test func localErrors() async throws {
    let (folder, fake) = (try TemporaryFolder(), FakeS3())
    let uploader = S3Uploader(fake.s3)
    let missing = await transferError { () async throws(TransferError) in
      try await uploader.upload(path: folder.path + "/none", bucket: "buck", key: "k")
    }
    #expect(missing.kind == .missing)
    #expect(missing.path == folder.path + "/none")
    let directory = await transferError { () async throws(TransferError) in
      try await uploader.upload(path: folder.path, bucket: "buck", key: "k")
    }
    #expect(directory.kind == .notAFile)
    // Nobody writes into this pipe: opening it must not wait.
    try #require(mkfifo(folder.path + "/pipe", 0o600) == 0)
    let pipe = await transferError { () async throws(TransferError) in
      try await uploader.upload(path: folder.path + "/pipe", bucket: "buck", key: "k")
    }
    #expect(pipe.kind == .notAFile)
    #expect(fake.log.isEmpty)
  }

  @Test func conditionsArePassedOn() async throws {
    let (folder, fake) = (try TemporaryFolder(), FakeS3())
    fake.put("k", "there")
    let path = try folder.write("f", "x")
    let error = await transferError { () async throws(TransferError) in
      try await S3Uploader(fake.s3).upload(path: path, bucket: "buck", key: "k", condition: .ifAbsent)
    }
    #expect(error.awsError?.code == "PreconditionFailed")
  }

  @Test func contentTypes() {
    #expect(ContentType.of("a/b.CSV") == "text/csv")
    #expect(ContentType.of("a.b/noext") == "application/octet-stream")
    #expect(ContentType.of("job.py") == "text/x-python; charset=utf-8")
  }
}

@Suite struct DownloaderTests {
  @Test func aFile() async throws {
    let (folder, fake) = (try TemporaryFolder(), FakeS3())
    fake.put("logs/a.gz", "hello")
    fake.put("empty", "")
    try folder.write("old", "old content")
    let downloader = S3Downloader(fake.s3)
    let object = try await downloader.download(bucket: "buck", key: "logs/a.gz", to: folder.path + "/x/y/a.gz")
    #expect(object?.size == 5)
    #expect(folder.read("x/y/a.gz") == Array("hello".utf8))
    _ = try await downloader.download(bucket: "buck", key: "empty", to: folder.path + "/old")
    #expect(folder.read("old") == [])
    #expect(try await downloader.download(bucket: "buck", key: "none", to: folder.path + "/none") == nil)
    #expect(
      try LocalFiles.scan(folder.path, include: [Glob("**"), Glob(".*")]).map(\.relativePath) == ["old", "x/y/a.gz"])
  }

  @Test func aFailureLeavesNothingBehind() async throws {
    let fake = FakeS3 { request in
      request.method == "GET" ? .xml("damaged", headers: ["ETag": "\"e\"", "x-amz-checksum-crc32": "AAAAAA=="]) : nil
    }
    let folder = try TemporaryFolder()
    try folder.write("f", "old")
    let error = await transferError { () async throws(TransferError) in
      try await S3Downloader(fake.s3).download(bucket: "buck", key: "k", to: folder.path + "/f")
    }
    #expect(error.awsError?.code == ClientCode.checksum)
    #expect(folder.read("f") == Array("old".utf8))
    #expect(try LocalFiles.scan(folder.path).count == 1)
  }

  @Test func aPrefix() async throws {
    let (folder, fake) = (try TemporaryFolder(), FakeS3())
    for key in [
      "logs/j-1/steps/s-1/stderr.gz", "logs/j-1/steps/s-1/stdout.gz", "logs/j-1/", "logs/j-1/node/x.log", "logs/j-2/a",
    ] {
      fake.put(key, key)
    }
    let files = try await S3Downloader(fake.s3).download(
      bucket: "buck", prefix: "logs/j-1", to: folder.path, matching: [Glob("steps/**")])
    #expect(files.map(\.relativePath) == ["steps/s-1/stderr.gz", "steps/s-1/stdout.gz"])
    #expect(folder.read("steps/s-1/stderr.gz") == Array("logs/j-1/steps/s-1/stderr.gz".utf8))
  }

  @Test(arguments: ["p/../../etc/passwd", "p//x", "p/./x", "p/a/.."]) func keysThatLeadOut(_ key: String) async throws {
    let (folder, fake) = (try TemporaryFolder(), FakeS3())
    fake.put(key, "x")
    let error = await transferError { () async throws(TransferError) in
      try await S3Downloader(fake.s3).download(bucket: "buck", prefix: "p/", to: folder.path)
    }
    #expect(error.kind == .unsafeKey)
    #expect(try LocalFiles.scan(folder.path).isEmpty)
  }
}

@Suite struct BucketEmptierTests {
  @Test func severalPages() async throws {
    let fake = FakeS3()
    for round in 0..<2 {
      for index in 0..<60 { fake.put("k\(index)", "round \(round)") }
    }
    for index in 0..<5 { try await fake.s3.deleteObject(bucket: "buck", key: "k\(index)") }
    let upload = try await fake.s3.createMultipartUpload(bucket: "buck", key: "big")
    #expect(upload == "u126")
    let seen = Mutex<[Int]>([])
    let summary = try await BucketEmptier(fake.s3, concurrency: 3, pageSize: 10).empty(bucket: "buck") { progress in
      seen.withLock { $0.append(progress.versions) }
    }
    #expect(summary.versions == 125)
    #expect(summary.uploads == 1)
    #expect(summary.bytes == 120 * 7)
    #expect(fake.state.withLock { $0.objects.isEmpty && $0.uploads.isEmpty })
    #expect(seen.withLock { $0.max() } == 125)
    // One listing call and one batch a page, and a last look.
    #expect(fake.log.filter { $0.hasPrefix("POST ?") }.count == 13)
    #expect(fake.log.filter { $0.hasPrefix("DELETE big") }.count == 1)
  }

  @Test func stoppedBetweenBatchesItSaysSoAndIsGoneOnWith() async throws {
    let fake = FakeS3()
    for index in 0..<50 { fake.put("k\(index)", "x") }
    let isStopped = Mutex(false)
    let emptier = BucketEmptier(fake.s3, concurrency: 1, pageSize: 10) { isStopped.withLock { $0 } }
    let first = try await emptier.empty(bucket: "buck") { _ in isStopped.withLock { $0 = true } }
    #expect(first.wasStopped && first.versions < 50)
    #expect(fake.keys.count == 50 - first.versions)
    let rest = try await BucketEmptier(fake.s3).empty(bucket: "buck")
    #expect(!rest.wasStopped && rest.versions == 50 - first.versions)
  }

  @Test func onlyAPrefix() async throws {
    let fake = FakeS3()
    fake.put("a/1", "x")
    fake.put("b/1", "x")
    _ = try await BucketEmptier(fake.s3).empty(bucket: "buck", prefix: "a/")
    #expect(fake.keys == ["b/1"])
  }

  @Test func whatS3AsksToRepeatIsRepeated() async throws {
    let fake = FakeS3()
    fake.put("k", "x")
    fake.put("l", "x")
    fake.refuse("k", code: "InternalError", times: 2)
    let summary = try await BucketEmptier(fake.s3).empty(bucket: "buck")
    #expect(summary.versions == 2)
    #expect(fake.state.withLock { $0.objects.isEmpty })
  }

  @Test func whatMayNotBeDeletedIsAnError() async throws {
    let fake = FakeS3()
    fake.put("k", "x")
    fake.put("l", "x")
    fake.refuse("k", code: "AccessDenied", times: 100)
    let error = await awsError { () async throws(AWSError) in try await BucketEmptier(fake.s3).empty(bucket: "buck") }
    #expect(error.code == "AccessDenied")
    #expect(error.extra["Key"] == "k")
    #expect(fake.keys == ["k"])
  }

  @Test func aMissingBucketIsEmpty() async throws {
    let fake = FakeS3 { _ in .s3Error("NoSuchBucket", status: 404) }
    #expect(try await BucketEmptier(fake.s3).empty(bucket: "buck") == .init())
  }
}
