import HTTP
import Synchronization

/// What an upload has made.
package struct UploadedObject: Sendable, Hashable {
  package var etag: String
  package var versionID: String?
  /// Lower-case hex of the content's MD5, whatever the ETag is.
  package var md5: String
  package var size: Int64
}

/// Uploads one file: in one request when it is small, in parts when not.
///
/// What lands in S3 is what the file held at one moment. Its content is hashed while nothing changes it, every
/// request carries that hash for S3 to check, and a file that changes in between is an error.
package struct S3Uploader: Sendable {
  package struct Limits: Sendable {
    /// Bytes; from here on in parts.
    package var multipartThreshold: Int64 = 16 << 20
    /// Bytes of a part at least; more when 10,000 parts would not do.
    package var partSize: Int64 = 16 << 20
    /// Parts on their way at once.
    package var concurrency = 4
    /// Bytes up to which a file is read once and held in memory.
    package var inMemory = 1 << 20

    package init() {}
  }

  let s3: S3Client
  let limits: Limits

  package init(_ s3: S3Client, limits: Limits = Limits()) {
    self.s3 = s3
    self.limits = limits
  }

  /// - Parameters:
  ///   - contentType: nil: from the file's name.
  ///   - progress: bytes sent so far, and of how many; falls back when a request is repeated. Called on any thread.
  package func upload(
    path: String, bucket: String, key: String, contentType: String? = nil,
    condition: S3.WriteCondition = .none, metadata: [String: String] = [:], tags: [String: String] = [:],
    progress: (@Sendable (_ sent: Int64, _ total: Int64) -> Void)? = nil
  ) async throws(TransferError) -> UploadedObject {
    let job = Job(
      path: path, bucket: bucket, key: key, contentType: contentType ?? ContentType.of(path), condition: condition,
      metadata: metadata, tags: tags, progress: progress)
    if let (bytes, stamp) = try FileStamp.read(path, limit: limits.inMemory) {
      var crc = CRC32()
      crc.update(bytes)
      return try await put(job, .bytes(bytes), stamp, md5: MD5.hash(bytes), crc: crc)
    }
    let stamp = try FileStamp.of(path)
    if stamp.size >= limits.multipartThreshold { return try await uploadParts(job, stamp) }
    let hasher = DigestHasher(.md5)
    let crc = try hash(path, 0, stamp.size, stamp, into: hasher)
    let body = HTTPBody.file(path: path, offset: 0, length: stamp.size)
    return try await put(job, body, stamp, md5: hasher.finish(), crc: crc)
  }

  private struct Job: Sendable {
    var path: String
    var bucket: String
    var key: String
    var contentType: String
    var condition: S3.WriteCondition
    var metadata: [String: String]
    var tags: [String: String]
    var progress: (@Sendable (_ sent: Int64, _ total: Int64) -> Void)?
  }

  private func put(
    _ job: Job, _ body: HTTPBody, _ stamp: FileStamp, md5: [UInt8], crc: CRC32
  ) async throws(TransferError) -> UploadedObject {
    let report = job.progress.map { progress in
      { @Sendable (sent: Int64) in progress(min(sent, stamp.size), stamp.size) }
    }
    let version: S3.ObjectVersion
    do {
      version = try await s3.putObject(
        bucket: job.bucket, key: job.key, body: body, contentType: job.contentType, condition: job.condition,
        metadata: job.metadata, tags: job.tags, md5: Base64.encode(md5), crc32: crc.base64, progress: report)
    } catch {
      // S3 refusing the hash, or the file ending early, only says that the file has changed.
      try stamp.check(job.path)
      throw TransferError(error, path: job.path)
    }
    try stamp.check(job.path)
    return UploadedObject(
      etag: version.etag, versionID: version.versionID, md5: Hex.encode(md5), size: stamp.size)
  }

  /// Hashes a part of the file, into the MD5 of the whole and into a CRC32 of its own.
  /// - Throws: changed, when the file is not what it was.
  private func hash(
    _ path: String, _ offset: Int64, _ length: Int64, _ stamp: FileStamp, into hasher: DigestHasher
  ) throws(TransferError) -> CRC32 {
    var crc = CRC32()
    do {
      try FileReader.read(path, offset: offset, length: length) { piece in
        hasher.update(piece)
        crc.update(piece)
      }
    } catch {
      try stamp.check(path)
      throw TransferError(.unreadable, path: path, message: error.message)
    }
    try stamp.check(path)
    return crc
  }

  // MARK: Parts

  /// Bytes of all parts but the last: whole MiB, so that 10,000 are enough.
  func partSize(for size: Int64) -> Int64 {
    let mebibyte: Int64 = 1 << 20
    let least = (size + 9_999) / 10_000
    return max(limits.partSize, (least + mebibyte - 1) / mebibyte * mebibyte)
  }

  private func uploadParts(_ job: Job, _ stamp: FileStamp) async throws(TransferError) -> UploadedObject {
    let uploadID: String
    do {
      uploadID = try await s3.createMultipartUpload(
        bucket: job.bucket, key: job.key, contentType: job.contentType, metadata: job.metadata, tags: job.tags)
    } catch {
      throw TransferError(error, path: job.path)
    }
    do throws(TransferError) {
      let hasher = DigestHasher(.md5)
      let (parts, crc) = try await send(job, stamp, uploadID, hasher).get()
      try stamp.check(job.path)
      let version = try await complete(job, stamp, uploadID, parts, crc)
      return UploadedObject(
        etag: version.etag, versionID: version.versionID, md5: Hex.encode(hasher.finish()), size: stamp.size)
    } catch {
      // Parts cost money until the upload is aborted; also when this task is cancelled, hence a task of its own.
      let s3 = s3
      await Task.detached {
        do throws(AWSError) {
          try await s3.abortMultipartUpload(bucket: job.bucket, key: job.key, uploadID: uploadID)
        } catch {
          // The upload's failure matters more. `BucketEmptier` finds what stays behind.
        }
      }.value
      throw error
    }
  }

  /// Part by part: hashes it, and sends it while the next is hashed.
  private func send(
    _ job: Job, _ stamp: FileStamp, _ uploadID: String, _ hasher: DigestHasher
  ) async -> Result<(parts: [S3.CompletedPart], crc: UInt32), TransferError> {
    let size = partSize(for: stamp.size)
    let meter = job.progress.map { ProgressMeter(total: stamp.size, report: $0) }
    return await withTaskGroup(
      of: Result<S3.CompletedPart, AWSError>.self,
      returning: Result<(parts: [S3.CompletedPart], crc: UInt32), TransferError>.self
    ) { group in
      var parts: [S3.CompletedPart] = []
      var whole: UInt32 = 0
      var failure: TransferError?
      var running = 0
      func collect() async {
        guard let result = await group.next() else { return }
        running -= 1
        switch result {
        case .success(let part): parts.append(part)
        case .failure(let error):
          if failure == nil { failure = TransferError(error, path: job.path) }
          group.cancelAll()
        }
      }
      var offset: Int64 = 0
      var number = 0
      while offset < stamp.size, failure == nil {
        if running >= max(1, limits.concurrency) {
          await collect()
          continue
        }
        number += 1
        let length = min(size, stamp.size - offset)
        do throws(TransferError) {
          let crc = try hash(job.path, offset, length, stamp, into: hasher)
          whole = CRC32.combine(whole, crc.value, secondLength: length)
          let body = HTTPBody.file(path: job.path, offset: offset, length: length)
          let part = number
          group.addTask {
            do throws(AWSError) {
              return .success(
                try await s3.uploadPart(
                  bucket: job.bucket, key: job.key, uploadID: uploadID, number: part, body: body, crc32: crc.base64,
                  progress: { meter?.part(part, sent: $0) }))
            } catch {
              return .failure(error)
            }
          }
          running += 1
          offset += length
        } catch {
          failure = error
          group.cancelAll()
        }
      }
      while running > 0 { await collect() }
      if let failure { return .failure(failure) }
      return .success((parts, whole))
    }
  }

  private func complete(
    _ job: Job, _ stamp: FileStamp, _ uploadID: String, _ parts: [S3.CompletedPart], _ crc: UInt32
  ) async throws(TransferError) -> S3.ObjectVersion {
    let failure: AWSError
    do throws(AWSError) {
      return try await s3.completeMultipartUpload(
        bucket: job.bucket, key: job.key, uploadID: uploadID, parts: parts, condition: job.condition,
        crc32: CRC32.base64(crc), size: stamp.size)
    } catch {
      failure = error
    }
    // After a lost answer the upload may be complete: then S3 knows it no more, and the object is there.
    let isUnclear = failure.outcomeUnknown || (failure.code == "NoSuchUpload" && failure.attempts > 1)
    if isUnclear, let expected = Self.etag(of: parts), !Task.isCancelled {
      do throws(AWSError) {
        if let found = try await s3.headObject(bucket: job.bucket, key: job.key), found.etag == expected {
          return S3.ObjectVersion(etag: found.etag, versionID: found.versionID)
        }
      } catch {
        throw TransferError(failure, path: job.path)
      }
    }
    throw TransferError(failure, path: job.path)
  }

  /// The ETag that S3 gives to an object made of parts: the MD5 of their MD5s; nil when their ETags are no MD5s (KMS).
  static func etag(of parts: [S3.CompletedPart]) -> String? {
    var sums: [UInt8] = []
    for part in parts.sorted(by: { $0.number < $1.number }) {
      let digits = Array(part.etag)
      guard digits.count == 32 else { return nil }
      for index in stride(from: 0, to: 32, by: 2) {
        guard let byte = UInt8(String(digits[index...index + 1]), radix: 16) else { return nil }
        sums.append(byte)
      }
    }
    return "\(MD5.hex(sums))-\(parts.count)"
  }
}

/// Adds up what the parts have sent.
private final class ProgressMeter: Sendable {
  private let sent = Mutex<[Int: Int64]>([:])
  private let total: Int64
  private let report: @Sendable (Int64, Int64) -> Void

  init(total: Int64, report: @escaping @Sendable (Int64, Int64) -> Void) {
    self.total = total
    self.report = report
  }

  func part(_ number: Int, sent bytes: Int64) {
    let sum = sent.withLock { sent in
      sent[number] = bytes
      return sent.values.reduce(0, +)
    }
    report(min(sum, total), total)
  }
}
