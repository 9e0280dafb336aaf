import Synchronization

/// Deletes everything in a bucket, or below a prefix of it: all versions, delete markers and unfinished uploads.
/// Nothing of it can be brought back.
package struct BucketEmptier: Sendable {
  package struct Summary: Sendable, Hashable {
    /// Versions and delete markers.
    package var versions = 0
    package var uploads = 0
    /// Bytes that the versions held.
    package var bytes: Int64 = 0
    /// There may be more.
    package var wasStopped = false

    package init() {}
  }

  /// A pass that still finds something is followed by another one: somebody may be writing, and S3 asks to repeat
  /// single deletions.
  private static let passes = 5
  private static let repeatable: Set<String> = [
    "InternalError", "ServiceUnavailable", "SlowDown", "OperationAborted", "RequestTimeout", "Throttling",
  ]

  let s3: S3Client
  let concurrency: Int
  let pageSize: Int
  private let isStopped: @Sendable () -> Bool

  /// - Parameters:
  ///   - concurrency: batches on their way at once.
  ///   - pageSize: versions in a batch, at most 1,000.
  ///   - isStopped: looked at before each batch; those under way are finished.
  package init(
    _ s3: S3Client, concurrency: Int = 6, pageSize: Int = 1000, isStopped: @escaping @Sendable () -> Bool = { false }
  ) {
    self.s3 = s3
    self.concurrency = concurrency
    self.pageSize = pageSize
    self.isStopped = isStopped
  }

  /// A bucket that does not exist is empty.
  /// - Parameter progress: after each batch, on any thread.
  /// - Throws: with the code of the first object that S3 would not delete (AccessDenied, ...), when it is none that
  ///   a repetition mends.
  package func empty(
    bucket: String, prefix: String = "", progress: (@Sendable (Summary) -> Void)? = nil
  ) async throws(AWSError) -> Summary {
    let tally = Mutex(Summary())
    do throws(AWSError) {
      var failures: [S3.DeleteFailure] = []
      for _ in 0..<Self.passes {
        let (found, failed) = try await pass(bucket, prefix) { versions, bytes in
          let now = tally.withLock { tally in
            tally.versions += versions
            tally.bytes += bytes
            return tally
          }
          progress?(now)
        }
        failures = failed
        if isStopped() {
          return tally.withLock { tally in
            tally.wasStopped = true
            return tally
          }
        }
        if found == 0 || failed.contains(where: { !Self.repeatable.contains($0.code) }) { break }
      }
      if let first = failures.first { throw Self.error(bucket, failures.count, first) }
      let uploads = try await s3.listMultipartUploads(bucket, prefix: prefix)
      _ = try await concurrently(uploads, limit: concurrency) { upload throws(AWSError) in
        try await s3.abortMultipartUpload(bucket: bucket, key: upload.key, uploadID: upload.uploadID)
      }
      let total = tally.withLock { tally in
        tally.uploads = uploads.count
        return tally
      }
      if !uploads.isEmpty { progress?(total) }
      return total
    } catch {
      if error.code == "NoSuchBucket" { return tally.withLock { $0 } }
      throw error
    }
  }

  private static func error(_ bucket: String, _ count: Int, _ first: S3.DeleteFailure) -> AWSError {
    AWSError(
      service: Service.s3.id, operation: "DeleteObjects", code: first.code,
      message:
        "\(count) object version\(count == 1 ? "" : "s") of \(bucket) stayed, e.g. \(first.key): \(first.message)",
      extra: ["Key": first.key])
  }

  /// Lists all versions and deletes each page while the next ones are listed.
  private func pass(
    _ bucket: String, _ prefix: String, _ deleted: @escaping @Sendable (_ versions: Int, _ bytes: Int64) -> Void
  ) async throws(AWSError) -> (found: Int, failures: [S3.DeleteFailure]) {
    let outcome = await withTaskGroup(
      of: Result<[S3.DeleteFailure], AWSError>.self, returning: Result<(Int, [S3.DeleteFailure]), AWSError>.self
    ) { group in
      var failures: [S3.DeleteFailure] = []
      var failure: AWSError?
      var found = 0
      var running = 0
      func collect() async {
        guard let result = await group.next() else { return }
        running -= 1
        switch result {
        case .success(let some): failures += some
        case .failure(let error):
          if failure == nil { failure = error }
          group.cancelAll()
        }
      }
      do throws(AWSError) {
        var pages = s3.versionPages(bucket, prefix: prefix, pageSize: pageSize)
        while failure == nil, !isStopped(), let page = try await pages.next() {
          guard !page.isEmpty else { continue }
          found += page.count
          if running >= max(1, concurrency) { await collect() }
          let s3 = s3
          group.addTask {
            do throws(AWSError) {
              let failed = try await s3.deleteObjects(
                bucket: bucket, page.map { S3.ObjectID($0.key, versionID: $0.versionID) })
              let stayed = Set(failed.map { S3.ObjectID($0.key, versionID: $0.versionID) })
              let gone = page.filter { !stayed.contains(S3.ObjectID($0.key, versionID: $0.versionID)) }
              deleted(gone.count, gone.reduce(0) { $0 &+ $1.size })
              return .success(failed)
            } catch {
              return .failure(error)
            }
          }
          running += 1
        }
      } catch {
        if failure == nil { failure = error }
        group.cancelAll()
      }
      while running > 0 { await collect() }
      if let failure { return .failure(failure) }
      return .success((found, failures))
    }
    let (found, failures) = try outcome.get()
    return (found, failures)
  }
}
