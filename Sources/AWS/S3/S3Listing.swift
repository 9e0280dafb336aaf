extension S3 {
  package struct ObjectPage: Sendable, Hashable {
    package var objects: [ObjectSummary]
    /// "Folders", when a delimiter was given.
    package var commonPrefixes: [String]
  }

  /// Pages of a listing, asked for one by one: `while let page = try await pages.next()`.
  package struct ObjectPages: Sendable {
    let client: S3Client
    let bucket: String
    let prefix: String
    let startAfter: String?
    let delimiter: String?
    let pageSize: Int
    private var token: String?
    private var isDone = false

    init(
      _ client: S3Client, _ bucket: String, _ prefix: String, _ startAfter: String?, _ delimiter: String?, _ size: Int
    ) {
      self.client = client
      self.bucket = bucket
      self.prefix = prefix
      self.startAfter = startAfter
      self.delimiter = delimiter
      pageSize = size
    }

    /// - Returns: nil after the last page.
    /// - Throws: NoSuchBucket, AccessDenied, ...
    package mutating func next() async throws(AWSError) -> ObjectPage? {
      guard !isDone else { return nil }
      var query: [(String, String?)] = [("list-type", "2"), ("encoding-type", "url"), ("max-keys", "\(pageSize)")]
      if !prefix.isEmpty { query.append(("prefix", prefix)) }
      if let delimiter { query.append(("delimiter", delimiter)) }
      if let token {
        query.append(("continuation-token", token))
      } else if let startAfter {
        query.append(("start-after", startAfter))
      }
      let response = try await client.send("ListObjectsV2", "GET", bucket: bucket, query: query)
      let answer = try client.xml(response, "ListObjectsV2")
      let following = answer.text(of: "IsTruncated") == "true" ? answer.text(of: "NextContinuationToken") : nil
      if let following, following == token { throw AWSError.endlessPages(.s3, "ListObjectsV2") }
      token = following
      isDone = following == nil
      let decode = S3Client.keyDecoder(answer)
      return ObjectPage(
        objects: answer.all("Contents").map { node in
          ObjectSummary(
            key: decode(node.text(of: "Key") ?? ""), size: node.text(of: "Size").flatMap { Int64($0) } ?? 0,
            etag: S3Client.unquoted(node.text(of: "ETag") ?? ""),
            lastModified: node.text(of: "LastModified").flatMap { AWSTime.parse($0) },
            storageClass: node.text(of: "StorageClass"))
        },
        commonPrefixes: answer.all("CommonPrefixes").compactMap { $0.text(of: "Prefix").map(decode) })
    }
  }

  /// Pages of versions and delete markers, newest first within a key.
  package struct VersionPages: Sendable {
    let client: S3Client
    let bucket: String
    let prefix: String
    let pageSize: Int
    private var markers: (key: String, version: String?)?
    private var isDone = false

    init(_ client: S3Client, _ bucket: String, _ prefix: String, _ size: Int) {
      self.client = client
      self.bucket = bucket
      self.prefix = prefix
      pageSize = size
    }

    /// - Returns: nil after the last page.
    package mutating func next() async throws(AWSError) -> [VersionSummary]? {
      guard !isDone else { return nil }
      var query: [(String, String?)] = [("versions", nil), ("encoding-type", "url"), ("max-keys", "\(pageSize)")]
      if !prefix.isEmpty { query.append(("prefix", prefix)) }
      if let markers {
        query.append(("key-marker", markers.key))
        if let version = markers.version { query.append(("version-id-marker", version)) }
      }
      let response = try await client.send("ListObjectVersions", "GET", bucket: bucket, query: query)
      let answer = try client.xml(response, "ListObjectVersions")
      let decode = S3Client.keyDecoder(answer)
      if answer.text(of: "IsTruncated") == "true", let key = answer.text(of: "NextKeyMarker") {
        let following = (key: decode(key), version: answer.text(of: "NextVersionIdMarker"))
        if let markers, markers == following { throw AWSError.endlessPages(.s3, "ListObjectVersions") }
        markers = following
      } else {
        isDone = true
      }
      return answer.children.compactMap { node in
        guard node.name == "Version" || node.name == "DeleteMarker" else { return nil }
        return VersionSummary(
          key: decode(node.text(of: "Key") ?? ""), versionID: node.text(of: "VersionId") ?? "null",
          isLatest: node.text(of: "IsLatest") == "true", isDeleteMarker: node.name == "DeleteMarker",
          size: node.text(of: "Size").flatMap { Int64($0) } ?? 0,
          etag: S3Client.unquoted(node.text(of: "ETag") ?? ""),
          lastModified: node.text(of: "LastModified").flatMap { AWSTime.parse($0) })
      }
    }
  }
}

