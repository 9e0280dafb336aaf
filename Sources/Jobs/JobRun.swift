package import AWS
internal import FoundationEssentials
package import Model

/// One execution of the pipeline: upload the data, find a cluster, submit the steps, wait, explain a
/// failure, tell the topic, keep the record.
package struct JobRun: Sendable {
  package struct Request: Sendable {
    package var stack: String
    /// The business date, YYYY-MM-DD; of a period its last day.
    package var date: String
    /// The first day of a period.
    package var from: String?
    package var startedBy: String
    /// With all references substituted but those of `run`, see `runValue`.
    package var steps: [StepDeclaration]
    package var data: DataUpload?
    /// ARN of the topic to tell.
    package var topic: String?
    /// Where the steps leave what they have to say, as an `s3://` URL.
    package var report: String?

    package init(
      stack: String, date: String, from: String? = nil, startedBy: String, steps: [StepDeclaration],
      data: DataUpload?, topic: String?, report: String? = nil
    ) {
      self.stack = stack
      self.date = date
      self.from = from
      self.startedBy = startedBy
      self.steps = steps
      self.data = data
      self.topic = topic
      self.report = report
    }
  }

  package struct Cluster: Sendable {
    package var id: String
    package var logUri: String

    package init(id: String, logUri: String) {
      self.id = id
      self.logUri = logUri
    }
  }

  package struct Result: Sendable {
    package var record: RunRecord
    package var diagnosis: Diagnosis?
    /// Of the step that failed, as an `s3://` URL.
    package var log: String?
  }

  let emr: EMRClient
  let sns: SNSClient
  let logs: EMRLogs
  let store: RunStore
  let clock: any AWSClock
  /// Finds a live cluster or launches one; ready to take steps.
  let ensureCluster: @Sendable () async throws -> Cluster

  package init(
    emr: EMRClient, sns: SNSClient, logs: EMRLogs, store: RunStore, clock: any AWSClock = SystemClock(),
    ensureCluster: @escaping @Sendable () async throws -> Cluster
  ) {
    self.emr = emr
    self.sns = sns
    self.logs = logs
    self.store = store
    self.clock = clock
    self.ensureCluster = ensureCluster
  }

  /// - Returns: how the run ended; a failed step is a result, not an error.
  /// - Throws: what kept the steps from running at all. The record then says so too, and the topic is told.
  package func execute(
    _ id: RunID, _ request: Request, events: @escaping @Sendable (RunEvent) -> Void
  ) async throws -> Result {
    var record = RunRecord(
      id: id, stack: request.stack, date: request.date, from: request.from, startedBy: request.startedBy,
      started: clock.now,
      steps: request.steps.map { .init(name: $0.name, state: EMR.StepState.pending.text) })
    try await store.save(record)
    do {
      var result = try await run(id, request, &record, events: events)
      let report = await self.report(request, result.record)
      result.record.alerts = report.map(\.alerts.count)
      await conclude(result, report, topic: request.topic, events: events)
      return result
    } catch  where error is CancellationError || Task.isCancelled {
      // The steps go on without us; the record says on which cluster. A call under way ends with an error of
      // its own, and a cancelled task can make no more: hence another task.
      let last = record
      await Task { try? await store.save(last) }.value
      throw CancellationError()
    } catch {
      record.outcome = .failed
      record.ended = clock.now
      record.cause = record.cause ?? Self.cause(of: error)
      await conclude(Result(record: record), nil, topic: request.topic, events: events)
      throw error
    }
  }

  private func run(
    _ id: RunID, _ request: Request, _ record: inout RunRecord,
    events: @escaping @Sendable (RunEvent) -> Void
  ) async throws -> Result {
    if let data = request.data {
      record.data = try await data.upload(events: events)
    }
    events(.cluster("looking for a cluster"))
    let cluster = try await ensureCluster()
    record.cluster = cluster.id
    events(.clusterReady(id: cluster.id))
    try await store.save(record)

    let submission = StepSubmission(emr: emr, clock: clock)
    let ids = try await submission.submit(request.steps.map { $0.config(run: id) }, to: cluster.id)
    for (index, step) in ids.enumerated() where record.steps.indices.contains(index) { record.steps[index].id = step }
    events(.submitted(steps: record.steps))
    try await store.save(record)

    let ending = try await StepWait(emr: emr, clock: clock).wait(for: ids, on: cluster.id) { summaries in
      for summary in summaries where record.update(summary) {
        if let step = record.steps.first(where: { $0.id == summary.id }) { events(.step(step)) }
      }
      try await store.save(record)
    }
    record.ended = clock.now
    if ending.steps.count == ids.count, ending.steps.allSatisfy(\.state.succeeded) {
      record.outcome = .succeeded
      return Result(record: record)
    }
    return await explain(ending, cluster: cluster, record: record, events: events)
  }

  /// What the steps of a run that went well have left; nil when they left nothing that can be read.
  private func report(_ request: Request, _ record: RunRecord) async -> DayReport? {
    guard record.outcome == .succeeded, let url = request.report, let (bucket, prefix) = EMRLogs.location(url) else {
      return nil
    }
    // The object itself and no folder.
    let key = url.hasSuffix("/") ? prefix : String(prefix.dropLast())
    let found = try? await store.s3.getObject(bucket: bucket, key: key, limit: DayReport.sizeLimit)
    return found.flatMap(\.self).flatMap { DayReport($0.bytes) }
  }

  /// The record, the mail: as much as can be said. Neither can undo what the run has done.
  private func conclude(
    _ result: Result, _ report: DayReport?, topic: String?, events: @Sendable (RunEvent) -> Void
  ) async {
    do {
      try await store.save(result.record)
    } catch {
      events(.notificationFailed("the run record could not be written: \(Self.cause(of: error))"))
    }
    guard let topic else { return }
    let mail = Notification(result.record, diagnosis: result.diagnosis, logs: result.log, report: report)
    do {
      _ = try await sns.publish(topic: topic, subject: mail.subject, message: mail.body, attributes: mail.attributes)
      events(.notified(topic: topic))
    } catch {
      events(.notificationFailed(Self.cause(of: error)))
    }
  }

  private static func cause(of error: any Error) -> String {
    switch error {
    case let error as AWSError: error.description
    default:
      [Diagnostic(wrapping: error)].map { $0.detail.isEmpty ? $0.summary : "\($0.summary): \($0.detail)" }[0]
    }
  }
}

