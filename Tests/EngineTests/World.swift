import Engine
import Model
import Support

/// A cloud, a store and the commands of a user.
struct World: Sendable {
  let cloud = FakeCloud()
  let store = InMemoryStore()
  var clock: any EngineClock = InstantClock()
  var width: Int
  var interruption = Interruption()
  var events: EventHandler
  var variables: [String: Value] = ["account": "123456789012", "var.color": "blue"]

  var environment: EngineEnvironment {
    EngineEnvironment(
      stack: "shop",
      providers: [FakeProvider(cloud), FakeProvider(cloud, kind: "test.data", holdsData: true)],
      variables: { [variables] in variables[$0.text] }, tags: ["team": "data"], width: width, clock: clock,
      events: events, interruption: interruption)
  }

  init(width: Int = 16, events: @escaping EventHandler = { _ in }) {
    self.width = width
    self.events = events
  }

  func journal() async throws -> Journal {
    try await Journal.open(store: store, stack: "shop", producer: "test", clock: clock)
  }

  func plan(_ declarations: [ResourceDeclaration] = [], _ options: PlanOptions = .init()) async throws -> Plan {
    let state = try await store.loadState()?.state
    return try await Planner(environment, options: options).plan(try Graph(declarations), state: state)
  }

  @discardableResult
  func apply(_ plan: Plan, consented: Set<Address> = []) async throws -> ApplyResult {
    try await Applier(environment, journal: try await journal(), consented: consented).apply(plan)
  }

  /// Plans and applies, consenting to everything.
  @discardableResult
  func up(_ declarations: [ResourceDeclaration], _ options: PlanOptions = .init()) async throws -> ApplyResult {
    let plan = try await plan(declarations, options)
    return try await apply(plan, consented: Set(plan.needingConsent))
  }

  @discardableResult
  func destroy(_ options: PlanOptions = .init(mode: .destroy)) async throws -> ApplyResult {
    try await up([], options)
  }

  var state: State? {
    get async throws { try await store.loadState()?.state }
  }

  /// Changes the record of a resource behind the engine's back.
  func edit(_ address: Address, _ change: @Sendable (inout StateResource) -> Void) async throws {
    let journal = try await journal()
    try await journal.record { state in
      guard var record = state.resources[address] else { return }
      change(&record)
      state.resources[address] = record
    }
  }
}

func thing(_ name: String) -> Address { Address(kind: "test.thing", name: name) }

func declare(
  _ name: String, kind: String = "test.thing", _ inputs: Value = [:], dependsOn: [String] = [], protect: Bool = false,
  keep: Bool = false
) -> ResourceDeclaration {
  ResourceDeclaration(
    address: Address(kind: kind, name: name), inputs: inputs, dependsOn: dependsOn.map(thing), protect: protect,
    keep: keep, position: SourcePosition(file: "stack.yaml", line: 3, column: 5),
    positions: Dictionary(
      (inputs.object ?? [:]).keys.map { ([$0], SourcePosition(file: "stack.yaml", line: 4, column: 7)) },
      uniquingKeysWith: { first, _ in first }))
}

extension Plan {
  /// `["a": .create]`
  var actions: [String: Action] {
    Dictionary(changes.map { ($0.address.name, $0.action) }, uniquingKeysWith: { first, _ in first })
  }

  func named(_ name: String) -> ResourceChange? { changes.first { $0.address.name == name } }
}

extension ResourceChange {
  /// `["size: 1 -> 2"]`, `!` after what forces a replacement.
  var shown: [String] { attributes.map(\.shown) }
}

extension AttributeChange {
  var shown: String {
    func text(_ value: Value?) -> String {
      value.map { $0 == .unknown ? "(known after apply)" : $0.rendered } ?? "-"
    }
    return "\(name): \(text(old)) -> \(text(new))\(forcesReplacement ? "!" : "")"
  }
}
