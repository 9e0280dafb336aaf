import Synchronization

/// What we know of an object that we have put: kept in the state, so that objects whose ETag is no MD5 (made of
/// parts, encrypted by KMS) can be compared too.
package struct RecordedObject: Sendable, Hashable, Codable {
  package var etag: String
  /// Lower-case hex of the content's MD5.
  package var md5: String
  /// Bytes
  package var size: Int64

  package init(etag: String, md5: String, size: Int64) {
    self.etag = etag
    self.md5 = md5
    self.size = size
  }
}

/// Makes a prefix of a bucket hold what a folder holds, sending only what differs. One LIST for a thousand objects,
/// never a HEAD for one.
package struct FolderSync: Sendable {
  package struct Plan: Sendable, Hashable {
    package struct Upload: Sendable, Hashable {
      package var key: String
      package var file: LocalFile
      /// The bucket has no such object; otherwise it has another content.
      package var isNew: Bool
    }

    package var bucket: String
    package var uploads: [Upload]
    /// By key.
    package var unchanged: [String: RecordedObject]
    /// Keys that we had put and that are no longer wanted, in order.
    package var removals: [String]

    /// There is nothing to do.
    package var isEmpty: Bool { uploads.isEmpty && removals.isEmpty }
    /// To be sent.
    package var bytes: Int64 { uploads.reduce(0) { $0 &+ $1.file.size } }
  }

  package struct Result: Sendable, Hashable {
    /// All that was wanted, by key: to be recorded.
    package var objects: [String: RecordedObject]
    package var uploaded: Int
    package var unchanged: Int
    package var removed: Int
    /// Bytes that were sent.
    package var bytes: Int64
  }

  package enum Event: Sendable, Hashable {
    /// Bytes sent so far, of how many.
    case progress(sent: Int64, total: Int64)
    /// An object is in place; worth recording even if the sync fails later.
    case uploaded(key: String, RecordedObject)
    case removed(key: String)
  }

  let s3: S3Client
  let uploader: S3Uploader
  let concurrency: Int

  /// - Parameter concurrency: files on their way at once.
  package init(_ s3: S3Client, concurrency: Int = 16, limits: S3Uploader.Limits = S3Uploader.Limits()) {
    self.s3 = s3
    self.concurrency = concurrency
    uploader = S3Uploader(s3, limits: limits)
  }

  /// `prefix/` and the file's path.
  package static func key(_ prefix: String, _ path: String) -> String {
    prefix.isEmpty || prefix.hasSuffix("/") ? prefix + path : "\(prefix)/\(path)"
  }

  /// An object holds what a file holds when both have the same length, and the object's ETag is the file's MD5 or is
  /// the ETag that we got when we uploaded content of that MD5.
  package static func isUnchanged(
    size: Int64, etag: String, localSize: Int64, localMD5: String, recorded: RecordedObject?
  ) -> Bool {
    guard size == localSize else { return false }
    if etag == localMD5 { return true }
    guard let recorded else { return false }
    return recorded.etag == etag && recorded.md5 == localMD5
  }

  /// Compares; changes nothing.
  /// - Parameters:
  ///   - prefix: with or without its last `/`; empty for the whole bucket.
  ///   - recorded: what an earlier sync has put, by key: helps to compare, and is removed when it is no longer
  ///     among the files. Nothing else is ever removed.
  package func plan(
    files: [LocalFile], bucket: String, prefix: String, recorded: [String: RecordedObject] = [:]
  ) async throws(TransferError) -> Plan {
    let folder = Self.key(prefix, "")
    let wanted = Dictionary(files.map { (Self.key(prefix, $0.relativePath), $0) }) { first, _ in first }
    var listed: [String: (size: Int64, etag: String)] = [:]
    do throws(AWSError) {
      var pages = s3.objectPages(bucket, prefix: folder)
      while let page = try await pages.next() {
        for object in page.objects where wanted[object.key] != nil || recorded[object.key] != nil {
          listed[object.key] = (object.size, object.etag)
        }
      }
    } catch {
      throw TransferError(error, path: "s3://\(bucket)/\(folder)")
    }
    let known = listed
    let decided = try await concurrently(wanted.sorted { $0.key < $1.key }, limit: 4) {
      key, file throws(TransferError) -> (key: String, file: LocalFile, same: RecordedObject?) in
      // Only a file as long as the object can be the same: others need not be read.
      guard let there = known[key], there.size == file.size else { return (key, file, nil) }
      let md5: String
      do throws(AWSError) {
        md5 = try MD5.hex(file: file.absolutePath)
      } catch {
        throw TransferError(.unreadable, path: file.absolutePath, message: error.message)
      }
      let isSame = Self.isUnchanged(
        size: there.size, etag: there.etag, localSize: file.size, localMD5: md5, recorded: recorded[key])
      return (key, file, isSame ? RecordedObject(etag: there.etag, md5: md5, size: there.size) : nil)
    }
    var plan = Plan(bucket: bucket, uploads: [], unchanged: [:], removals: [])
    for (key, file, same) in decided {
      if let same {
        plan.unchanged[key] = same
      } else {
        plan.uploads.append(.init(key: key, file: file, isNew: known[key] == nil))
      }
    }
    plan.removals = recorded.keys.filter { key in
      // What was put under another prefix was not listed now.
      wanted[key] == nil && (known[key] != nil || !key.hasPrefix(folder))
    }.sorted()
    return plan
  }

  /// Carries a plan out. New objects are put first, so that what others read is never missing in between.
  package func apply(
    _ plan: Plan, events: (@Sendable (Event) -> Void)? = nil
  ) async throws(TransferError) -> Result {
    let total = plan.bytes
    let sent = Mutex<[String: Int64]>([:])
    let uploaded = try await concurrently(plan.uploads, limit: concurrency) {
      upload throws(TransferError) -> (key: String, object: RecordedObject) in
      let report = events.map { events in
        { @Sendable (bytes: Int64, _: Int64) in
          let sum = sent.withLock { sent in
            sent[upload.key] = bytes
            return sent.values.reduce(0, +)
          }
          events(.progress(sent: min(sum, total), total: total))
        }
      }
      let made = try await uploader.upload(
        path: upload.file.absolutePath, bucket: plan.bucket, key: upload.key, progress: report)
      let object = RecordedObject(etag: made.etag, md5: made.md5, size: made.size)
      events?(.uploaded(key: upload.key, object))
      return (upload.key, object)
    }
    try await remove(plan, events)
    var objects = plan.unchanged
    for (key, object) in uploaded { objects[key] = object }
    return Result(
      objects: objects, uploaded: uploaded.count, unchanged: plan.unchanged.count, removed: plan.removals.count,
      bytes: uploaded.reduce(0) { $0 &+ $1.object.size })
  }

  private func remove(_ plan: Plan, _ events: (@Sendable (Event) -> Void)?) async throws(TransferError) {
    do throws(AWSError) {
      let failures = try await s3.deleteObjects(bucket: plan.bucket, plan.removals.map { S3.ObjectID($0) })
      if let first = failures.first {
        throw AWSError(
          service: Service.s3.id, operation: "DeleteObjects", code: first.code,
          message: "\(first.key): \(first.message)")
      }
    } catch {
      throw TransferError(error, path: "s3://\(plan.bucket)")
    }
    for key in plan.removals { events?(.removed(key: key)) }
  }

  /// `plan` and `apply` in one.
  package func sync(
    files: [LocalFile], bucket: String, prefix: String, recorded: [String: RecordedObject] = [:],
    events: (@Sendable (Event) -> Void)? = nil
  ) async throws(TransferError) -> Result {
    try await apply(plan(files: files, bucket: bucket, prefix: prefix, recorded: recorded), events: events)
  }
}
