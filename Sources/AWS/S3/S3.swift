package import FoundationEssentials
import HTTP

/// What Amazon S3's API speaks of. ETags are given and taken without their quotes.
package enum S3 {
  /// What must hold for a write to happen. When it does not, the error's code is PreconditionFailed (412),
  /// NoSuchKey (404: `ifMatch` of an object that is not there) or ConditionalRequestConflict (409: another
  /// operation on the key is under way; may be tried again after reading the ETag anew).
  package enum WriteCondition: Sendable, Hashable {
    case none
    /// There is no such object; a delete marker counts as none.
    case ifAbsent
    /// The object has this ETag.
    case ifMatch(String)
  }

  /// What a write has made.
  package struct ObjectVersion: Sendable, Hashable {
    package var etag: String
    /// nil in a bucket that was never versioned.
    package var versionID: String?

    package init(etag: String, versionID: String? = nil) {
      self.etag = etag
      self.versionID = versionID
    }
  }

  /// An object that was read.
  package struct StoredObject: Sendable, Hashable {
    /// Empty when the object was written to a file.
    package var bytes: [UInt8]
    package var etag: String
    package var versionID: String?
    package var lastModified: Date?
    package var contentType: String?
    /// `x-amz-meta-*`, names in lower case without that prefix.
    package var metadata: [String: String]
    /// Bytes in the object.
    package var size: Int64
  }

  /// What a listing or HeadObject tells of an object.
  package struct ObjectSummary: Sendable, Hashable {
    package var key: String
    package var size: Int64
    package var etag: String
    package var lastModified: Date?
    package var storageClass: String?
    /// Of HeadObject only, as is all below.
    package var versionID: String?
    package var contentType: String?
    package var metadata: [String: String] = [:]
  }

  /// A version of an object, or a delete marker.
  package struct VersionSummary: Sendable, Hashable {
    package var key: String
    /// `null` for what was written before the bucket was versioned.
    package var versionID: String
    package var isLatest: Bool
    package var isDeleteMarker: Bool
    /// 0 and empty for delete markers.
    package var size: Int64
    package var etag: String
    package var lastModified: Date?
  }

  /// An object, or one version of it, to be deleted.
  package struct ObjectID: Sendable, Hashable {
    package var key: String
    /// nil: in a versioned bucket a delete marker is added, and nothing is lost.
    package var versionID: String?

    package init(_ key: String, versionID: String? = nil) {
      self.key = key
      self.versionID = versionID
    }
  }

  /// An object that a batch could not delete.
  package struct DeleteFailure: Sendable, Hashable {
    package var key: String
    package var versionID: String?
    package var code: String
    package var message: String
  }

  package struct Bucket: Sendable, Hashable {
    package var name: String
    package var region: String?
    package var creationDate: Date?
  }

  package struct MultipartUpload: Sendable, Hashable {
    package var key: String
    package var uploadID: String
    package var initiated: Date?
  }

  package struct CompletedPart: Sendable, Hashable {
    package var number: Int
    package var etag: String
    /// Base64 of the part's CRC32.
    package var crc32: String?

    package init(number: Int, etag: String, crc32: String?) {
      self.number = number
      self.etag = etag
      self.crc32 = crc32
    }
  }
}

/// Amazon S3. Buckets are here; their settings, objects, listings and uploads in the extensions.
package struct S3Client: Sendable {
  let client: AWSClient

  package init(_ client: AWSClient) {
    self.client = client
  }

  package var region: String { client.region }

  /// - Parameters:
  ///   - key: unencoded.
  ///   - query: unencoded.
  ///   - checksum: AWS demands one for most bucket settings and for DeleteObjects.
  func send(
    _ operation: String, _ method: String, bucket: String?, key: String? = nil, query: [(String, String?)] = [],
    headers: HTTPHeaders = [:], body: HTTPBody = .none, checksum: AWSRequest.Checksum = .none,
    target: ResponseTarget? = nil, resend: AWSRequest.Resend = .safe, accepted: Set<Int> = [],
    successMayHoldError: Bool = false, progress: (@Sendable (_ sent: Int64) -> Void)? = nil
  ) async throws(AWSError) -> AWSResponse {
    var request = AWSRequest(.s3, operation, method: method, query: query, headers: headers, body: body)
    request.bucket = bucket
    request.path = "/" + URLEncoding.path(key ?? "")
    request.payload = .unsigned
    request.checksum = checksum
    request.resend = resend
    request.accepted = accepted
    request.successMayHoldError = successMayHoldError
    if let target { request.target = target }
    if let progress { request.progress = { sent, _ in progress(sent) } }
    return try await client.send(request)
  }

  /// The answer's body as XML.
  func xml(_ response: AWSResponse, _ operation: String) throws(AWSError) -> XMLNode {
    do {
      return try XMLNode.parse(response.body)
    } catch {
      throw response.undecodable(.s3, operation)
    }
  }

  /// nil in place of an error with one of these codes.
  func find(
    _ codes: Set<String>, _ call: () async throws(AWSError) -> AWSResponse
  ) async throws(AWSError) -> AWSResponse? {
    do throws(AWSError) {
      return try await call()
    } catch {
      if codes.contains(error.code) { return nil }
      throw error
    }
  }

  static func unquoted(_ etag: String) -> String {
    var etag = Substring(etag)
    if etag.hasPrefix("W/") { etag = etag.dropFirst(2) }
    if etag.count >= 2, etag.hasPrefix("\""), etag.hasSuffix("\"") { etag = etag.dropFirst().dropLast() }
    return String(etag)
  }

  static func quoted(_ etag: String) -> String {
    etag.hasPrefix("\"") || etag == "*" ? etag : "\"\(etag)\""
  }
}
