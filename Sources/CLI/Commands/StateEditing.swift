internal import ArgumentParser
internal import Cloud
internal import Engine
internal import Model

/// Changes the state by hand, under the lock; AWS stays as it is.
struct StateEdit: Sendable {
  let session: StackSession
  let command: String

  /// - Parameter edit: gives the records to set, or (nil) to remove.
  func apply(_ edit: (State) async throws -> [Address: StateResource?]) async throws {
    let changes = Changes(session: session, command: command, interruption: Interruption())
    let lock = LeaseLock(store: session.store, record: changes.record, isGone: ProcessIdentity.isGone)
    try await lock.acquire()
    do {
      let journal = try await Journal.open(
        store: session.store, stack: session.stack.name, producer: "mrhealth \(Version.current)",
        stillHeld: { try await lock.confirm() })
      try await journal.record(try await edit(await journal.state))
      try await lock.release()
    } catch {
      try? await lock.release()
      throw error
    }
  }

  static func address(_ text: String) throws(Diagnostic) -> Address {
    if let address = Address(text) { return address }
    throw Diagnostic("`\(text)` is not an address", detail: "expected e.g. s3.bucket.lake")
  }

  static func record(_ address: Address, in state: State) throws(Diagnostic) -> StateResource {
    if let record = state.resources[address] { return record }
    throw Diagnostic(
      "`\(address)` is not in the state",
      remedy: Suggestion.remedy(for: address.description, among: state.resources.keys.map(\.description)))
  }
}

extension StateCommand {
  struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take over a resource that exists in AWS, as one that the stack declares.")
    @OptionGroup var options: GlobalOptions
    @Argument(help: "Its address in the stack file.") var address: String
    @Argument(help: "AWS's id: a bucket's or role's name, a group's or cluster's id, a topic's ARN.") var id: String

    func run() async throws {
      let context = CommandContext(options)
      let session = try await StackSession.open(context)
      let target = try StateEdit.address(address)
      guard let declaration = session.graph.declarations[target] else {
        throw Diagnostic(
          "`\(address)` is not in the stack file",
          remedy: Suggestion.remedy(for: address, among: session.graph.order.map(\.description)))
      }
      try await StateEdit(session: session, command: "mrhealth state import").apply { state in
        guard state.resources[target] == nil else {
          throw Diagnostic("`\(address)` is in the state already", remedy: "See `mrhealth state show \(address)`.")
        }
        let importing = session.importing
        let wanted = try importing.wanted(declaration, state.resources)
        guard let record = try await importing.read(declaration, id: id, wanted: wanted) else {
          throw Diagnostic("AWS has no `\(id)`", address: target)
        }
        return [target: record]
      }
      context.terminal.print("\(address) is now managed; `mrhealth plan` shows what differs")
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Forget a resource; it stays in AWS and is no longer managed.")
    @OptionGroup var options: GlobalOptions
    @Argument(help: "Its address.") var address: String

    func run() async throws {
      let context = CommandContext(options)
      let session = try await StackSession.open(context)
      let target = try StateEdit.address(address)
      try await StateEdit(session: session, command: "mrhealth state rm").apply { state in
        _ = try StateEdit.record(target, in: state)
        return [target: .none]
      }
      context.terminal.print("\(address) is forgotten; AWS still has it")
    }
  }

  struct Move: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "mv", abstract: "Give a resource the address that it now has in the stack file.")
    @OptionGroup var options: GlobalOptions
    @Argument(help: "Its address in the state.") var from: String
    @Argument(help: "Its address in the stack file.") var to: String

    func run() async throws {
      let context = CommandContext(options)
      let session = try await StackSession.open(context)
      let (source, target) = (try StateEdit.address(from), try StateEdit.address(to))
      guard source.kind == target.kind else {
        throw Diagnostic("A resource cannot change its kind", detail: "\(source.kind) and \(target.kind)")
      }
      try await StateEdit(session: session, command: "mrhealth state mv").apply { state in
        var record = try StateEdit.record(source, in: state)
        guard state.resources[target] == nil else { throw Diagnostic("`\(to)` is in the state already") }
        record.address = target
        return [source: .none, target: record]
      }
      context.terminal.print("\(from) is now \(to)")
    }
  }

  struct Unlock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove the lock by hand. A holder that has died is found out without this.")
    @OptionGroup var options: GlobalOptions
    @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false

    func run() async throws {
      let context = CommandContext(options)
      let session = try await StackSession.open(context)
      guard let stored = try await session.store.readLock() else {
        return context.terminal.print("The stack is not locked")
      }
      let holder = LockRecord.decode(stored.bytes)?.holder ?? "someone unknown"
      context.terminal.note("Locked by \(holder)")
      guard try yes || Consent.ask("Is that command certainly not running any more?", context.terminal) else {
        throw Exit(status: .error)
      }
      try await session.store.deleteLock(stored.version)
      context.terminal.print("Unlocked")
    }
  }
}
