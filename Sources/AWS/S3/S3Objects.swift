package import HTTP

extension S3Client {
  static func headers(for condition: S3.WriteCondition) -> HTTPHeaders {
    switch condition {
    case .none: [:]
    case .ifAbsent: ["If-None-Match": "*"]
    case .ifMatch(let etag): ["If-Match": quoted(etag)]
    }
  }

  static func headers(
    contentType: String?, metadata: [String: String], tags: [String: String]
  ) -> HTTPHeaders {
    var headers = HTTPHeaders()
    if let contentType { headers.set("Content-Type", contentType) }
    for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
      headers.set("x-amz-meta-\(name.lowercased())", value)
    }
    if !tags.isEmpty {
      let pairs = tags.sorted { $0.key < $1.key }.map {
        "\(URLEncoding.encode($0.key))=\(URLEncoding.encode($0.value))"
      }
      headers.set("x-amz-tagging", pairs.joined(separator: "&"))
    }
    return headers
  }

  /// Writes an object of at most 5 GiB in one request; S3 stores it only when its CRC32 is what we have computed.
  ///
  /// Repeating a conditional write whose answer was lost gives PreconditionFailed against our own write: put
  /// something unique into the object and read it before calling that a conflict.
  /// - Parameters:
  ///   - metadata: ASCII values.
  ///   - md5: base64 of the content's MD5, for S3 to check as well.
  package func putObject(
    bucket: String, key: String, body: HTTPBody, contentType: String? = nil,
    condition: S3.WriteCondition = .none, metadata: [String: String] = [:], tags: [String: String] = [:],
    md5: String? = nil, crc32: String? = nil, progress: (@Sendable (_ sent: Int64) -> Void)? = nil
  ) async throws(AWSError) -> S3.ObjectVersion {
    var headers = Self.headers(contentType: contentType, metadata: metadata, tags: tags)
    for (name, value) in Self.headers(for: condition) { headers.set(name, value) }
    if let md5 { headers.set("Content-MD5", md5) }
    let response = try await send(
      "PutObject", "PUT", bucket: bucket, key: key, headers: headers, body: body,
      checksum: crc32.map { .crc32Value($0) } ?? .crc32, progress: progress)
    return try version(response, "PutObject")
  }

  /// ETag and version of what was written, from the answer's headers.
  func version(_ response: AWSResponse, _ operation: String) throws(AWSError) -> S3.ObjectVersion {
    let etag = try client.required(response.headers["ETag"], "ETag", .s3, operation)
    return S3.ObjectVersion(etag: Self.unquoted(etag), versionID: response.headers["x-amz-version-id"])
  }

  /// - Parameter limit: bytes; a larger object is an error (`Client.AnswerTooLarge`).
  /// - Returns: nil when there is no such object (or it is deleted).
  package func getObject(
    bucket: String, key: String, versionID: String? = nil, limit: Int = 64 << 20
  ) async throws(AWSError) -> S3.StoredObject? {
    try await get(bucket, key, versionID, .memory(limit: limit))
  }

  /// Writes the object to a file, which is left incomplete when the call fails. `S3Downloader` does that safely.
  package func getObject(
    bucket: String, key: String, versionID: String? = nil, to path: String
  ) async throws(AWSError) -> S3.StoredObject? {
    try await get(bucket, key, versionID, .file(path: path))
  }

  private func get(
    _ bucket: String, _ key: String, _ versionID: String?, _ target: ResponseTarget
  ) async throws(AWSError) -> S3.StoredObject? {
    let query: [(String, String?)] = versionID.map { [("versionId", $0)] } ?? []
    let response = try await find(["NoSuchKey", "NoSuchVersion"]) { () async throws(AWSError) in
      try await send(
        "GetObject", "GET", bucket: bucket, key: key, query: query, headers: ["x-amz-checksum-mode": "ENABLED"],
        target: target)
    }
    guard let response else { return nil }
    try verify(response, target)
    let summary = Self.summary(response, key)
    return S3.StoredObject(
      bytes: response.body, etag: summary.etag, versionID: summary.versionID, lastModified: summary.lastModified,
      contentType: summary.contentType, metadata: summary.metadata, size: summary.size)
  }

  /// Compares what arrived with the CRC32 that S3 keeps, where it keeps one of the whole object.
  private func verify(_ response: AWSResponse, _ target: ResponseTarget) throws(AWSError) {
    guard let expected = response.headers["x-amz-checksum-crc32"], !expected.contains("-"),
      response.headers["x-amz-checksum-type"] != "COMPOSITE"
    else { return }
    let found =
      switch target {
      // Of an empty object no file may have been made.
      case .file(let path) where response.bytesReceived > 0: try CRC32.of(file: path)
      case .memory, .file: CRC32.of(response.body)
      }
    guard CRC32.base64(found) == expected else {
      throw AWSError(
        service: Service.s3.id, operation: "GetObject", code: ClientCode.checksum,
        message: "what arrived is not what S3 holds: its CRC32 differs", status: response.status,
        requestID: response.requestID, attempts: response.attempts)
    }
  }

  /// - Returns: nil when there is no such object. (Without the right to list the bucket S3 answers 403 instead.)
  package func headObject(
    bucket: String, key: String, versionID: String? = nil
  ) async throws(AWSError) -> S3.ObjectSummary? {
    let query: [(String, String?)] = versionID.map { [("versionId", $0)] } ?? []
    let response = try await send(
      "HeadObject", "HEAD", bucket: bucket, key: key, query: query, accepted: [404])
    return response.status == 404 ? nil : Self.summary(response, key)
  }

  private static func summary(_ response: AWSResponse, _ key: String) -> S3.ObjectSummary {
    let headers = response.headers
    var metadata: [String: String] = [:]
    for (name, value) in headers {
      let name = name.lowercased()
      if name.hasPrefix("x-amz-meta-") { metadata[String(name.dropFirst("x-amz-meta-".count))] = value }
    }
    return S3.ObjectSummary(
      key: key, size: headers["Content-Length"].flatMap { Int64($0) } ?? response.bytesReceived,
      etag: unquoted(headers["ETag"] ?? ""), lastModified: headers["Last-Modified"].flatMap { AWSTime.parse($0) },
      storageClass: headers["x-amz-storage-class"], versionID: headers["x-amz-version-id"],
      contentType: headers["Content-Type"], metadata: metadata)
  }

  /// Deletes an object, or one version of it for good. One that does not exist is no error.
  /// - Parameter ifMatch: delete only while the object has this ETag; PreconditionFailed otherwise, and
  ///   NoSuchKey when it is gone.
  package func deleteObject(
    bucket: String, key: String, versionID: String? = nil, ifMatch: String? = nil
  ) async throws(AWSError) {
    _ = try await send(
      "DeleteObject", "DELETE", bucket: bucket, key: key, query: versionID.map { [("versionId", $0)] } ?? [],
      headers: ifMatch.map { ["If-Match": Self.quoted($0)] } ?? [:])
  }

  /// Deletes any number of objects or versions, 1,000 a request, one request after the other.
  /// - Returns: those that S3 did not delete. Those that do not exist count as deleted.
  package func deleteObjects(
    bucket: String, _ objects: [S3.ObjectID]
  ) async throws(AWSError) -> [S3.DeleteFailure] {
    var failures: [S3.DeleteFailure] = []
    // A key may hold characters that XML cannot carry: those go one by one, by their address.
    for object in objects where !XMLWriter.canCarry(object.key) {
      do throws(AWSError) {
        try await deleteObject(bucket: bucket, key: object.key, versionID: object.versionID)
      } catch {
        failures.append(
          .init(key: object.key, versionID: object.versionID, code: error.code, message: error.message))
      }
    }
    for batch in objects.filter({ XMLWriter.canCarry($0.key) }).chunks(of: 1000) {
      failures += try await deleteBatch(bucket, batch)
    }
    return failures
  }

  private func deleteBatch(
    _ bucket: String, _ objects: [S3.ObjectID]
  ) async throws(AWSError) -> [S3.DeleteFailure] {
    let body = XMLWriter.s3("Delete") { xml in
      for object in objects {
        xml.element("Object") {
          $0.element("Key", object.key)
          $0.element("VersionId", object.versionID)
        }
      }
      xml.element("Quiet", true)
    }
    let response = try await send(
      "DeleteObjects", "POST", bucket: bucket, query: [("delete", nil)], body: .bytes(body), checksum: .crc32)
    return try xml(response, "DeleteObjects").all("Error").map { node in
      S3.DeleteFailure(
        key: node.text(of: "Key") ?? "", versionID: node.text(of: "VersionId"),
        code: node.text(of: "Code") ?? "", message: node.text(of: "Message") ?? "")
    }
  }

  /// Copies an object of at most 5 GiB within S3.
  /// - Throws: also what S3 writes into a 200 when copying failed half-way.
  package func copyObject(
    from source: (bucket: String, key: String), to target: (bucket: String, key: String),
    condition: S3.WriteCondition = .none
  ) async throws(AWSError) -> S3.ObjectVersion {
    var headers = Self.headers(for: condition)
    headers.set("x-amz-copy-source", "\(source.bucket)/\(URLEncoding.path(source.key))")
    let response = try await send(
      "CopyObject", "PUT", bucket: target.bucket, key: target.key, headers: headers, successMayHoldError: true)
    let answer = try xml(response, "CopyObject")
    let etag = try client.required(answer.text(of: "ETag"), "ETag", .s3, "CopyObject")
    return S3.ObjectVersion(etag: Self.unquoted(etag), versionID: response.headers["x-amz-version-id"])
  }
}
