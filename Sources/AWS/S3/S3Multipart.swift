package import HTTP

extension S3Client {
  /// Begins an upload in parts of 5 MiB (the last may be smaller) to 5 GiB, at most 10,000.
  ///
  /// The object's checksum will be the CRC32 of the whole, which `completeMultipartUpload` can state.
  /// - Returns: the upload's id. After a lost answer another upload is begun; the first costs nothing as long as it
  ///   has no parts, and `BucketEmptier` aborts it.
  package func createMultipartUpload(
    bucket: String, key: String, contentType: String? = nil, metadata: [String: String] = [:],
    tags: [String: String] = [:]
  ) async throws(AWSError) -> String {
    var headers = Self.headers(contentType: contentType, metadata: metadata, tags: tags)
    headers.set("x-amz-checksum-algorithm", "CRC32")
    headers.set("x-amz-checksum-type", "FULL_OBJECT")
    let response = try await send(
      "CreateMultipartUpload", "POST", bucket: bucket, key: key, query: [("uploads", nil)], headers: headers)
    let answer = try xml(response, "CreateMultipartUpload")
    return try client.required(answer.text(of: "UploadId"), "UploadId", .s3, "CreateMultipartUpload")
  }

  /// - Parameters:
  ///   - number: 1...10,000
  ///   - crc32: base64, when the caller has it already.
  package func uploadPart(
    bucket: String, key: String, uploadID: String, number: Int, body: HTTPBody, crc32: String? = nil,
    progress: (@Sendable (_ sent: Int64) -> Void)? = nil
  ) async throws(AWSError) -> S3.CompletedPart {
    let response = try await send(
      "UploadPart", "PUT", bucket: bucket, key: key,
      query: [("partNumber", "\(number)"), ("uploadId", uploadID)], body: body,
      checksum: crc32.map { .crc32Value($0) } ?? .crc32, progress: progress)
    let etag = try client.required(response.headers["ETag"], "ETag", .s3, "UploadPart")
    return S3.CompletedPart(
      number: number, etag: Self.unquoted(etag), crc32: crc32 ?? response.headers["x-amz-checksum-crc32"])
  }

  /// Makes the object from its parts.
  /// - Parameters:
  ///   - crc32: base64 of the CRC32 of the whole object, for S3 to check.
  ///   - size: bytes of the whole object, for S3 to check.
  /// - Throws: also what S3 writes into a 200 when completing failed half-way. After ConditionalRequestConflict a new
  ///   upload must be begun.
  package func completeMultipartUpload(
    bucket: String, key: String, uploadID: String, parts: [S3.CompletedPart],
    condition: S3.WriteCondition = .none, crc32: String? = nil, size: Int64? = nil
  ) async throws(AWSError) -> S3.ObjectVersion {
    let body = XMLWriter.s3("CompleteMultipartUpload") { xml in
      for part in parts.sorted(by: { $0.number < $1.number }) {
        xml.element("Part") {
          $0.element("ETag", Self.quoted(part.etag))
          $0.element("ChecksumCRC32", part.crc32)
          $0.element("PartNumber", part.number)
        }
      }
    }
    var headers = Self.headers(for: condition)
    if let crc32 {
      headers.set("x-amz-checksum-crc32", crc32)
      headers.set("x-amz-checksum-type", "FULL_OBJECT")
    }
    if let size { headers.set("x-amz-mp-object-size", "\(size)") }
    let response = try await send(
      "CompleteMultipartUpload", "POST", bucket: bucket, key: key, query: [("uploadId", uploadID)],
      headers: headers, body: .bytes(body), successMayHoldError: true)
    let answer = try xml(response, "CompleteMultipartUpload")
    let etag = try client.required(answer.text(of: "ETag"), "ETag", .s3, "CompleteMultipartUpload")
    return S3.ObjectVersion(etag: Self.unquoted(etag), versionID: response.headers["x-amz-version-id"])
  }

  /// Ends an upload and frees its parts. One that does not exist is no error.
  package func abortMultipartUpload(bucket: String, key: String, uploadID: String) async throws(AWSError) {
    _ = try await find(["NoSuchUpload"]) { () async throws(AWSError) in
      try await send(
        "AbortMultipartUpload", "DELETE", bucket: bucket, key: key, query: [("uploadId", uploadID)])
    }
  }
}
