import Synchronization

/// Runs one operation at a time, in the order of asking. (An actor would let them interleave at every `await`.)
final class SerialGate: Sendable {
  private let last = Mutex<Task<Void, Never>?>(nil)

  /// Not cancelled with its caller: what has begun is finished.
  func run<Success: Sendable>(_ operation: @escaping @Sendable () async throws -> Success) async throws -> Success {
    let task = last.withLock { last in
      let previous = last
      let task = Task {
        await previous?.value
        return try await operation()
      }
      last = Task { _ = await task.result }
      return task
    }
    return try await task.value
  }
}
