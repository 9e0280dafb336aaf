internal import AWS
internal import Cloud
internal import Engine
internal import Jobs
internal import Model

/// What a run needs of the infrastructure: scripts uploaded, a cluster that takes steps.
struct RunPreparation: Sendable {
  let session: StackSession
  let pipeline: Pipeline
  let interruption: Interruption

  private var changes: Changes {
    Changes(session: session, command: "mrhealth run", lockTimeout: .seconds(600), interruption: interruption)
  }

  /// Brings the stack's uploads up to date; everything else must be there.
  func uploadScripts() async throws {
    guard let state = try await session.state(), state.resources[pipeline.cluster] != nil else {
      throw Diagnostic(
        "The stack is not up", detail: "\(session.store.location) knows no cluster", remedy: "Run `mrhealth up` first.")
    }
    let uploads = session.graph.order.filter { $0.kind == "s3.upload" }
    guard !uploads.isEmpty else { return }
    let options = PlanOptions(targets: uploads)
    try await apply(try await session.plan(options, state: state), options)
  }

  private func apply(_ plan: Plan, _ options: PlanOptions) async throws {
    guard plan.errors.isEmpty else { throw Diagnostics(plan.errors) }
    guard plan.hasChanges else { return }
    if let loss = plan.needingConsent.first {
      throw Diagnostic("A run does not replace what holds data", remedy: "Look at `mrhealth plan`.", address: loss)
    }
    guard let outcome = try await changes.apply(plan, options: options) else { return }
    if outcome.result.interrupted { throw CancellationError() }
    guard !outcome.result.isComplete else { return }
    throw Diagnostics(outcome.result.failed.map(\.diagnostic) + [outcome.result.stopped].compactMap(\.self))
  }

  func outputs() async throws -> [Address: Value] {
    try await session.state()?.resources.mapValues(\.outputs) ?? [:]
  }

  /// What `${run...}` refers to.
  struct Names {
    var id = RunID("")
    var date = ""
    /// The first and the last day; of a run for one day both are that.
    var from = ""
    var to = ""
  }

  func lookup(_ reference: Reference, _ outputs: [Address: Value], run: Names) throws -> Value {
    switch reference.path {
    case ["run", "date"]: return .string(run.date)
    case ["run", "from"]: return .string(run.from)
    case ["run", "to"]: return .string(run.to)
    case ["run", "id"]: return .string(run.id.text)
    default: break
    }
    if reference.path.first == "run" {
      throw Diagnostic(
        "`${\(reference)}` refers to nothing", remedy: "Known are ${run.date}, ${run.from}, ${run.to} and ${run.id}.")
    }
    if let value = session.variable(reference) { return value }
    if let address = reference.address, let value = outputs[address]?.at(reference.attribute) { return value }
    throw Diagnostic("`${\(reference)}` is not there yet", remedy: "Run `mrhealth up` first.")
  }

  /// - Parameter folder: from `--data`, relative to the working folder.
  func dataUpload(_ folder: String?, _ outputs: [Address: Value]) throws -> DataUpload? {
    guard let data = pipeline.data else {
      guard folder == nil else {
        throw Diagnostic("The pipeline takes no data", remedy: "Add `data:` to the stack's pipeline.")
      }
      return nil
    }
    let target = try Value.string(data.to).substituting { try lookup($0, outputs, run: Names()) }
    let source = folder ?? (data.from.hasPrefix("/") ? data.from : "\(session.stack.folder)/\(data.from)")
    guard let upload = DataUpload(s3: S3Client(session.client), folder: source, target: target.scalarText ?? "") else {
      throw Diagnostic("`pipeline.data.to` must be an s3:// prefix", detail: "found \"\(data.to)\"")
    }
    return upload
  }

  func report(_ outputs: [Address: Value], run: Names) throws -> String? {
    try pipeline.report.map { try Value.string($0).substituting { try lookup($0, outputs, run: run) } }?.scalarText
  }

  func topic(_ outputs: [Address: Value]) -> String? {
    pipeline.notify.flatMap { outputs[$0]?["arn"]?.string }
  }

  /// The stack's cluster if it lives; otherwise another is launched in its place (invariant 6).
  func cluster() async throws -> JobRun.Cluster {
    if let live = try await liveCluster() { return live }
    let state = try await session.state()
    if state?.resources[pipeline.cluster]?.status == .creating {
      // A launch that was cut short has made one, or nothing: looking comes before launching (invariant 2).
      try await bring(PlanOptions(targets: [pipeline.cluster]), state)
    } else {
      session.context.terminal.note("The cluster has ended; launching another")
      try await bring(PlanOptions(targets: [pipeline.cluster], relaunch: [pipeline.cluster]), state)
    }
    if let live = try await liveCluster() { return live }
    throw Diagnostic("The cluster could not be launched", address: pipeline.cluster)
  }

  private func bring(_ options: PlanOptions, _ state: State?) async throws {
    try await apply(try await session.plan(options, state: state), options)
  }

  private func liveCluster() async throws -> JobRun.Cluster? {
    guard let made = try await outputs()[pipeline.cluster], let id = made["id"]?.string,
      let cluster = try await EMRClient(session.client).describeCluster(id), cluster.state.acceptsSteps
    else { return nil }
    return JobRun.Cluster(id: id, logUri: made["log_uri"]?.string ?? cluster.logUri ?? "")
  }
}