// MARK: - failure

extension JobRun {
  /// EMR brings a step's logs about every five minutes.
  private static let logPatience = Duration.seconds(7 * 60)

  private func explain(
    _ ending: StepWait.Ending, cluster: Cluster, record: RunRecord, events: @Sendable (RunEvent) -> Void
  ) async -> Result {
    var result = Result(record: record)
    let failed = ending.steps.first { $0.state == .failed }
    let interrupted = ending.steps.first { $0.state == .interrupted }
    result.record.outcome = failed == nil && interrupted == nil && ending.cluster == nil ? .cancelled : .failed
    guard let failed else {
      let reason = ending.cluster?.status.stateChangeReason
      result.record.cause =
        ending.cluster.map {
          "cluster \($0.id) ended before the steps did: "
            + [reason?.code, reason?.message].compactMap(\.self).joined(separator: ", ")
        } ?? (interrupted == nil ? "the steps were cancelled" : "the cluster went away while a step ran")
      return result
    }
    let name = record.steps.first { $0.id == failed.id }?.name ?? failed.id
    result.log =
      "\(cluster.logUri.hasSuffix("/") ? cluster.logUri : cluster.logUri + "/")\(cluster.id)/steps/\(failed.id)/"
    let details = failed.status.failureDetails
    let diagnosis = await diagnose(failed.id, cluster: cluster) { events(.awaitingLogs(step: name)) }
    result.diagnosis =
      diagnosis
      ?? Diagnosis(cause: details?.message ?? details?.reason ?? failed.status.stateChangeReason?.message ?? "unknown")
    result.record.cause = "\(name): \(result.diagnosis?.cause ?? "")"
    return result
  }

  /// Waits for EMR to bring the step's logs and reads them.
  private func diagnose(_ step: String, cluster: Cluster, awaiting: () -> Void) async -> Diagnosis? {
    var announced = false
    let stderr = try? await clock.poll(upTo: Self.logPatience) { () async throws -> String? in
      let text = try await logs.step(step, of: cluster.id, logUri: cluster.logUri, .stderr)
      if text == nil, !announced {
        awaiting()
        announced = true
      }
      return text
    }
    let stdout = try? await logs.step(step, of: cluster.id, logUri: cluster.logUri, .stdout)
    return Diagnosis(logs: [stderr.flatMap(\.self), stdout.flatMap(\.self)].compactMap(\.self))
  }
}

extension RunRecord {
  /// Takes over what EMR says of a step; false when it says nothing new.
  fileprivate mutating func update(_ summary: EMR.StepSummary) -> Bool {
    guard let index = steps.firstIndex(where: { $0.id == summary.id }), steps[index].state != summary.state.text else {
      return false
    }
    steps[index].state = summary.state.text
    steps[index].started = summary.status.timeline?.startDateTime
    steps[index].ended = summary.status.timeline?.endDateTime
    return true
  }
}
