package import AWS
internal import FoundationEssentials
internal import HTTP
internal import Model

/// Brings a folder of input data to its prefix in the lake: what changed is sent, and what an earlier run
/// had brought and is no longer in the folder is removed. What others put under the prefix stays.
///
/// What was brought is kept in a manifest beside the data; its name begins with `_`, which Spark's readers
/// pass over (Hadoop's hidden-file filter).
package struct DataUpload: Sendable {
  static let manifest = "_mrhealth.json"

  let s3: S3Client
  let folder: String
  let bucket: String
  let prefix: String

  /// - Parameter target: an `s3://` prefix.
  package init?(s3: S3Client, folder: String, target: String) {
    guard let (bucket, prefix) = EMRLogs.location(target) else { return nil }
    self.s3 = s3
    self.folder = folder
    self.bucket = bucket
    self.prefix = prefix
  }

  private struct Manifest: Codable {
    var version = 1
    var objects: [String: RecordedObject]
  }

  func upload(events: @escaping @Sendable (RunEvent) -> Void) async throws -> RunRecord.Upload {
    let files = try LocalFiles.scan(folder)
    guard !files.isEmpty else {
      throw Diagnostic("The data folder \(folder) is empty", remedy: "Name another with --data DIR.")
    }
    let before = try await recorded()
    let sync = FolderSync(s3)
    let plan = try await sync.plan(files: files, bucket: bucket, prefix: prefix, recorded: before)
    let result = try await sync.apply(plan) { event in
      if case .progress(let sent, let total) = event {
        events(.uploading(done: Int(clamping: sent), total: Int(clamping: total)))
      }
    }
    if result.objects != before { try await save(result.objects) }
    let upload = RunRecord.Upload(
      uploaded: result.uploaded, unchanged: result.unchanged, removed: result.removed, bytes: result.bytes)
    events(.uploaded(upload))
    return upload
  }

  /// A manifest that cannot be read costs only the knowledge of what to remove.
  private func recorded() async throws -> [String: RecordedObject] {
    guard let object = try await s3.getObject(bucket: bucket, key: prefix + Self.manifest) else { return [:] }
    return (try? JSONDecoder().decode(Manifest.self, from: Data(object.bytes)))?.objects ?? [:]
  }

  private func save(_ objects: [String: RecordedObject]) async throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let bytes = [UInt8](try encoder.encode(Manifest(objects: objects)))
    _ = try await s3.putObject(
      bucket: bucket, key: prefix + Self.manifest, body: .bytes(bytes), contentType: "application/json")
  }
}
