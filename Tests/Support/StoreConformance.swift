package import Engine

/// What every `StateStore` must do: one list of cases, run against each implementation with a fresh, empty store.
///
/// ```swift
/// @Test(arguments: StoreConformance.cases) func conforms(_ rule: StoreConformance.Case) async throws {
///   try await rule.check(makeEmptyStore())
/// }
/// ```
package enum StoreConformance {
  package struct Violation: Error, CustomStringConvertible {
    package let description: String
  }

  package struct Case: Sendable, CustomStringConvertible {
    package let description: String
    package let check: @Sendable (any StateStore) async throws -> Void
  }

  package static let cases: [Case] = [
    Case(description: "an empty store has neither state nor lock") { store in
      try expect(try await store.load() == nil, "load gave something")
      try expect(try await store.readLock() == nil, "readLock gave something")
    },
    Case(description: "what is saved is loaded, byte for byte, with the version of the save") { store in
      for bytes in [[], Array("{\"é\": 1}\n".utf8), Array(repeating: 0x20, count: 300_000)] as [[UInt8]] {
        let before = try await store.load()
        let version = try await store.save(bytes, replacing: before?.version)
        let loaded = try await store.load()
        try expect(loaded == StoredObject(bytes: bytes, version: version), "load gave something else")
      }
    },
    Case(description: "a first save refuses to replace what is there") { store in
      let version = try await store.save([1], replacing: nil)
      try await expectConflict { _ = try await store.save([2], replacing: nil) }
      try expect(try await store.load() == StoredObject(bytes: [1], version: version), "it was changed")
    },
    Case(description: "a save over an old version is refused and changes nothing") { store in
      let first = try await store.save([1], replacing: nil)
      let second = try await store.save([2], replacing: first)
      try await expectConflict { _ = try await store.save([3], replacing: first) }
      try expect(try await store.load() == StoredObject(bytes: [2], version: second), "it was changed")
    },
    Case(description: "a save over a version when nothing is there is refused") { store in
      let other = try await store.writeLock([1], replacing: nil)
      try await expectConflict { _ = try await store.save([1], replacing: other) }
    },
    Case(description: "of many first saves one succeeds") { store in
      let winners = await race(20) { _ = try await store.save([UInt8($0)], replacing: nil) }
      try expect(winners == 1, "\(winners) succeeded")
    },
    Case(description: "of many saves over one version one succeeds") { store in
      let version = try await store.save([255], replacing: nil)
      let winners = await race(20) { _ = try await store.save([UInt8($0)], replacing: version) }
      try expect(winners == 1, "\(winners) succeeded")
    },
    Case(description: "earlier versions are listed, newest first, and can be loaded") { store in
      try expect(try await store.history(limit: 10).isEmpty, "an empty store has a history")
      var version = try await store.save([1], replacing: nil)
      for byte in [2, 3] as [UInt8] { version = try await store.save([byte], replacing: version) }
      _ = try await store.writeLock([9], replacing: nil)
      let history = try await store.history(limit: 10)
      var bytes: [[UInt8]?] = []
      for stored in history { bytes.append(try await store.load(id: stored.id)) }
      try expect(bytes == [[3], [2], [1]], "other contents: \(bytes)")
      try expect(history.map(\.isCurrent) == [true, false, false], "another one is current")
      try expect(try await store.history(limit: 2).map(\.id) == history.prefix(2).map(\.id), "the limit does not hold")
      try expect(try await store.load(id: "no-such-version") == nil, "load(id:) gave something")
    },
    Case(description: "the lock obeys the same conditions") { store in
      let first = try await store.writeLock([1], replacing: nil)
      try await expectConflict { _ = try await store.writeLock([2], replacing: nil) }
      let second = try await store.writeLock([3], replacing: first)
      try await expectConflict { _ = try await store.writeLock([4], replacing: first) }
      try expect(try await store.readLock() == StoredObject(bytes: [3], version: second), "it was changed")
      let winners = await race(20) { _ = try await store.writeLock([UInt8($0) + 10], replacing: second) }
      try expect(winners == 1, "\(winners) succeeded")
    },
    Case(description: "a lock is deleted only in the version that is named") { store in
      let first = try await store.writeLock([1], replacing: nil)
      let second = try await store.writeLock([2], replacing: first)
      try await expectConflict { try await store.deleteLock(first) }
      try expect(try await store.readLock() != nil, "it was deleted")
      try await store.deleteLock(second)
      try expect(try await store.readLock() == nil, "it is still there")
    },
    Case(description: "deleting a lock that is gone succeeds") { store in
      let version = try await store.writeLock([1], replacing: nil)
      try await store.deleteLock(version)
      try await store.deleteLock(version)
    },
    Case(description: "a released lock can be taken again") { store in
      try await store.deleteLock(try await store.writeLock([1], replacing: nil))
      _ = try await store.writeLock([2], replacing: nil)
    },
    Case(description: "state and lock do not touch each other") { store in
      let state = try await store.save([1], replacing: nil)
      let lock = try await store.writeLock([2], replacing: nil)
      try await store.deleteLock(lock)
      try expect(try await store.load() == StoredObject(bytes: [1], version: state), "the state was changed")
    },
  ]

  private static func expect(_ condition: Bool, _ message: String) throws {
    if !condition { throw Violation(description: message) }
  }

  private static func expectConflict(_ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch is StateConflict {
      return
    }
    throw Violation(description: "no StateConflict")
  }

  private static func race(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> Void) async -> Int {
    await withTaskGroup(of: Bool.self) { group in
      for index in 0..<count {
        group.addTask {
          do {
            try await body(index)
            return true
          } catch {
            return false
          }
        }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
  }
}
