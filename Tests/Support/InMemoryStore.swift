package import Engine
import Synchronization

/// A store with the conditional semantics of S3, in memory.
package final class InMemoryStore: StateStore {
  private struct Contents {
    var state: StoredObject?
    var lock: StoredObject?
    var count = 0
    var history: [[UInt8]] = []
    var lostAnswers = 0
    var refusals: [any Error] = []
    var killer: Killer?
  }

  private let contents = Mutex(Contents())
  package let location = "memory://state.json"

  package init() {}

  // MARK: Scripts

  /// The next writes happen but answer with an error, as when the connection breaks.
  package func loseAnswers(_ count: Int) {
    contents.withLock { $0.lostAnswers = count }
  }

  /// The next writes fail with these and do not happen.
  package func refuse(_ errors: [any Error]) {
    contents.withLock { $0.refusals = errors }
  }

  package func use(_ killer: Killer?) {
    contents.withLock { $0.killer = killer }
  }

  /// Every saved state, oldest first.
  package var saved: [State] {
    get throws { try contents.withLock { $0.history }.map { try State.decode($0, location: location) } }
  }

  package var saves: Int { contents.withLock { $0.history.count } }

  // MARK: StateStore

  package func load() async throws -> StoredObject? {
    try point()
    return contents.withLock { $0.state }
  }

  package func save(_ bytes: [UInt8], replacing version: StateVersion?) async throws -> StateVersion {
    try point()
    let written = try write(bytes, \.state, replacing: version)
    try point()
    return written
  }

  package func history(limit: Int) async throws -> [StoredVersion] {
    contents.withLock { contents in
      contents.history.indices.suffix(limit).reversed().map {
        StoredVersion(id: "\($0)", savedAt: nil, isCurrent: $0 == contents.history.count - 1)
      }
    }
  }

  package func load(id: String) async throws -> [UInt8]? {
    contents.withLock { contents in
      Int(id).flatMap { contents.history.indices.contains($0) ? contents.history[$0] : nil }
    }
  }

  package func readLock() async throws -> StoredObject? {
    try point()
    return contents.withLock { $0.lock }
  }

  package func writeLock(_ bytes: [UInt8], replacing version: StateVersion?) async throws -> StateVersion {
    try point()
    let written = try write(bytes, \.lock, replacing: version)
    try point()
    return written
  }

  package func deleteLock(_ version: StateVersion) async throws {
    try point()
    try contents.withLock { contents in
      guard let lock = contents.lock else { return }
      guard lock.version == version else { throw StateConflict() }
      contents.lock = nil
    }
    try point()
  }

  private func point() throws {
    try contents.withLock { $0.killer }?.point()
  }

  private struct AnswerLost: Error {}

  private func write(
    _ bytes: [UInt8], _ path: any WritableKeyPath<Contents, StoredObject?> & Sendable, replacing version: StateVersion?
  ) throws -> StateVersion {
    try contents.withLock { contents in
      if !contents.refusals.isEmpty { throw contents.refusals.removeFirst() }
      guard contents[keyPath: path]?.version == version else { throw StateConflict() }
      contents.count += 1
      let object = StoredObject(bytes: bytes, version: StateVersion("v\(contents.count)"))
      contents[keyPath: path] = object
      if path == \Contents.state { contents.history.append(bytes) }
      if contents.lostAnswers > 0 {
        contents.lostAnswers -= 1
        throw AnswerLost()
      }
      return object.version
    }
  }
}
