import Engine
package import Model
import Synchronization

/// A cloud in memory whose every call can be watched, held, failed or cut off.
package final class FakeCloud: Sendable {
  package enum Verb: String, Sendable, Hashable {
    case find, read, create, update, delete
  }

  package struct Call: Sendable, Hashable, CustomStringConvertible {
    package var verb: Verb
    package var address: Address

    package init(_ verb: Verb, _ address: Address) {
      self.verb = verb
      self.address = address
    }

    package var description: String { "\(verb.rawValue) \(address.name)" }
  }

  package struct Thing: Sendable, Hashable {
    package var id: String
    package var address: Address
    package var token: String
    package var tags: [String: String]
    package var inputs: Value
    package var revision = 1
  }

  package enum Moment: Sendable, Hashable {
    /// Nothing happens.
    case before
    /// It happens, its id is told where there is one, and then it fails.
    case after
    /// It happens, but before anything could be told.
    case unheard
  }

  private struct Failure {
    var moment: Moment
    var error: any Error
    var times: Int
  }

  private struct Contents {
    var things: [String: Thing] = [:]
    var made = 0
    var calls: [Call] = []
    var running: [Call] = []
    var highWater = 0
    var failures: [Call: Failure] = [:]
    var held: Set<Verb> = []
    var gates: [Call: CheckedContinuation<Void, Never>] = [:]
    var watchers: [(isTrue: @Sendable ([Call]) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    var killer: Killer?
    var hook: (@Sendable (Call) -> Void)?
  }

  private let contents = Mutex(Contents())

  package init() {}

  // MARK: Scripts

  package func fail(
    _ verb: Verb, _ address: Address, _ moment: Moment = .before, times: Int = 1,
    with error: any Error = Diagnostic("AccessDenied")
  ) {
    contents.withLock { $0.failures[Call(verb, address)] = Failure(moment: moment, error: error, times: times) }
  }

  /// Calls of this sort stop just before their effect until `release`.
  package func hold(_ verb: Verb) {
    contents.withLock { _ = $0.held.insert(verb) }
  }

  package func release(_ verb: Verb, _ address: Address) {
    contents.withLock { $0.gates.removeValue(forKey: Call(verb, address)) }?.resume()
  }

  /// Lets everything pass, now and later.
  package func releaseAll() {
    let gates = contents.withLock { contents in
      contents.held = []
      defer { contents.gates = [:] }
      return contents.gates.values.map { $0 }
    }
    for gate in gates { gate.resume() }
  }

  /// Called at the beginning of every call.
  package func onCall(_ hook: @escaping @Sendable (Call) -> Void) {
    contents.withLock { $0.hook = hook }
  }

  package func use(_ killer: Killer?) {
    contents.withLock { $0.killer = killer }
  }

  /// Returns when exactly these calls are held.
  package func untilHeld(_ verb: Verb, _ names: Set<String>) async {
    await until { calls in Set(calls.filter { $0.verb == verb }.map(\.address.name)) == names }
  }

  package func untilHeld(_ verb: Verb, count: Int) async {
    await until { calls in calls.filter { $0.verb == verb }.count == count }
  }

  private func until(_ isTrue: @escaping @Sendable ([Call]) -> Bool) async {
    await withCheckedContinuation { continuation in
      contents.withLock { $0.watchers.append((isTrue, continuation)) }
      wakeWatchers()
    }
  }

  private func wakeWatchers() {
    let ready = contents.withLock { contents in
      let held = Array(contents.gates.keys)
      let ready = contents.watchers.filter { $0.isTrue(held) }
      contents.watchers.removeAll { $0.isTrue(held) }
      return ready
    }
    for watcher in ready { watcher.continuation.resume() }
  }

  // MARK: What happened

  package var calls: [Call] { contents.withLock { $0.calls } }
  package var highWater: Int { contents.withLock { $0.highWater } }
  package var things: [Thing] { contents.withLock { $0.things.values.sorted { $0.id < $1.id } } }

  package func calls(_ verb: Verb) -> [String] {
    calls.filter { $0.verb == verb }.map(\.address.name)
  }

  package func forgetCalls() {
    contents.withLock {
      $0.calls = []
      $0.highWater = 0
    }
  }

  package func thing(_ name: String) -> Thing? { things.first { $0.address.name == name } }

  // MARK: What others do

  package func changeOutside(_ name: String, _ key: String, _ value: Value?) {
    contents.withLock { contents in
      for (id, thing) in contents.things where thing.address.name == name {
        guard case .object(var members) = thing.inputs else { continue }
        members[key] = value
        contents.things[id]?.inputs = .object(members)
      }
    }
  }

  package func deleteOutside(_ name: String) {
    contents.withLock { contents in contents.things = contents.things.filter { $0.value.address.name != name } }
  }

  // MARK: Calls

  /// Runs one call: counted, held, failed or cut off as scripted.
  func perform<Answer: Sendable>(
    _ call: Call, _ effect: @Sendable (FakeCloud) async throws -> Answer,
    told: @Sendable (Answer) async throws -> Void = { _ in }
  ) async throws -> Answer {
    let (killer, hook) = contents.withLock { contents in
      contents.calls.append(call)
      contents.running.append(call)
      contents.highWater = max(contents.highWater, contents.running.count)
      return (contents.killer, contents.hook)
    }
    defer {
      contents.withLock { contents in
        if let index = contents.running.firstIndex(of: call) { contents.running.remove(at: index) }
      }
    }
    try killer?.point()
    hook?(call)
    await passGate(call)
    let failure = takeFailure(call)
    if let failure, failure.moment == .before { throw failure.error }
    let answer = try await effect(self)
    try killer?.point()
    if let failure, failure.moment == .unheard { throw failure.error }
    try await told(answer)
    if let failure { throw failure.error }
    return answer
  }

  private func passGate(_ call: Call) async {
    guard contents.withLock({ $0.held.contains(call.verb) }) else { return }
    await withCheckedContinuation { continuation in
      let isHeld = contents.withLock { contents in
        guard contents.held.contains(call.verb) else { return false }
        contents.gates[call] = continuation
        return true
      }
      if !isHeld { continuation.resume() }
      wakeWatchers()
    }
  }

  private func takeFailure(_ call: Call) -> Failure? {
    contents.withLock { contents in
      guard var failure = contents.failures[call] else { return nil }
      failure.times -= 1
      contents.failures[call] = failure.times > 0 ? failure : nil
      return failure
    }
  }

  func make(_ inputs: Value, _ context: ResourceContext) -> Thing {
    contents.withLock { contents in
      contents.made += 1
      let thing = Thing(
        id: "id-\(contents.made)", address: context.address, token: context.token, tags: context.tags, inputs: inputs)
      contents.things[thing.id] = thing
      return thing
    }
  }

  func change(_ id: String, to inputs: Value) throws -> Thing {
    try contents.withLock { contents in
      guard var thing = contents.things[id] else { throw Diagnostic("NotFound") }
      thing.inputs = inputs
      thing.revision += 1
      contents.things[id] = thing
      return thing
    }
  }

  func remove(_ id: String) {
    contents.withLock { _ = $0.things.removeValue(forKey: id) }
  }

  func thing(id: String) -> Thing? { contents.withLock { $0.things[id] } }
}
