internal import AWS
internal import Engine
internal import Model

/// `emr.cluster`: a cluster that takes steps until it idles too long. The id is EMR's (`j-...`).
///
/// RunJobFlow has no idempotency token: ours goes into the cluster as a tag, and a launch whose answer
/// was lost is looked for before anything is asked for again (invariants 1 and 2). A cluster that has
/// ended is not missing (invariant 6): it shows no drift, and a run launches another.
struct EMRCluster: Kind {
  struct Outputs: Codable, Sendable {
    var id: String
    var name: String
    var state: String
    var logUri: String

    enum CodingKeys: String, CodingKey {
      case id, name, state
      case logUri = "log_uri"
    }
  }

  /// Everything but what EMR can change on a live cluster.
  static let replacing: Set<String> = Set(definition.inputs.map(\.name)).subtracting([
    "step_concurrency", "idle_timeout_minutes", "runs_forever", "termination_protection", "tags",
  ])

  let emr: EMRClient
  let logs: EMRLogs
  let clock: any AWSClock

  func validate(_ inputs: Inputs) throws(Diagnostic) -> Inputs { try inputs.checked() }

  func read(
    _ id: String, recorded: Inputs, outputs: Outputs?, context: ResourceContext
  ) async throws -> Observed<Self>? {
    guard let cluster = try await emr.describeCluster(id) else { return nil }
    var now = Observed<Self>(inputs: recorded, outputs: Self.outputs(cluster))
    // What cannot be changed on a cluster cannot drift either; of an ended one nothing matters any more.
    guard cluster.state.acceptsSteps else { return now }
    // Of a cluster that is taken over nothing is known yet; an unfinished launch of ours is known by its token.
    if outputs == nil, context.token.isEmpty { now.inputs = try await describe(cluster, as: recorded) }
    let idle = try await emr.getAutoTerminationPolicy(id)
    now.missingTags = Tags.missing(in: cluster.tagValues, context.tags)
    now.inputs.tags = Tags.users(cluster.tagValues)
    now.inputs.stepConcurrency = cluster.stepConcurrencyLevel ?? 1
    now.inputs.terminationProtection = cluster.terminationProtected ?? false
    // Rounded up: what is not whole minutes was set by somebody else, and must not pass for what was written.
    now.inputs.idleTimeoutMinutes = idle.map { ($0.idleTimeout + 59) / 60 }
    return now
  }

  /// What was launched only just now may not be listed yet: then it is looked for as long as after a lost answer.
  func find(_ inputs: Inputs, context: ResourceContext) async throws -> String? {
    guard !context.token.isEmpty else { return nil }
    let rest = EMRLaunch.lookup - (context.age ?? EMRLaunch.lookup)
    return try await clock.poll(upTo: rest, longest: .seconds(2)) { try await look(inputs, context) }
  }

  private func look(_ inputs: Inputs, _ context: ResourceContext) async throws -> String? {
    for summary in try await emr.listClusters(states: EMR.ClusterState.active) where summary.name == inputs.name {
      guard let cluster = try await emr.describeCluster(summary.id) else { continue }
      if cluster.tagValues[Tags.token] == context.token, Tags.areOurs(cluster.tagValues, context.tags) {
        return cluster.id
      }
    }
    return nil
  }

  func create(_ inputs: Inputs, context: ResourceContext) async throws -> (id: String, outputs: Outputs) {
    try await checkForTwin(inputs, context)
    let launch = EMRLaunch(emr: emr, clock: clock) { try await find(inputs, context: context) }
    let id = try await launch.start(
      inputs.runJobFlow(tags: inputs.tags.merging(context.tags) { $1 }), context: context)
    try await context.created(id)
    let cluster = try await ready(id, context)
    return (id, Self.outputs(cluster))
  }

  /// A live cluster that says it is this one means that the state does not know it: another one would cost twice.
  private func checkForTwin(_ inputs: Inputs, _ context: ResourceContext) async throws {
    let living = EMR.ClusterState.active.filter(\.acceptsSteps)
    for summary in try await emr.listClusters(states: living) where summary.name == inputs.name {
      guard let cluster = try await emr.describeCluster(summary.id), cluster.state.acceptsSteps else { continue }
      let tags = cluster.tagValues
      guard Tags.areOurs(tags, context.tags), context.token.isEmpty || tags[Tags.token] != context.token else {
        continue
      }
      throw CreateFailure(
        .nothing,
        Diagnostic(
          "Cluster \(cluster.id) of this stack is running already", detail: "the state does not know it",
          remedy: "Take it over with `mrhealth state rebuild`."))
    }
  }

