import AWS
import FoundationEssentials
import Model
import Support
import Synchronization
import Testing

@testable import Jobs

/// Whole runs over a scripted AWS.
@Suite struct JobRunTests {
  let aws = ScriptedAWS()
  private let seen = Seen()

  private final class Seen: Sendable {
    private let events = Mutex<[String]>([])
    var all: [String] { events.withLock { $0 } }

    func take(_ event: RunEvent) {
      let text =
        switch event {
        case .uploading: "uploading"
        case .uploaded: "uploaded"
        case .cluster: "cluster"
        case .clusterReady(let id): "ready \(id)"
        case .submitted(let steps): "submitted \(steps.count)"
        case .step(let step): "\(step.name) \(step.state)"
        case .awaitingLogs(let step): "awaiting logs of \(step)"
        case .notified: "notified"
        case .notificationFailed(let why): "not notified: \(why)"
        }
      events.withLock { $0.append(text) }
    }
  }

  private func execute(
    topic: String? = "arn:t", data: DataUpload? = nil, from: String? = nil, report: String? = nil,
    cluster: @escaping @Sendable () async throws -> JobRun.Cluster = {
      JobRun.Cluster(id: "j-1", logUri: "s3://code/logs")
    }
  ) async throws -> JobRun.Result {
    let s3 = S3Client(aws.client)
    let run = JobRun(
      emr: EMRClient(aws.client), sns: SNSClient(aws.client), logs: EMRLogs(s3),
      store: RunStore(s3: s3, bucket: "lake"), clock: aws.clock, ensureCluster: cluster)
    let request = JobRun.Request(
      stack: "mrhealth", date: "2024-11-20", from: from, startedBy: "ana", steps: [step("silver"), step("gold")],
      data: data, topic: topic, report: report)
    return try await run.execute(RunID("r-1"), request) { [seen] in seen.take($0) }
  }

  private func record() async throws -> RunRecord {
    try #require(try await RunStore(s3: S3Client(aws.client), bucket: "lake").load(RunID("r-1")))
  }

