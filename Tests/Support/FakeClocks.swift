import Engine
package import FoundationEssentials
import Synchronization

/// A clock that stands still until a test moves it.
package final class ManualClock: EngineClock {
  private struct Sleeper {
    var wake: Duration
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct Time {
    var uptime = Duration.zero
    var sleepers: [Int: Sleeper] = [:]
    var cancelled: Set<Int> = []
    var next = 0
    var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
  }

  private let time = Mutex(Time())

  package init() {}

  package var now: Date {
    Date(timeIntervalSince1970: 1_700_000_000 + Double(uptime.components.seconds))
  }
  package var uptime: Duration { time.withLock { $0.uptime } }

  package func sleep(for duration: Duration) async throws {
    let id = time.withLock { time in
      time.next += 1
      return time.next
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        var isCancelled = false
        var watchers: [CheckedContinuation<Void, Never>] = []
        time.withLock { time in
          isCancelled = time.cancelled.remove(id) != nil
          guard !isCancelled else { return }
          time.sleepers[id] = Sleeper(wake: time.uptime + duration, continuation: continuation)
          watchers = ManualClock.satisfied(&time)
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
        for watcher in watchers { watcher.resume() }
      }
    } onCancel: {
      let sleeper = time.withLock { time in
        let sleeper = time.sleepers.removeValue(forKey: id)
        if sleeper == nil { time.cancelled.insert(id) }
        return sleeper
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Moves time and wakes whoever has slept long enough.
  package func advance(by duration: Duration) {
    let woken = time.withLock { time in
      time.uptime += duration
      let due = time.sleepers.filter { $0.value.wake <= time.uptime }
      for id in due.keys { time.sleepers.removeValue(forKey: id) }
      return due.values.sorted { $0.wake < $1.wake }
    }
    for sleeper in woken { sleeper.continuation.resume() }
  }

  /// Returns when this many are asleep.
  package func untilSleeping(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let watchers = time.withLock { time in
        time.watchers.append((count, continuation))
        return ManualClock.satisfied(&time)
      }
      for watcher in watchers { watcher.resume() }
    }
  }

  private static func satisfied(_ time: inout Time) -> [CheckedContinuation<Void, Never>] {
    let count = time.sleepers.count
    let found = time.watchers.filter { $0.count <= count }.map(\.continuation)
    time.watchers.removeAll { $0.count <= count }
    return found
  }
}

/// A clock on which every sleep is over at once, having taken its time.
package final class InstantClock: EngineClock {
  private let time = Mutex(Duration.zero)

  package init() {}

  package var now: Date { Date(timeIntervalSince1970: 1_700_000_000) }
  package var uptime: Duration { time.withLock { $0 } }
  package func sleep(for duration: Duration) async throws {
    time.withLock { $0 += duration }
    await Task.yield()
    try Task.checkCancellation()
  }
}
