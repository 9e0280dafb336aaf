/// Reads what EMR has put under a cluster's LogUri.
///
/// Layout (https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-web-log-files.html):
/// `<LogUri>/<cluster>/steps/<step>/{controller,syslog,stdout,stderr}.gz`, with later pieces such as
/// `stderr.2026-11-23-03.gz`, and `<LogUri>/<cluster>/node/<instance>/bootstrap-actions/<n>/...`. EMR
/// writes about every five minutes and once more when the cluster ends.
package struct EMRLogs: Sendable {
  /// Of one log, in bytes after decompression; what is beyond it is left out from the front.
  package static let limit = 8 << 20

  package enum Stream: String, Sendable, CaseIterable {
    case controller, syslog, stdout, stderr
  }

  let s3: S3Client

  package init(_ s3: S3Client) {
    self.s3 = s3
  }

  /// Bucket and prefix of an `s3://` URI; nil when it is none. `s3n://` is how EMR itself reports a LogUri.
  package static func location(_ uri: String) -> (bucket: String, prefix: String)? {
    guard let scheme = ["s3://", "s3n://", "s3a://"].first(where: uri.hasPrefix) else { return nil }
    let rest = uri.dropFirst(scheme.count)
    let bucket = rest.prefix { $0 != "/" }
    guard !bucket.isEmpty else { return nil }
    let prefix = rest.dropFirst(bucket.count).drop { $0 == "/" }
    return (String(bucket), prefix.isEmpty || prefix.hasSuffix("/") ? String(prefix) : prefix + "/")
  }

  /// A step's log; nil when EMR has not written it (yet).
  package func step(_ step: String, of cluster: String, logUri: String, _ stream: Stream) async throws -> String? {
    try await text(logUri, folder: "\(cluster)/steps/\(step)/", stream)
  }

  /// The error output of the bootstrap action that failed: of the node that wrote most to it, since
  /// nodes that were only stopped have written nothing.
  package func bootstrap(of cluster: String, logUri: String) async throws -> String? {
    guard let (bucket, prefix) = Self.location(logUri) else { return nil }
    let objects = try await s3.listObjects(bucket, prefix: "\(prefix)\(cluster)/node/")
    let candidates = objects.filter { $0.key.contains("/bootstrap-actions/") && $0.key.hasSuffix("/stderr.gz") }
    for object in candidates.sorted(by: { ($0.size, $0.key) > ($1.size, $1.key) }) {
      let text = try await read(bucket, object.key)
      if !text.isEmpty { return text }
    }
    return nil
  }

  private func text(_ logUri: String, folder: String, _ stream: Stream) async throws -> String? {
    guard let (bucket, prefix) = Self.location(logUri) else { return nil }
    let start = prefix + folder + stream.rawValue
    let objects = try await s3.listObjects(bucket, prefix: start)
    let pieces = objects.map(\.key).filter { $0 == start + ".gz" || $0.hasPrefix(start + ".") }
    guard !pieces.isEmpty else { return nil }
    var whole = ""
    // The undated piece is the first; dates sort by themselves.
    for key in pieces.sorted(by: { ($0 == start + ".gz" ? "" : $0) < ($1 == start + ".gz" ? "" : $1) }) {
      whole += try await read(bucket, key)
    }
    return whole
  }

  private func read(_ bucket: String, _ key: String) async throws -> String {
    guard let object = try await s3.getObject(bucket: bucket, key: key) else { return "" }
    let bytes = key.hasSuffix(".gz") ? try Gzip.decompress(object.bytes, limit: Self.limit) : object.bytes
    return String(decoding: bytes.suffix(Self.limit), as: UTF8.self)
  }
}
