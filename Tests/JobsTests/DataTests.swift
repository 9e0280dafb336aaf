import AWS
import FoundationEssentials
import Model
import Support
import Synchronization
import Testing

@testable import Jobs

@Suite struct DataUploadTests {
  let aws = ScriptedAWS()
  let folder: ScratchFolder

  init() throws {
    folder = try ScratchFolder()
    try folder.write("unidade=1/PEDIDO.csv", "a;b")
    try folder.write("Tabela.csv", "c")
  }

  private func upload() async throws -> RunRecord.Upload {
    let data = try #require(
      DataUpload(s3: S3Client(aws.client), folder: folder.path, target: "s3://lake/dados/silver/csv"))
    return try await data.upload { _ in }
  }

  @Test func `files come to the prefix and are written down`() async throws {
    let first = try await upload()
    #expect(first == .init(uploaded: 2, unchanged: 0, removed: 0, bytes: 4))
    #expect(
      aws.objects == [
        "lake/dados/silver/csv/Tabela.csv", "lake/dados/silver/csv/_mrhealth.json",
        "lake/dados/silver/csv/unidade=1/PEDIDO.csv",
      ])
    let puts = aws.operations.count { $0.hasPrefix("PUT") }
    #expect(try await upload() == .init(uploaded: 0, unchanged: 2, removed: 0, bytes: 0))
    #expect(aws.operations.count { $0.hasPrefix("PUT") } == puts, "nothing is written a second time")
  }

  @Test func `what it had brought goes with its file, what others brought stays`() async throws {
    _ = try await upload()
    aws.put("lake/dados/silver/csv/unidade=9/PEDIDO.csv", "of unit 9 itself")
    try folder.remove("Tabela.csv")
    try folder.write("unidade=1/PEDIDO.csv", "a;b;c")
    #expect(try await upload() == .init(uploaded: 1, unchanged: 0, removed: 1, bytes: 5))
    #expect(
      aws.objects == [
        "lake/dados/silver/csv/_mrhealth.json", "lake/dados/silver/csv/unidade=1/PEDIDO.csv",
        "lake/dados/silver/csv/unidade=9/PEDIDO.csv",
      ])
    #expect(aws.object("lake/dados/silver/csv/unidade=1/PEDIDO.csv") == "a;b;c")
  }

  @Test func `without a readable manifest nothing is removed`() async throws {
    _ = try await upload()
    aws.put("lake/dados/silver/csv/_mrhealth.json", "?")
    try folder.remove("Tabela.csv")
    #expect(try await upload().removed == 0)
    #expect(aws.object("lake/dados/silver/csv/Tabela.csv") == "c")
  }

  @Test func `an empty folder and a target elsewhere`() async throws {
    let empty = try ScratchFolder()
    let data = try #require(DataUpload(s3: S3Client(aws.client), folder: empty.path, target: "s3://lake/x/"))
    await #expect(throws: Diagnostic.self) { try await data.upload { _ in } }
    #expect(aws.operations == [])
    #expect(DataUpload(s3: S3Client(aws.client), folder: empty.path, target: "/tmp/x") == nil)
    #expect(data.prefix == "x/")
    #expect(DataUpload(s3: S3Client(aws.client), folder: "f", target: "s3://lake")?.prefix == "")
  }
}

@Suite struct RunStoreTests {
  let aws = ScriptedAWS()
  var store: RunStore { RunStore(s3: S3Client(aws.client), bucket: "lake") }

  private func record(_ id: String) -> RunRecord {
    var record = RunRecord(
      id: RunID(id), stack: "s", date: "2024-11-20", startedBy: "ana",
      started: Date(timeIntervalSince1970: 1_790_000_000), steps: [.init(name: "silver", id: "s-1", state: "RUNNING")])
    record.data = .init(uploaded: 1, unchanged: 2, removed: 3, bytes: 4)
    return record
  }

  @Test func `a record comes back as it was`() async throws {
    try await store.save(record("r-1"))
    #expect(aws.objects == ["lake/runs/r-1.json"])
    #expect(try await store.load(RunID("r-1")) == record("r-1"))
    #expect(try await store.load(RunID("r-2")) == nil)
  }

  @Test func `the newest come first, other objects not at all`() async throws {
    for id in ["20241119T1-a", "20241121T1-a", "20241120T1-a"] { try await store.save(record(id)) }
    aws.put("lake/runs/notes.txt", "x")
    #expect(try await store.list(limit: 2).map(\.text) == ["20241121T1-a", "20241120T1-a"])
    #expect(try await store.list(limit: 9).count == 3)
  }
}