extension S3Client {
  /// Objects in order of their keys' UTF-8, at most 1,000 a page.
  package func objectPages(
    _ bucket: String, prefix: String = "", startAfter: String? = nil, delimiter: String? = nil,
    pageSize: Int = 1000
  ) -> S3.ObjectPages {
    S3.ObjectPages(self, bucket, prefix, startAfter, delimiter, pageSize)
  }

  /// All objects, of all pages. For prefixes that hold no millions.
  package func listObjects(
    _ bucket: String, prefix: String = "", startAfter: String? = nil
  ) async throws(AWSError) -> [S3.ObjectSummary] {
    var pages = objectPages(bucket, prefix: prefix, startAfter: startAfter)
    var all: [S3.ObjectSummary] = []
    while let page = try await pages.next() { all += page.objects }
    return all
  }

  package func versionPages(
    _ bucket: String, prefix: String = "", pageSize: Int = 1000
  ) -> S3.VersionPages {
    S3.VersionPages(self, bucket, prefix, pageSize)
  }

  /// All versions and delete markers, of all pages.
  package func listObjectVersions(
    _ bucket: String, prefix: String = ""
  ) async throws(AWSError) -> [S3.VersionSummary] {
    var pages = versionPages(bucket, prefix: prefix)
    var all: [S3.VersionSummary] = []
    while let page = try await pages.next() { all += page }
    return all
  }

  /// Multipart uploads that were begun and neither completed nor aborted: their parts cost money.
  package func listMultipartUploads(
    _ bucket: String, prefix: String = ""
  ) async throws(AWSError) -> [S3.MultipartUpload] {
    var all: [S3.MultipartUpload] = []
    var markers: (key: String, upload: String)?
    while true {
      var query: [(String, String?)] = [("uploads", nil), ("encoding-type", "url"), ("max-uploads", "1000")]
      if !prefix.isEmpty { query.append(("prefix", prefix)) }
      if let markers {
        query.append(("key-marker", markers.key))
        query.append(("upload-id-marker", markers.upload))
      }
      let response = try await send("ListMultipartUploads", "GET", bucket: bucket, query: query)
      let answer = try xml(response, "ListMultipartUploads")
      let decode = Self.keyDecoder(answer)
      all += answer.all("Upload").map { node in
        S3.MultipartUpload(
          key: decode(node.text(of: "Key") ?? ""), uploadID: node.text(of: "UploadId") ?? "",
          initiated: node.text(of: "Initiated").flatMap { AWSTime.parse($0) })
      }
      guard answer.text(of: "IsTruncated") == "true", let key = answer.text(of: "NextKeyMarker") else { return all }
      let next = (key: decode(key), upload: answer.text(of: "NextUploadIdMarker") ?? "")
      if let markers, markers == next { throw AWSError.endlessPages(.s3, "ListMultipartUploads") }
      markers = next
    }
  }

  /// How keys of an answer are to be read: AWS writes a space as `+` or `%20`, emulators may ignore that we asked for
  /// URL encoding.
  static func keyDecoder(_ answer: XMLNode) -> (String) -> String {
    answer.text(of: "EncodingType") == "url" ? { URLEncoding.decode($0, plus: true) } : { $0 }
  }
}
