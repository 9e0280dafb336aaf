import Model

/// A plan in the making: decides one resource after the other, in an order in which what a resource refers to
/// has been decided before it.
struct PlanDraft {
  let environment: EngineEnvironment
  let options: PlanOptions
  let scope: PlanScope
  let readings: [Address: Reading]

  private(set) var changes: [ResourceChange] = []
  private(set) var variables: [String: Value] = [:]
  /// Of the plan: what forbids applying it, and warnings.
  private(set) var diagnostics: [Diagnostic] = []
  /// What makes planning impossible.
  private(set) var problems: [Diagnostic] = []
  private var attributes: [Address: Attributes] = [:]
  /// Canonical inputs of what will be created, to find renames.
  private var created: [Address: Value] = [:]

  init(environment: EngineEnvironment, options: PlanOptions, scope: PlanScope, readings: [Address: Reading]) {
    self.environment = environment
    self.options = options
    self.scope = scope
    self.readings = readings
  }

  // MARK: Declared

  mutating func planDeclared(_ address: Address) {
    guard let declaration = scope.graph.declarations[address] else { return }
    do {
      let provider = try environment.provider(for: address)
      guard let raw = resolve(declaration) else {
        attributes[address] = .unknown
        return
      }
      // Not `nil`: a Value can be made of that.
      let canonical: Value? = raw.containsUnknown ? .none : .some(try provider.normalize(raw))
      var change = decide(declaration, provider, raw: raw, canonical: canonical)
      change.inputs = declaration.inputs
      change.desired = raw
      change.canonical = canonical
      change.dependsOn = scope.graph.dependencies(of: address)
      change.keep = declaration.keep
      change.protect = declaration.protect
      judgeLoss(&change, provider, position: declaration.position)
      remember(change, inputs: canonical ?? raw)
      if change.action == .create { created[address] = canonical }
      changes.append(change)
    } catch {
      problems.append(declaration.locating(error))
      attributes[address] = .unknown
    }
  }

  /// References filled in as far as they are known; nil after a problem.
  private mutating func resolve(_ declaration: ResourceDeclaration) -> Value? {
    let count = problems.count
    let raw = declaration.inputs.substituting { reference -> Value? in
      do {
        if let address = reference.address {
          return try (attributes[address] ?? .unknown).value(of: reference)
        }
        let value = try environment.variable(reference)
        variables[reference.text] = value
        return value
      } catch {
        problems.append(declaration.locating(error, reference: reference))
        return .unknown
      }
    }
    return problems.count == count ? raw : .none
  }

  private func decide(
    _ declaration: ResourceDeclaration, _ provider: any ResourceProvider, raw: Value, canonical: Value?
  ) -> ResourceChange {
    let address = declaration.address
    guard let record = scope.records[address] else {
      return ResourceChange(address: address, action: .create, attributes: Difference.between(nil, raw))
    }
    guard case .present(let id, let observed) = readings[address] else {
      return recreate(record, raw)
    }
    let comparison =
      if let canonical {
        Comparison(canonical: canonical, observed: observed, provider: provider)
      } else {
        Comparison(partial: raw, record: record, observed: observed, provider: provider)
      }
    var change = ResourceChange(
      address: address, action: .noChange, id: id, attributes: comparison.attributes, observed: observed)
    if record.status == .created { change.drift = Difference.between(record.inputs, observed.inputs) }
    (change.action, change.reason) = judge(comparison, record, provider)
    change.deleteFirst = !options.relaunch.contains(address)
    return change
  }

  /// It was recorded and is not there.
  private func recreate(_ record: StateResource, _ raw: Value) -> ResourceChange {
    var change = ResourceChange(
      address: record.address, action: .create, attributes: Difference.between(nil, raw))
    switch record.status {
    case .created, .failed:
      change.reason = "it was deleted outside"
      change.drift = [AttributeChange(path: ["id"], old: record.id.map(Value.string), new: nil)]
    case .creating: change.reason = "its creation had been begun but made nothing"
    case .deleting: change.reason = "its deletion was finished, its replacement was not made"
    }
    return change
  }

