import Model
import Synchronization

/// What AWS says of a recorded resource.
enum Reading: Sendable {
  case present(id: String, Observation)
  case missing
}

/// Reads recorded resources, many at once, and looks up what unfinished creates have made.
struct Refresher: Sendable {
  let environment: EngineEnvironment
  /// False: recorded values stand for those of AWS.
  let refresh: Bool

  /// - Throws: `Diagnostics` with every failure, or `CancellationError` after an interrupt.
  func read(_ records: [StateResource]) async throws -> [Address: Reading] {
    let progress = Progress(total: records.count, events: environment.events)
    environment.events(.reading(total: records.count))
    var readings: [Address: Reading] = [:]
    var problems: [Diagnostic] = []
    await withTaskGroup(of: (Address, Result<Reading, any Error>).self) { group in
      var running = 0
      var pending = records[...]
      while true {
        while running < environment.width, !environment.interruption.isInterrupted, let record = pending.popFirst() {
          running += 1
          group.addTask {
            do {
              return (record.address, .success(try await self.read(record)))
            } catch {
              return (record.address, .failure(error))
            }
          }
        }
        guard let (address, result) = await group.next() else { break }
        running -= 1
        progress.finished(address)
        switch result {
        case .success(let reading): readings[address] = reading
        case .failure(let error): problems.append(Diagnostic(wrapping: error).at(address))
        }
      }
    }
    if environment.interruption.isInterrupted { throw CancellationError() }
    guard problems.isEmpty else { throw Diagnostics(problems.sorted { $0.address ?? .none < $1.address ?? .none }) }
    return readings
  }

  private func read(_ record: StateResource) async throws -> Reading {
    let provider = try environment.provider(for: record.address)
    let context = environment.context(
      for: record.address, token: record.token ?? "", begun: record.createdAt)
    if !refresh, record.status == .created, let id = record.id {
      return .present(id: id, Observation(inputs: record.inputs, outputs: record.outputs))
    }
    var known = record.id
    if known == nil { known = try await provider.find(record.inputs, context: context) }
    guard let id = known,
      let observation = try await provider.read(
        id, recorded: Observation(inputs: record.inputs, outputs: record.outputs), context: context)
    else {
      return .missing
    }
    return .present(id: id, observation)
  }
}

extension Address {
  /// Sorts before all others.
  fileprivate static let none = Address(kind: "", name: "")
}

private final class Progress: Sendable {
  private let done = Mutex(0)
  private let total: Int
  private let events: EventHandler

  init(total: Int, events: @escaping EventHandler) {
    self.total = total
    self.events = events
  }

  func finished(_ address: Address) {
    let count = done.withLock { done in
      done += 1
      return done
    }
    events(.read(address, done: count, total: total))
  }
}
