package import FoundationEssentials

/// One stored version of an object, as the store tells them apart (an ETag). Compared for equality only.
package struct StateVersion: Sendable, Hashable, Codable, CustomStringConvertible {
  package let tag: String

  package init(_ tag: String) {
    self.tag = tag
  }

  package var description: String { tag }
}

package struct StoredObject: Sendable, Hashable {
  package var bytes: [UInt8]
  package var version: StateVersion

  package init(bytes: [UInt8], version: StateVersion) {
    self.bytes = bytes
    self.version = version
  }
}

/// An earlier version of the state, or the one of now.
package struct StoredVersion: Sendable, Hashable {
  /// The store's name for it.
  package var id: String
  package var savedAt: Date?
  /// What `load` gives.
  package var isCurrent: Bool

  package init(id: String, savedAt: Date?, isCurrent: Bool) {
    self.id = id
    self.savedAt = savedAt
    self.isCurrent = isCurrent
  }
}

/// Someone else wrote in between: the condition of a write did not hold. Nothing was changed.
package struct StateConflict: Error, Sendable, Hashable {
  package init() {}
}

/// Where a state and its lock live.
///
/// The contract (`StoreConformance` in Tests/Support tests it):
/// - A read that starts after a write has returned gives that write or a later one.
/// - A write with `replacing: nil` succeeds only if nothing is there; with a version, only if exactly that
///   version is there. Otherwise it throws `StateConflict` and changes nothing. Of any number of concurrent
///   writes with the same condition, one succeeds.
/// - A write that throws anything else may or may not have happened. Callers look; stores do not repeat a
///   write themselves in a way that could turn their own success into a `StateConflict` without saying so.
///   Where that cannot be avoided (a client that retries), the caller's look resolves it as well.
/// - Every successful write gives a version that the object never had while its bytes were others.
/// - State and lock are independent of each other.
/// - Earlier versions of the state stay retrievable where the store can do that; the lock needs no history.
package protocol StateStore: Sendable {
  /// For messages: `s3://bucket/stack.state.json`.
  var location: String { get }

  /// Nil when there is none yet.
  func load() async throws -> StoredObject?
  func save(_ bytes: [UInt8], replacing version: StateVersion?) async throws -> StateVersion

  /// The versions of the state that can be had, newest first. One that was deleted leaves its earlier versions.
  func history(limit: Int) async throws -> [StoredVersion]
  /// The bytes of one of them; nil when it is not there (any more).
  func load(id: String) async throws -> [UInt8]?

  func readLock() async throws -> StoredObject?
  func writeLock(_ bytes: [UInt8], replacing version: StateVersion?) async throws -> StateVersion
  /// Missing is success; another version throws `StateConflict`.
  func deleteLock(_ version: StateVersion) async throws
}

extension StateStore {
  /// The state, decoded, with its version.
  package func loadState() async throws -> (state: State, version: StateVersion)? {
    guard let stored = try await load() else { return nil }
    return (try State.decode(stored.bytes, location: location), stored.version)
  }
}
