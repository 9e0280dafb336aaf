package import AWS
package import Engine
internal import HTTP
internal import Model

/// State and lock as two objects of the lake bucket: `<stack>.state.json` and `<stack>.state.json.lock`.
/// S3's conditional writes make every change a compare-and-swap
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html); the bucket's own
/// encryption and versions apply.
package struct S3StateStore: StateStore {
  let s3: S3Client
  let bucket: String
  let key: String
  let clock: any AWSClock

  package init(_ client: AWSClient, bucket: String, stack: String) {
    s3 = S3Client(client)
    self.bucket = bucket
    key = "\(stack).state.json"
    clock = client.clock
  }

  package var location: String { "s3://\(bucket)/\(key)" }
  private var lockKey: String { key + ".lock" }

  package func load() async throws -> StoredObject? { try await get(key) }

  package func save(_ bytes: [UInt8], replacing version: StateVersion?) async throws -> StateVersion {
    try await put(key, bytes, replacing: version)
  }

  package func history(limit: Int) async throws -> [StoredVersion] {
    var found: [StoredVersion] = []
    do {
      var pages = s3.versionPages(bucket, prefix: key)
      while found.count < limit, let page = try await pages.next() {
        // The prefix also fits the lock.
        found += page.filter { $0.key == key && !$0.isDeleteMarker }.map {
          StoredVersion(id: $0.versionID, savedAt: $0.lastModified, isCurrent: $0.isLatest)
        }
        if let last = page.last, last.key > key { break }
      }
    } catch {
      if error.code == "NoSuchBucket" { return [] }
      throw Diagnostic(explaining: error)
    }
    return Array(found.prefix(limit))
  }

  package func load(id: String) async throws -> [UInt8]? {
    do {
      return try await s3.getObject(bucket: bucket, key: key, versionID: id)?.bytes
    } catch {
      // What is no version's name at all.
      if error.code == "InvalidArgument" || error.status == 400 { return nil }
      throw Diagnostic(explaining: error)
    }
  }

  package func readLock() async throws -> StoredObject? { try await get(lockKey) }

  package func writeLock(_ bytes: [UInt8], replacing version: StateVersion?) async throws -> StateVersion {
    try await put(lockKey, bytes, replacing: version)
  }

  package func deleteLock(_ version: StateVersion) async throws {
    do {
      try await s3.deleteObject(bucket: bucket, key: lockKey, ifMatch: version.tag)
    } catch {
      switch error.code {
      case "NoSuchKey", "NoSuchBucket": return
      case "PreconditionFailed": throw StateConflict()
      default: throw Diagnostic(explaining: error)
      }
    }
  }

  private func get(_ key: String) async throws -> StoredObject? {
    do {
      guard let object = try await s3.getObject(bucket: bucket, key: key) else { return nil }
      return StoredObject(bytes: object.bytes, version: StateVersion(object.etag))
    } catch {
      if error.code == "NoSuchBucket" { return nil }
      throw error.code == "AccessDenied" ? await refused(error) : Diagnostic(explaining: error)
    }
  }

  /// A bucket that may not even be looked at is another account's, or wants a permission: S3 does not say which.
  private func refused(_ error: AWSError) async -> Diagnostic {
    var diagnostic = Diagnostic(explaining: error)
    do {
      _ = try await s3.headBucket(bucket)
    } catch  where error.status == 403 {
      diagnostic.summary = "The state's bucket `\(bucket)` may not be read"
      diagnostic.remedy =
        "Its name may be taken by another account: choose another one in the stack file. If it is yours, ask for "
        + "s3:ListBucket, s3:GetObject and s3:PutObject on it."
    } catch {}
    return diagnostic
  }

  private func put(_ key: String, _ bytes: [UInt8], replacing version: StateVersion?) async throws -> StateVersion {
    let condition = version.map { S3.WriteCondition.ifMatch($0.tag) } ?? .ifAbsent
    var conflicts = 0
    while true {
      let failure: AWSError
      do throws(AWSError) {
        let made = try await s3.putObject(
          bucket: bucket, key: key, body: .bytes(bytes), contentType: "application/json", condition: condition)
        return StateVersion(made.etag)
      } catch {
        failure = error
      }
      switch failure.code {
      case "ConditionalRequestConflict" where conflicts < 5:
        // Another write was under way; the condition decides at the next try.
        conflicts += 1
        try await clock.sleep(for: .milliseconds(100 * conflicts))
      case "PreconditionFailed", "NoSuchKey", "ConditionalRequestConflict":
        // A repeated write finds what its first attempt has written: then it was carried out.
        if let there = try await get(key), there.bytes == bytes { return there.version }
        throw StateConflict()
      default:
        if failure.outcomeUnknown, let there = try? await get(key), there.bytes == bytes {
          return there.version
        }
        throw Diagnostic(explaining: failure)
      }
    }
  }
}