  private func accept() {
    aws.on("AddJobFlowSteps", .ok(#"{"StepIds":["s-1","s-2"]}"#))
    aws.on("DescribeCluster", StepWaitTests.cluster("RUNNING"))
    aws.on("Publish", .ok("<R><MessageId>m</MessageId></R>"))
  }

  @Test func `a run that goes well`() async throws {
    accept()
    aws.on(
      "ListSteps", StepWaitTests.steps("RUNNING", "PENDING"), StepWaitTests.steps("COMPLETED", "RUNNING"),
      StepWaitTests.steps("COMPLETED", "COMPLETED"))
    let result = try await execute()
    #expect(result.record.outcome == .succeeded)
    #expect(result.diagnosis == nil)
    let kept = try await record()
    #expect(kept.outcome == .succeeded)
    #expect(kept.cluster == "j-1")
    #expect(kept.steps.map(\.id) == ["s-1", "s-2"])
    #expect(kept.steps.map(\.state) == ["COMPLETED", "COMPLETED"])
    #expect(kept.ended != nil && kept.cause == nil)
    #expect(
      seen.all == [
        "cluster", "ready j-1", "submitted 2", "silver RUNNING", "silver COMPLETED", "gold RUNNING", "gold COMPLETED",
        "notified",
      ])
    let mail = try #require(aws.requests("Publish").first).form
    #expect(mail["TopicArn"] == "arn:t")
    #expect(mail["Subject"] == "[mrhealth] Execucao de 2024-11-20 concluida")
    #expect(aws.requests("AddJobFlowSteps").first?.text.contains("silver (run r-1)") == true)
  }

  @Test func `what the steps have left is told, and a period by its days`() async throws {
    accept()
    aws.on("ListSteps", StepWaitTests.steps("COMPLETED", "COMPLETED"))
    aws.put("lake/gold/report.json", #"{"alertas":[{"severidade":"alta","titulo":"não enviou"}]}"#)
    _ = try await execute(from: "2024-11-01", report: "s3://lake/gold/report.json")
    let mail = try #require(aws.requests("Publish").first).form
    #expect(mail["Subject"] == "[mrhealth] Execucao de 2024-11-01 a 2024-11-20 concluida: 1 alerta")
    #expect(mail["Message"]?.contains("[alta] não enviou") == true)
    #expect(try await record().alerts == 1)
  }

  @Test(arguments: ["s3://lake/gold/none.json", "s3://lake/gold/odd.json", "nonsense"])
  func `a report that is not there spoils nothing`(_ url: String) async throws {
    accept()
    aws.on("ListSteps", StepWaitTests.steps("COMPLETED", "COMPLETED"))
    aws.put("lake/gold/odd.json", "not JSON")
    let result = try await execute(report: url)
    #expect(result.record.outcome == .succeeded && result.record.alerts == nil)
    #expect(seen.all.last == "notified")
  }

  @Test func `the record is there before anything is done`() async throws {
    accept()
    aws.on("ListSteps", StepWaitTests.steps("COMPLETED", "COMPLETED"))
    _ = try await execute()
    #expect(aws.operations.first == "PUT lake/runs/r-1.json")
    let first = aws.requests("PUT lake/runs/r-1.json").first?.text ?? ""
    #expect(first.contains(#""outcome" : "running""#), "\(first)")
  }

  @Test func `a step that fails is explained, told and kept`() async throws {
    accept()
    aws.on("ListSteps", StepWaitTests.steps("FAILED", "CANCELLED"))
    aws.put(
      "code/logs/j-1/steps/s-1/stderr.gz",
      gzip("Traceback (most recent call last):\n  File \"/mnt/silver.py\", line 7, in <module>\nValueError: bad\n"))
    let result = try await execute()
    #expect(result.record.outcome == .failed)
    #expect(result.record.cause == "silver: ValueError: bad")
    #expect(result.diagnosis?.place == "silver.py:7")
    #expect(result.log == "s3://code/logs/j-1/steps/s-1/")
    #expect(try await record().cause == "silver: ValueError: bad")
    let mail = try #require(aws.requests("Publish").first).form
    #expect(mail["Subject"]?.hasSuffix("FALHOU") == true)
    #expect(mail["Message"]?.contains("Onde: silver.py:7") == true)
  }

  @Test func `logs are waited for, and without them EMR's own words have to do`() async throws {
    accept()
    aws.on(
      "ListSteps",
      .ok(
        #"{"Steps":[{"Id":"s-1","Name":"n","Status":{"State":"FAILED","FailureDetails":{"Message":"exit 1"}}},"#
          + #"{"Id":"s-2","Name":"n","Status":{"State":"CANCELLED"}}]}"#))
    let result = try await execute()
    #expect(result.record.cause == "silver: exit 1")
    #expect(seen.all.count { $0 == "awaiting logs of silver" } == 1)
    #expect(aws.clock.uptime > .seconds(6 * 60), "EMR brings logs every five minutes")
    #expect(aws.clock.uptime < .seconds(8 * 60))
  }

  @Test func `a cluster that dies under the steps`() async throws {
    accept()
    aws.on("ListSteps", StepWaitTests.steps("RUNNING", "PENDING"))
    aws.on(
      "DescribeCluster",
      .ok(
        #"{"Cluster":{"Id":"j-1","Name":"c","Status":{"State":"TERMINATED","StateChangeReason":"#
          + #"{"Code":"USER_REQUEST","Message":"by ana"}}}}"#))
    let result = try await execute()
    #expect(result.record.outcome == .failed)
    #expect(result.record.cause == "cluster j-1 ended before the steps did: USER_REQUEST, by ana")
  }

  @Test func `cancelled steps are no failure, interrupted ones are`() async throws {
    accept()
    aws.on("ListSteps", StepWaitTests.steps("COMPLETED", "CANCELLED"))
    let cancelled = try await execute()
    #expect(cancelled.record.outcome == .cancelled)
    #expect(cancelled.record.cause == "the steps were cancelled")
    aws.on("ListSteps", StepWaitTests.steps("INTERRUPTED", "CANCELLED"))
    let interrupted = try await execute()
    #expect(interrupted.record.outcome == .failed)
    #expect(interrupted.record.cause == "the cluster went away while a step ran")
  }

  @Test func `what keeps a run from beginning is kept and told`() async throws {
    accept()
    await #expect(throws: Diagnostic.self) {
      try await execute { throw Diagnostic("A bootstrap action failed", detail: "pip") }
    }
    let kept = try await record()
    #expect(kept.outcome == .failed)
    #expect(kept.cause == "A bootstrap action failed: pip")
    #expect(kept.ended != nil)
    #expect(aws.requests("Publish").first?.form["Message"]?.contains("Causa: A bootstrap action failed: pip") == true)
    #expect(aws.count("AddJobFlowSteps") == 0)
  }

  @Test func `a mail that cannot be sent changes no outcome`() async throws {
    accept()
    aws.on("ListSteps", StepWaitTests.steps("COMPLETED", "COMPLETED"))
    aws.on("Publish", .fault("AuthorizationError", "not you", status: 403))
    let result = try await execute()
    #expect(result.record.outcome == .succeeded)
    #expect(seen.all.last?.hasPrefix("not notified: SNS Publish: AuthorizationError: not you") == true)
  }

  @Test func `data goes before the cluster is looked for, and its counts are kept`() async throws {
    accept()
    aws.on("ListSteps", StepWaitTests.steps("COMPLETED", "COMPLETED"))
    let folder = try ScratchFolder()
    try folder.write("PEDIDO.csv", "a;b")
    let data = try #require(DataUpload(s3: S3Client(aws.client), folder: folder.path, target: "s3://lake/dados"))
    _ = try await execute(data: data)
    #expect(seen.all.filter { $0 != "uploading" }.prefix(2) == ["uploaded", "cluster"])
    #expect(try await record().data == .init(uploaded: 1, unchanged: 0, removed: 0, bytes: 3))
    #expect(aws.object("lake/dados/PEDIDO.csv") == "a;b")
    let none = try #require(DataUpload(s3: S3Client(aws.client), folder: "/nowhere", target: "s3://lake/dados"))
    await #expect(throws: TransferError.self) { try await execute(data: none) }
    #expect(try await record().outcome == .failed, "and no cluster was paid for")
    #expect(try await record().cluster == nil)
  }

  @Test func `without a topic nobody is told`() async throws {
    accept()
    aws.on("ListSteps", StepWaitTests.steps("COMPLETED", "COMPLETED"))
    _ = try await execute(topic: nil)
    #expect(aws.count("Publish") == 0)
  }

  /// A call under way when the user interrupts ends with an error of its own.
  @Test func `an interrupted run is not a failed one`() async throws {
    accept()
    let run = Task {
      try await execute {
        withUnsafeCurrentTask { $0?.cancel() }
        throw AWSError(code: ClientCode.cancelled, message: "stopped")
      }
    }
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(try await record().outcome == .running, "its steps may go on")
    #expect(aws.count("Publish") == 0)
  }
}
