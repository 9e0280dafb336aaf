internal import ArgumentParser
internal import AWS
internal import Cloud
internal import Engine
internal import Model

/// `mrhealth adopt`: takes over what a Terraform state describes.
struct Adopt: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take over what an existing Terraform state describes.",
    discussion: """
      Reads a Terraform state (format version 4) and records in mrhealth's state what both it and the stack file \
      describe, as AWS has it. Changes nothing in AWS: `mrhealth plan` then shows what differs, and the next \
      `mrhealth up` puts the stack's tags on what was taken over. Nothing of the Terraform state but ids is kept.

      `terraform state pull | mrhealth adopt -` leaves no copy of a remote state on the disk.
      """)

  @OptionGroup var options: GlobalOptions

  @Flag(name: .customLong("dry-run"), help: "Show what would be taken over; record nothing.")
  var dryRun = false

  @Argument(help: "The Terraform state, e.g. terraform.tfstate; - for standard input.")
  var file: String

  func run() async throws {
    let context = CommandContext(options)
    let terraform = try TerraformState(
      InputFile.read(file, limit: TerraformState.largest), file: file == "-" ? "Standard input" : file)
    let session = try await StackSession.open(context)
    let adoption = Adoption(session.importing, account: session.identity.account, region: session.client.region)

    let adopted: AdoptionPlan
    var state: State
    if dryRun {
      let stored = try await session.state()
      adopted = try await adoption.plan(terraform, state: stored)
      state = stored ?? State(stack: session.stack.name)
    } else {
      try await checkStateBucket(session)
      (adopted, state) = try await record(adoption, terraform, session)
    }
    state.resources.merge(adopted.records) { $1 }
    let next = await nextPlan(session, state)
    let view = AdoptView(context.terminal)
    if options.json {
      context.printJSON(AdoptDocument(session.stack.name, adopted, terraform, dryRun: dryRun, next: next))
    } else {
      context.terminal.print(view.lines(adopted, terraform, dryRun: dryRun, next: next).joined(separator: "\n"))
    }
    DiagnosticView(context.terminal).show(view.warnings(adopted, dryRun: dryRun))
  }

  /// All of it in one write of the state, or nothing.
  private func record(
    _ adoption: Adoption, _ terraform: TerraformState, _ session: StackSession
  ) async throws -> (AdoptionPlan, State) {
    var made: (AdoptionPlan, State)?
    try await StateEdit(session: session, command: "mrhealth adopt").apply { state in
      let plan = try await adoption.plan(terraform, state: state)
      made = (plan, state)
      return plan.records.mapValues { .some($0) }
    }
    guard let made else { throw Diagnostic("Nothing was taken over") }
    return made
  }

  /// This command makes nothing in AWS: not the bucket of its own state either.
  private func checkStateBucket(_ session: StackSession) async throws {
    let isThere: Bool
    do {
      isThere = try await S3Client(session.client).headBucket(session.stateBucket) != nil
    } catch {
      throw Diagnostic(explaining: error)
    }
    guard !isThere else { return }
    throw Diagnostic(
      "The bucket of the state does not exist: \(session.stateBucket)",
      detail: "what is taken over is recorded there, and this command makes nothing in AWS",
      remedy: "Make it with `mrhealth up --target \(session.stack.state)`, then adopt again.")
  }

  /// nil when it cannot be made, which the next `mrhealth plan` explains.
  private func nextPlan(_ session: StackSession, _ state: State) async -> Plan? {
    try? await session.plan(PlanOptions(), state: state)
  }
}

extension StackSession {
  /// Makes records of what AWS has already.
  var importing: ResourceImport {
    ResourceImport(
      stack: stack.name, graph: graph, providers: environment().providers, variable: { self.variable($0) })
  }
}