  /// Waits until the cluster takes steps.
  private func ready(_ id: String, _ context: ResourceContext) async throws -> EMR.Cluster {
    let cluster = try await clock.poll(upTo: .seconds(75 * 60), isStopped: context.isInterrupted) {
      () async throws -> EMR.Cluster? in
      guard let cluster = try await emr.describeCluster(id) else { return nil }
      context.progress("\(id) \(cluster.state.text)")
      return cluster.state.isReady || cluster.state.isTerminal || cluster.state == .terminating ? cluster : nil
    }
    guard let cluster else {
      throw Diagnostic("Cluster \(id) did not become ready in 75 minutes", remedy: "Look at it with `mrhealth status`.")
    }
    guard cluster.state.isReady else {
      // Its logs are complete once it has ended.
      let ended = try await end(of: id, context) ?? cluster
      throw await logs.launchFailure(ended)
    }
    return cluster
  }

  func update(_ id: String, from old: Inputs, to new: Inputs, context: ResourceContext) async throws -> Outputs {
    guard let cluster = try await emr.describeCluster(id), cluster.state.acceptsSteps else {
      // The next launch takes the new inputs.
      return Outputs(id: id, name: new.name, state: EMR.ClusterState.terminated.text, logUri: new.logUri)
    }
    if old.stepConcurrency != new.stepConcurrency {
      try await emr.modifyCluster(id, stepConcurrencyLevel: new.stepConcurrency)
    }
    if old.terminationProtection != new.terminationProtection {
      try await emr.setTerminationProtection(new.terminationProtection, clusters: [id])
    }
    if old.idleTimeoutMinutes != new.idleTimeoutMinutes {
      if let minutes = new.idleTimeoutMinutes {
        try await emr.putAutoTerminationPolicy(id, EMR.AutoTerminationPolicy(idleTimeout: minutes * 60))
      } else {
        try await emr.removeAutoTerminationPolicy(id)
      }
    }
    let tags = Tags.changes(from: old.tags, to: new.tags)
    try await emr.addTags(id, tags: tags.set)
    try await emr.removeTags(id, keys: tags.remove)
    return Self.outputs(cluster)
  }

  func claim(_ id: String, inputs: Inputs, context: ResourceContext) async throws {
    try await emr.addTags(id, tags: context.tags)
  }

  func delete(_ id: String, recorded: Inputs, context: ResourceContext) async throws {
    guard let cluster = try await emr.describeCluster(id), cluster.state.isActive else { return }
    if cluster.terminationProtected == true {
      guard !recorded.terminationProtection else {
        throw Diagnostic(
          "Cluster \(id) is protected from termination", detail: "the stack says `termination_protection: true`",
          remedy: "Set it to false, run `mrhealth up`, then try again.")
      }
      try await emr.setTerminationProtection(false, clusters: [id])
    }
    let open = try await emr.listSteps(id, states: [.pending, .running])
    if !open.isEmpty, cluster.state.acceptsSteps { _ = try await emr.cancelSteps(id, ids: open.map(\.id), kill: true) }
    try await emr.terminateJobFlows([id])
    guard try await end(of: id, context) != nil else {
      throw Diagnostic(
        "Cluster \(id) did not end in 20 minutes", remedy: "Run the same command again; it goes on waiting.")
    }
  }

  /// The ended cluster; nil when it did not end in 20 minutes.
  private func end(of id: String, _ context: ResourceContext) async throws -> EMR.Cluster? {
    try await clock.poll(upTo: .seconds(20 * 60), isStopped: context.isInterrupted) {
      () async throws -> EMR.Cluster? in
      guard let cluster = try await emr.describeCluster(id) else { return nil }
      context.progress("\(id) \(cluster.state.text)")
      return cluster.state.isTerminal ? cluster : nil
    }
  }

  static func outputs(_ cluster: EMR.Cluster) -> Outputs {
    Outputs(id: cluster.id, name: cluster.name, state: cluster.state.text, logUri: cluster.logUri ?? "")
  }
}
