import Model

/// Intents to create (invariant 1), written for many resources at once.
///
/// Announcing more than can start at once is safe: an intent that nothing followed is withdrawn at the end, or,
/// after a crash, found by the next plan to have made nothing.
struct IntentBook {
  /// How many to write together with one that starts now.
  static let batch = 63

  typealias Entry = (prepared: PreparedChange, intent: StateResource, durable: Durability)

  private let environment: EngineEnvironment
  private let journal: Journal
  private var entries: [Address: Entry] = [:]

  init(environment: EngineEnvironment, journal: Journal) {
    self.environment = environment
    self.journal = journal
  }

  func contains(_ address: Address) -> Bool { entries[address] != nil }

  /// Begins to save the intents.
  mutating func announce(_ batch: [PreparedChange]) {
    let intents = batch.map(intent)
    let records = Dictionary(
      intents.map { ($0.address, StateResource?.some($0)) }, uniquingKeysWith: { first, _ in first })
    let durable = Durability(saving: records, in: journal)
    for (prepared, intent) in zip(batch, intents) { entries[intent.address] = (prepared, intent, durable) }
  }

  /// The announced create, which from now on is its taker's.
  mutating func take(_ address: Address) -> Entry? {
    entries.removeValue(forKey: address)
  }

  private func intent(_ prepared: PreparedChange) -> StateResource {
    let change = prepared.change
    return StateResource(
      address: change.address, status: .creating, token: environment.makeToken(), inputs: prepared.canonical,
      written: prepared.written, dependsOn: change.dependsOn, keep: change.keep, protect: change.protect,
      createdAt: environment.clock.now)
  }

  /// Removes the intents that nobody took.
  mutating func withdraw() async {
    let unused = entries
    entries = [:]
    for entry in unused.values { _ = await entry.durable.isSaved() }
    guard await journal.failure == nil, !unused.isEmpty else { return }
    _ = try? await journal.note(unused.mapValues { _ in StateResource?.none })
  }
}

/// A save under way that several wait for.
struct Durability: Sendable {
  private let task: Task<Bool, Never>

  init(saving records: [Address: StateResource?], in journal: Journal) {
    task = Task {
      do {
        try await journal.record(records)
        return true
      } catch {
        return false
      }
    }
  }

  func isSaved() async -> Bool { await task.value }
}
