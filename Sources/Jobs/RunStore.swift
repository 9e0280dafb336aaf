package import AWS
internal import FoundationEssentials
internal import HTTP

/// Run records in the lake bucket.
package struct RunStore: Sendable {
  let s3: S3Client
  let bucket: String

  package init(s3: S3Client, bucket: String) {
    self.s3 = s3
    self.bucket = bucket
  }

  package static func key(_ id: RunID) -> String { "runs/\(id).json" }

  package func save(_ record: RunRecord) async throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    _ = try await s3.putObject(
      bucket: bucket, key: Self.key(record.id), body: .bytes([UInt8](try encoder.encode(record))),
      contentType: "application/json")
  }

  /// The record; nil when there is no such run.
  package func load(_ id: RunID) async throws -> RunRecord? {
    guard let object = try await s3.getObject(bucket: bucket, key: Self.key(id)) else { return nil }
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return try decoder.decode(RunRecord.self, from: Data(object.bytes))
  }

  /// The newest ids first.
  package func list(limit: Int) async throws -> [RunID] {
    let objects = try await s3.listObjects(bucket, prefix: "runs/")
    return objects.map(\.key).filter { $0.hasSuffix(".json") }.sorted(by: >).prefix(limit).map {
      RunID(String($0.dropFirst("runs/".count).dropLast(".json".count)))
    }
  }
}
