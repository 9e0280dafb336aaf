internal import ArgumentParser
internal import AWS
internal import Cloud
internal import Engine
internal import FoundationEssentials
internal import Model

/// Puts a whole state in the place of the stored one, under the lock.
struct StateReplacement: Sendable {
  let session: StackSession
  let command: String

  /// - Parameter make: from what is stored now, which may be damaged, or nil. Nil: leave it as it is.
  /// - Returns: what was written.
  func apply(_ make: (StoredObject?) async throws -> State?) async throws -> State? {
    try await session.ensureStateBucket()
    let changes = Changes(session: session, command: command, interruption: Interruption())
    let lock = LeaseLock(store: session.store, record: changes.record, isGone: ProcessIdentity.isGone)
    try await lock.acquire()
    do {
      let stored = try await session.store.load()
      guard var state = try await make(stored) else {
        try await lock.release()
        return nil
      }
      let before = stored.flatMap { try? State.decode($0.bytes, location: session.store.location) }
      state.serial = max(state.serial, before?.serial ?? 0) + 1
      state.updatedAt = Date().wholeSeconds
      state.producer = "mrhealth \(Version.current)"
      try await lock.confirm()
      do {
        _ = try await session.store.save(try state.encoded(), replacing: stored?.version)
      } catch is StateConflict {
        throw Diagnostic("The state was changed meanwhile", detail: session.store.location, remedy: "Run it again.")
      }
      try await lock.release()
      return state
    } catch {
      try? await lock.release()
      throw error
    }
  }

  /// The stored state; nil when there is none.
  /// - Throws: `Diagnostic` when it is damaged.
  func decode(_ stored: StoredObject?) throws -> State? {
    try stored.map { try State.decode($0.bytes, location: session.store.location) }
  }

  /// - Throws: `Diagnostic` when it is another stack's.
  func check(_ state: State, from place: String) throws(Diagnostic) {
    guard state.stack == session.stack.name else {
      throw Diagnostic(
        "The state is of another stack", detail: "\(place) is of \"\(state.stack)\", this is \"\(session.stack.name)\"")
    }
  }
}

extension StateCommand {
  struct History: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The versions of the state that the bucket keeps.")
    @OptionGroup var options: GlobalOptions
    @Option(name: .long, help: "How many, newest first.") var limit = 20

    func validate() throws {
      guard (1...1000).contains(limit) else { throw ValidationError("--limit takes 1 to 1000") }
    }

    private struct Entry: Encodable {
      var version: String
      var savedAt: Date?
      var current: Bool
      /// Nil: the version is damaged.
      var serial: Int?
      var resources: Int?
      var producer: String?
    }

