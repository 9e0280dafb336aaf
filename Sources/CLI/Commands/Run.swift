internal import ArgumentParser
internal import AWS
internal import Cloud
internal import Engine
internal import FoundationEssentials
internal import Jobs
internal import Model

/// `mrhealth run`: one execution of the pipeline.
struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Run the pipeline for a business date.")

  @OptionGroup var options: GlobalOptions

  @Option(name: .long, help: ArgumentHelp("Business date; yesterday when left out.", valueName: "YYYY-MM-DD"))
  var date: String?

  @Option(name: .long, help: ArgumentHelp("First day of a period, with --to.", valueName: "YYYY-MM-DD"))
  var from: String?

  @Option(name: .long, help: ArgumentHelp("Last day of a period, with --from.", valueName: "YYYY-MM-DD"))
  var to: String?

  @Option(name: .long, help: ArgumentHelp("Folder of input data, instead of the stack's own.", valueName: "folder"))
  var data: String?

  @Option(name: .long, help: ArgumentHelp("Only this step; may be repeated.", valueName: "name"))
  var step: [String] = []

  func validate() throws {
    guard (from == nil) == (to == nil) else { throw ValidationError("--from and --to go together") }
    guard from == nil || date == nil else { throw ValidationError("either --date, or --from and --to") }
  }

  func run() async throws {
    let context = CommandContext(options)
    let session = try await StackSession.open(context)
    guard let pipeline = session.stack.pipeline else {
      throw Diagnostic("The stack has no pipeline", remedy: "Add `pipeline:` with its steps to \(session.stack.file).")
    }
    let last = try (to ?? date).map(BusinessDate.check) ?? BusinessDate.yesterday(zone: session.stack.timezone)
    let first = try from.map(BusinessDate.check) ?? last
    // As text they are in the order of the calendar.
    guard first <= last else {
      throw Diagnostic("The period ends before it begins", detail: "--from \(first) --to \(last)")
    }
    let steps = try chosen(pipeline)
    let interruption = Interruption()
    let preparation = RunPreparation(session: session, pipeline: pipeline, interruption: interruption)
    let view = RunView(context.terminal)
    let id = RunID(started: Date())
    let names = RunPreparation.Names(id: id, date: last, from: first, to: last)
    let work = Task { try await execute(preparation, names, steps, view) }
    let interrupts = Interrupts {
      interruption.interrupt()
      work.cancel()
    }
    defer { withExtendedLifetime(interrupts) {} }
    do {
      try report(try await work.value, context)
    } catch is CancellationError {
      view.end()
      context.terminal.note(
        "Interrupted. Steps that were submitted go on: `mrhealth runs` shows run \(id), `mrhealth status` its cluster, "
          + "which costs money until it has idled out or `mrhealth destroy` ends it.")
      throw Exit(status: .interrupted)
    }
  }

  private func chosen(_ pipeline: Pipeline) throws -> [StepDeclaration] {
    for name in step where !pipeline.steps.contains(where: { $0.name == name }) {
      throw Diagnostic(
        "The pipeline has no step `\(name)`", remedy: Suggestion.remedy(for: name, among: pipeline.steps.map(\.name)))
    }
    return step.isEmpty ? pipeline.steps : pipeline.steps.filter { step.contains($0.name) }
  }

  private func execute(
    _ preparation: RunPreparation, _ names: RunPreparation.Names, _ steps: [StepDeclaration], _ view: RunView
  ) async throws -> JobRun.Result {
    let session = preparation.session
    let terminal = session.context.terminal
    terminal.note("Run \(names.id) for " + (names.from == names.to ? names.to : "\(names.from) to \(names.to)"))
    try await preparation.uploadScripts()
    let outputs = try await preparation.outputs()
    let request = try JobRun.Request(
      stack: session.stack.name, date: names.date, from: names.from == names.to ? nil : names.from,
      startedBy: session.identity.arn,
      steps: steps.map { try $0.substituting { try preparation.lookup($0, outputs, run: names) } },
      data: try preparation.dataUpload(data, outputs), topic: preparation.topic(outputs),
      report: try preparation.report(outputs, run: names))
    let s3 = S3Client(session.client)
    let run = JobRun(
      emr: EMRClient(session.client), sns: SNSClient(session.client), logs: EMRLogs(s3),
      store: RunStore(s3: s3, bucket: session.stateBucket), clock: session.client.clock,
      ensureCluster: { try await preparation.cluster() })
    let ticker = view.startTicking()
    defer {
      ticker.cancel()
      view.end()
    }
    return try await run.execute(names.id, request, events: view.show)
  }

  private func report(_ result: JobRun.Result, _ context: CommandContext) throws {
    if options.json { context.printJSON(result.record) }
    guard result.record.outcome != .succeeded else {
      if !options.json { context.terminal.print("Run \(result.record.id) succeeded.") }
      return
    }
    let diagnosis = result.diagnosis
    var detail = diagnosis?.place.map { "in \($0)\n" } ?? ""
    detail += (diagnosis?.excerpt ?? []).map { "| \($0)" }.joined(separator: "\n")
    DiagnosticView(context.terminal).show([
      Diagnostic(
        "Run \(result.record.id) \(result.record.outcome.rawValue): \(result.record.cause ?? "unknown")",
        detail: detail,
        remedy: result.log.map { "The step's logs: \($0)" } ?? "")
    ])
    throw Exit(status: .runFailed)
  }
}
