import Model
import Synchronization

/// A change with everything that was found out just before starting it.
struct PreparedChange: Sendable {
  var change: ResourceChange
  /// Inputs as written, references filled in.
  var written: Value = [:]
  /// In canonical form.
  var canonical: Value = [:]
  /// The record before.
  var previous: StateResource?
  var mode: Plan.Mode

  /// The record of the resource once it exists with these inputs.
  func record(id: String, outputs: Value) -> StateResource {
    var record = StateResource(
      address: change.address, id: id, status: .created, token: previous?.token, inputs: canonical, written: written,
      outputs: outputs, dependsOn: change.dependsOn, keep: change.keep, protect: change.protect)
    record.createdAt = previous?.createdAt
    return record
  }
}

/// How one operation ended.
enum WorkOutcome: Sendable {
  case done(id: String?, Attributes?)
  case failed(Diagnostic)
  /// Its intent could not be saved, so nothing was sent.
  case notStarted
  /// Stopped by an interrupt while it was waiting: the next `up` goes on with it.
  case interrupted(id: String?)
}

/// Carries out single operations against a provider and the journal.
struct ResourceWork: Sendable {
  let environment: EngineEnvironment
  let journal: Journal
  let progress: @Sendable (String) -> Void

  // MARK: Create

  /// The intent is durable before this is called. What becomes of it on failure: see `CreateFailure`.
  func create(_ prepared: PreparedChange, intent: StateResource) async -> WorkOutcome {
    let address = intent.address
    let learned = Mutex<String?>(nil)
    let context = environment.context(
      for: address, token: intent.token ?? "", progress: progress,
      created: { [journal] id in
        learned.withLock { $0 = id }
        var record = intent
        record.id = id
        try await journal.record([address: record])
      })
    do {
      let provider = try environment.provider(for: address)
      let made = try await provider.create(prepared.canonical, context: context)
      var record = prepared.record(id: made.id, outputs: made.outputs)
      record.token = intent.token
      record.createdAt = intent.createdAt
      // Failing to save is seen by whoever asks the journal; the resource is there all the same.
      _ = try? await journal.note([address: record])
      return .done(id: made.id, Attributes(id: made.id, outputs: made.outputs, inputs: prepared.canonical))
    } catch {
      let id = learned.withLock { $0 }
      await settle(intent, prepared, id: id, error)
      if error is CancellationError { return .interrupted(id: id) }
      return .failed(Diagnostic(wrapping: error).at(address))
    }
  }

  /// After a failed create: what the record says from now on.
  private func settle(_ intent: StateResource, _ prepared: PreparedChange, id: String?, _ error: any Error) async {
    // Then nothing is known about what the provider would have said.
    guard await journal.failure == nil else { return }
    let isInterrupt = error is CancellationError
    let remains = (error as? CreateFailure)?.remains ?? (id == nil || isInterrupt ? .unfinished : .broken)
    switch remains {
    case .nothing:
      // An instance that has ended stays on record, as if nothing had been tried.
      let isRelaunch = prepared.change.action == .replace && !prepared.change.deleteFirst
      _ = try? await journal.note([intent.address: isRelaunch ? prepared.previous : .none])
    case .unfinished: break
    case .broken:
      guard let id else { return }
      var record = intent
      record.id = id
      record.status = .failed
      _ = try? await journal.note([intent.address: record])
    }
  }

  // MARK: Update

  /// Also completes what was adopted. Changes nothing in AWS if, with everything known, nothing differs.
  func update(_ prepared: PreparedChange) async -> WorkOutcome {
    let change = prepared.change
    guard let id = change.id, let observed = change.observed else {
      return .failed(Diagnostic("The plan does not say what to change", address: change.address))
    }
    do {
      let provider = try environment.provider(for: change.address)
      let comparison = Comparison(canonical: prepared.canonical, observed: observed, provider: provider)
      if comparison.forcesReplacement {
        let names = Set(comparison.attributes.filter(\.forcesReplacement).map(\.name)).sorted()
        throw Diagnostic(
          "It has to be replaced, which the plan did not say",
          detail:
            "Now that all values are known, \(names.joined(separator: ", ")) would have to change, which cannot be "
            + "done in place.",
          remedy: "Run `mrhealth up` again: the new plan shows it.")
      }
      var outputs = observed.outputs
      if !comparison.attributes.isEmpty {
        let context = environment.context(
          for: change.address, token: prepared.previous?.token ?? "", progress: progress)
        outputs = try await provider.update(id, from: observed.inputs, to: prepared.canonical, context: context)
      }
      _ = try? await journal.note([change.address: prepared.record(id: id, outputs: outputs)])
      return .done(id: id, Attributes(id: id, outputs: outputs, inputs: prepared.canonical))
    } catch is CancellationError {
      return .interrupted(id: id)
    } catch {
      return .failed(Diagnostic(wrapping: error).at(change.address))
    }
  }

  // MARK: Delete

  func delete(_ prepared: PreparedChange) async -> WorkOutcome {
    let change = prepared.change
    guard let id = change.id, var record = prepared.previous else {
      return .failed(Diagnostic("The plan does not say what to delete", address: change.address))
    }
    do {
      let provider = try environment.provider(for: change.address)
      // Durable first, so that what is half-way gone is never taken for whole.
      record.id = id
      record.status = .deleting
      do {
        try await journal.record([change.address: record])
      } catch {
        return .notStarted
      }
      let context = environment.context(for: change.address, token: record.token ?? "", progress: progress)
      try await provider.delete(id, recorded: record.inputs, context: context)
      _ = try? await journal.note([change.address: nil])
      return .done(id: id, nil)
    } catch is CancellationError {
      return .interrupted(id: id)
    } catch {
      return .failed(Diagnostic(wrapping: error).at(change.address))
    }
  }
}