    func run() async throws {
      let context = CommandContext(options)
      let session = try await StackSession.open(context)
      let store = session.store
      let versions = try await store.history(limit: limit)
      let entries = try await concurrently(versions, limit: 8) { version in
        let state = try await store.load(id: version.id).flatMap { try? State.decode($0, location: store.location) }
        return Entry(
          version: version.id, savedAt: version.savedAt, current: version.isCurrent, serial: state?.serial,
          resources: state?.resources.count, producer: state?.producer)
      }
      if options.json { return context.printJSON(entries) }
      guard !entries.isEmpty else { return context.terminal.print("There is no state at \(store.location)") }
      var table = Table(headers: ["VERSION", "SAVED", "SERIAL", "RESOURCES", "BY"])
      table.rows = entries.map { entry in
        [
          entry.version + (entry.current ? " (current)" : ""), entry.savedAt?.formatted(.iso8601) ?? "",
          entry.serial.map(String.init) ?? "damaged", entry.resources.map(String.init) ?? "", entry.producer ?? "",
        ]
      }
      context.terminal.print(table.lines(context.terminal).joined(separator: "\n"))
    }
  }

  struct Rollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make an earlier version the state again. AWS stays as it is: `plan` then shows what differs.")
    @OptionGroup var options: GlobalOptions
    @Argument(help: "A version of `mrhealth state history`.") var version: String
    @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false

    func run() async throws {
      let context = CommandContext(options)
      let session = try await StackSession.open(context)
      let replacement = StateReplacement(session: session, command: "mrhealth state rollback")
      let written = try await replacement.apply { stored in
        guard let bytes = try await session.store.load(id: version) else {
          throw Diagnostic(
            "The state has no version `\(version)`", detail: session.store.location,
            remedy: "See `mrhealth state history`.")
        }
        let old = try State.decode(bytes, location: "\(session.store.location), version \(version)")
        try replacement.check(old, from: version)
        let now = stored.flatMap { try? State.decode($0.bytes, location: session.store.location) }
        let lost = Set((now?.resources ?? [:]).keys).subtracting(old.resources.keys).sorted()
        if !lost.isEmpty {
          context.terminal.note("That version does not know: \(lost.map(\.description).joined(separator: ", "))")
          context.terminal.note("What of these is still in AWS comes back with `mrhealth state rebuild`.")
        }
        return try yes || Consent.ask("Go back to serial \(old.serial)?", context.terminal) ? old : nil
      }
      guard let written else { throw Exit(status: .error) }
      context.terminal.print(
        "The state is that of version \(version), now serial \(written.serial). `mrhealth plan` shows what differs.")
    }
  }

  struct Push: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Store a state file, such as one that was rescued when it could not be saved.")
    @OptionGroup var options: GlobalOptions
    @Argument(help: "The file.") var file: String
    @Flag(name: .long, help: "Also over a newer state, or one of another lineage.") var force = false

    func run() async throws {
      let context = CommandContext(options)
      let session = try await StackSession.open(context)
      let bytes = try InputFile.read(file, limit: LocalDocument.sizeLimit)
      let state = try State.decode(bytes, location: file)
      let replacement = StateReplacement(session: session, command: "mrhealth state push")
      try replacement.check(state, from: file)
      let written = try await replacement.apply { stored in
        if force { return state }
        guard let now = try replacement.decode(stored) else { return state }
        if now.resources == state.resources, now.lineage == state.lineage { return nil }
        guard now.lineage == state.lineage, state.serial > now.serial else {
          let why =
            now.lineage == state.lineage
            ? "the stored state has serial \(now.serial), the file \(state.serial): it was changed since"
            : "it has lineage \(now.lineage), the file \(state.lineage): another life of the stack"
          throw Diagnostic(
            "The file is not the successor of the stored state", detail: why,
            remedy: "Compare it with `mrhealth state pull`; `--force` stores it all the same, and `mrhealth state "
              + "history` keeps what it replaces.")
        }
        return state
      }
      guard let written else { return context.terminal.print("The state is that of \(file) already.") }
      context.terminal.print("Stored \(written.resources.count) resources as serial \(written.serial).")
    }
  }

  struct Rebuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Find again, by tags and names, what AWS has and the state does not know.")
    @OptionGroup var options: GlobalOptions
    @Flag(name: .long, help: "Begin with an empty state, even if there is one.") var replace = false

    private struct Document: Encodable {
      var version = 1
      var recovered: [StateResource]
      var missing: [String]
      var warnings: [String]
    }

    func run() async throws {
      let context = CommandContext(options)
      let session = try await StackSession.open(context)
      let environment = session.environment()
      let replacement = StateReplacement(session: session, command: "mrhealth state rebuild")
      var result = Rebuilder.Result()
      _ = try await replacement.apply { stored in
        var known: State?
        do {
          if !replace { known = try replacement.decode(stored) }
        } catch var damage as Diagnostic {
          damage.remedy = "Go back to a version of `mrhealth state history`, or begin anew with --replace."
          throw damage
        }
        if let known { try replacement.check(known, from: session.store.location) }
        let found = try await Discovery(session.client).find(stack: session.stack.name)
        result = try await Rebuilder(environment).rebuild(session.graph, found: found, known: known)
        guard !result.records.isEmpty || replace else { return nil }
        var state = known ?? State(stack: session.stack.name)
        for record in result.records { state.resources[record.address] = record }
        return state
      }
      show(result, context)
    }

    private func show(_ result: Rebuilder.Result, _ context: CommandContext) {
      if options.json {
        return context.printJSON(
          Document(
            recovered: result.records, missing: result.missing.map(\.description),
            warnings: result.warnings.map(\.summary)))
      }
      DiagnosticView(context.terminal).show(result.warnings)
      var table = Table(headers: ["ADDRESS", "ID"])
      table.rows = result.records.map { [$0.address.description, $0.id ?? ""] }
      if !table.rows.isEmpty { context.terminal.print(table.lines(context.terminal).joined(separator: "\n")) }
      if !result.missing.isEmpty {
        context.terminal.note("Not in AWS: \(result.missing.map(\.description).joined(separator: ", "))")
      }
      context.terminal.print(
        result.records.isEmpty
          ? "AWS has nothing that the state does not know."
          : "Recovered \(result.records.count) resources. `mrhealth plan` shows what differs.")
    }
  }
}