  private func judge(
    _ comparison: Comparison, _ record: StateResource, _ provider: any ResourceProvider
  ) -> (Action, reason: String?) {
    if options.relaunch.contains(record.address) { return (.replace, "the old one has ended") }
    if options.replace.contains(record.address) { return (.replace, "asked for") }
    // What holds data is mended in place rather than thrown away for a hitch in its making or unmaking.
    if !provider.holdsData {
      if record.status == .failed { return (.replace, "its creation failed half-way") }
      if record.status == .deleting { return (.replace, "its deletion was begun and not finished") }
    }
    if comparison.forcesReplacement {
      let names = Set(comparison.attributes.filter(\.forcesReplacement).compactMap(\.path.first)).sorted()
      return (.replace, "\(names.joined(separator: ", ")) cannot be changed in place")
    }
    switch record.status {
    case .created: return comparison.attributes.isEmpty ? (.noChange, nil) : (.update, nil)
    case .creating: return (.adopt, "its creation had been begun and made it")
    case .failed: return (.adopt, "its creation failed half-way; it is completed")
    case .deleting: return (.adopt, "its deletion was begun and not finished; it is completed again")
    }
  }

  /// What later resources can refer to.
  private mutating func remember(_ change: ResourceChange, inputs: Value) {
    switch change.action {
    case .create, .replace:
      attributes[change.address] = Attributes(id: nil, outputs: nil, inputs: inputs)
    default:
      attributes[change.address] = Attributes(
        id: change.id, outputs: change.observed?.outputs ?? [:], inputs: inputs,
        changing: Set(change.attributes.compactMap(\.path.first)))
    }
  }

  // MARK: Leaving

  /// Not declared any more, or all is to go.
  mutating func planLeaving(_ address: Address) {
    guard let record = scope.records[address] else { return }
    let declaration = scope.graph.declarations[address]
    var change = ResourceChange(
      address: address, action: .forget, id: record.id, dependsOn: record.dependsOn,
      keep: declaration?.keep ?? record.keep, protect: declaration?.protect ?? record.protect)
    if let reason = scope.kept[address] {
      change.action = .keep
      change.reason = options.mode == .up ? "\(reason); the stack file no longer has it" : reason
    } else if case .present(let id, let observed) = readings[address] {
      change.action = .delete
      change.id = id
      change.observed = observed
      change.reason = options.mode == .up ? "the stack file no longer has it" : nil
      if record.status == .created { change.drift = Difference.between(record.inputs, observed.inputs) }
    } else {
      change.reason = "it is already gone"
    }
    if let provider = environment.providers[address.kind] {
      judgeLoss(&change, provider, position: declaration?.position)
    }
    changes.append(change)
  }

  /// Consent and `protect`.
  private mutating func judgeLoss(
    _ change: inout ResourceChange, _ provider: any ResourceProvider, position: SourcePosition?
  ) {
    guard change.action == .delete || (change.action == .replace && change.deleteFirst) else { return }
    change.needsConsent = provider.holdsData
    // A record that says so stands as well, until an `up` has taken it off.
    guard change.protect || (scope.records[change.address]?.protect ?? false) else { return }
    let verb = change.action == .delete ? "deleted" : "replaced"
    diagnostics.append(
      Diagnostic(
        "\(change.address) is protected and would be \(verb)", detail: change.reason ?? "",
        remedy: "Take `protect` off it and run `mrhealth up` first, or leave it out with --target.",
        address: change.address, position: position))
  }

  // MARK: Refresh only

  mutating func planRefresh(_ address: Address) {
    guard let record = scope.records[address], scope.kept[address] == nil else { return }
    var change = ResourceChange(
      address: address, action: .noChange, id: record.id, dependsOn: record.dependsOn, keep: record.keep,
      protect: record.protect)
    if case .present(let id, let observed) = readings[address] {
      change.id = id
      change.observed = observed
      change.drift = Difference.between(record.inputs, observed.inputs)
    } else {
      change.action = .forget
      change.reason = "it was deleted outside"
      change.drift = [AttributeChange(path: ["id"], old: record.id.map(Value.string), new: nil)]
    }
    changes.append(change)
  }

  // MARK: Renames

  /// A name that leaves and one that comes with the same inputs are one resource, renamed.
  mutating func warnOfRenames() {
    for change in changes where change.action == .delete {
      guard let record = scope.records[change.address] else { continue }
      let twins = created.filter { $0.key.kind == record.address.kind && Difference.isSame($0.value, record.inputs) }
      guard twins.count == 1, let twin = twins.first?.key else { continue }
      diagnostics.append(
        Diagnostic(
          "\(change.address) would be deleted and \(twin) created with the same inputs",
          detail: "If it was only renamed, its record can be renamed as well.",
          remedy: "mrhealth state mv \(change.address) \(twin)", address: twin,
          position: scope.graph.declarations[twin]?.position, severity: .warning))
    }
  }
}
