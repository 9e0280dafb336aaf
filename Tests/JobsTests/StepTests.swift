import AWS
import FoundationEssentials
import Support
import Testing

@testable import Jobs
@testable import Model

func step(
  _ name: String = "silver", _ work: StepDeclaration.Work = .spark(script: "s3://code/silver.py", submitOptions: []),
  _ arguments: [String] = [], onFailure: String = "CANCEL_AND_WAIT"
) -> StepDeclaration {
  StepDeclaration(name: name, work: work, arguments: arguments, onFailure: onFailure, position: nil)
}

@Suite struct StepConfigTests {
  private let run = RunID("20241120T030000Z-abc123")

  @Test func `a PySpark step: options, then the script, then its arguments`() {
    let options = ["--py-files", "s3://code/lago.py", "--conf", "a=b"]
    let config = step(
      "silver", .spark(script: "s3://code/silver.py", submitOptions: options), ["--date", "2024-11-20"]
    ).config(run: run)
    #expect(config.name == "silver (run 20241120T030000Z-abc123)")
    #expect(config.actionOnFailure == .cancelAndWait)
    #expect(config.hadoopJarStep.jar == "command-runner.jar")
    #expect(
      config.hadoopJarStep.args == [
        "spark-submit", "--deploy-mode", "client", "--py-files", "s3://code/lago.py", "--conf", "a=b",
        "s3://code/silver.py", "--date", "2024-11-20",
      ])
  }

  @Test func `a deploy mode of the user's stands alone`() {
    let config = step("s", .spark(script: "a.py", submitOptions: ["--deploy-mode", "cluster"])).config(run: run)
    #expect(config.hadoopJarStep.args == ["spark-submit", "--deploy-mode", "cluster", "a.py"])
    let joined = step("s", .spark(script: "a.py", submitOptions: ["--deploy-mode=cluster"])).config(run: run)
    #expect(joined.hadoopJarStep.args == ["spark-submit", "--deploy-mode=cluster", "a.py"])
  }

  @Test func `commands and jars`() {
    let command = step("c", .command(["bash", "-c"]), ["ls"], onFailure: "CONTINUE").config(run: run)
    #expect(command.hadoopJarStep.jar == "command-runner.jar")
    #expect(command.hadoopJarStep.args == ["bash", "-c", "ls"])
    #expect(command.actionOnFailure == .continue)
    let jar = step("j", .jar("s3://code/a.jar", mainClass: "Main"), ["x"], onFailure: "TERMINATE_CLUSTER")
      .config(run: run)
    #expect(jar.hadoopJarStep.jar == "s3://code/a.jar")
    #expect(jar.hadoopJarStep.mainClass == "Main")
    #expect(jar.hadoopJarStep.args == ["x"])
    #expect(jar.actionOnFailure == .terminateCluster)
  }

  @Test func `references are substituted everywhere`() throws {
    let template = step(
      "s", .spark(script: "s3://${s3.bucket.code.name}/a.py", submitOptions: ["${run.id}"]), ["${run.date}"])
    let made = try template.substituting { reference in
      .string(reference.text == "run.date" ? "2024-11-20" : reference.text == "run.id" ? "r" : "code")
    }
    #expect(made.arguments == ["2024-11-20"])
    #expect(made.config(run: run).hadoopJarStep.args?.suffix(3) == ["r", "s3://code/a.py", "2024-11-20"])
    #expect(throws: Diagnostic.self) { try template.substituting { _ in .unknown } }
  }

  @Test func `ids of runs sort by time and differ`() {
    let early = RunID(started: Date(timeIntervalSince1970: 1_790_000_000))
    let late = RunID(started: Date(timeIntervalSince1970: 1_790_000_001))
    #expect(early.text < late.text)
    #expect(RunID(started: Date(timeIntervalSince1970: 1_790_000_000)) != early)
    #expect(early.text.split(separator: "-").last?.count == 6, "\(early)")
  }
}

@Suite struct StepSubmissionTests {
  let aws = ScriptedAWS()

  private func submit() async throws -> [String] {
    let configs = ["silver", "gold"].map { step($0).config(run: RunID("r-1")) }
    return try await StepSubmission(emr: EMRClient(aws.client), clock: aws.clock).submit(configs, to: "j-1")
  }

  static func listed(_ names: String...) -> ScriptedAWS.Answer {
    let steps = names.enumerated().map {
      #"{"Id":"s-\#($0.offset + 1)","Name":"\#($0.element)","Status":{"State":"PENDING"}}"#
    }
    return .ok(#"{"Steps":[\#(steps.joined(separator: ","))]}"#)
  }

  @Test func `all steps go in one call`() async throws {
    aws.on("AddJobFlowSteps", .ok(#"{"StepIds":["s-1","s-2"]}"#))
    #expect(try await submit() == ["s-1", "s-2"])
    #expect(aws.operations == ["AddJobFlowSteps"])
  }

  @Test func `steps whose answer was lost are found by their names, not submitted twice`() async throws {
    aws.on("AddJobFlowSteps", .lost)
    // EMR lists the newest first; others' steps stand among them.
    aws.on(
      "ListSteps", Self.listed(), Self.listed("gold (run r-1)", "silver (run r-1)", "silver (run r-0)"))
    #expect(try await submit() == ["s-2", "s-1"], "in the order of the pipeline")
    #expect(aws.count("AddJobFlowSteps") == 1)
  }

  @Test func `steps that did not arrive are submitted again`() async throws {
    aws.on("AddJobFlowSteps", .lost, .ok(#"{"StepIds":["s-1","s-2"]}"#))
    aws.on("ListSteps", Self.listed("silver (run r-0)"))
    #expect(try await submit() == ["s-1", "s-2"])
    #expect(aws.count("AddJobFlowSteps") == 2)
    #expect(aws.clock.uptime > .seconds(10), "EMR may list them late")
  }

  @Test func `a refusal is no lost answer`() async {
    aws.on("AddJobFlowSteps", .fault("ValidationException", "A job flow that is shutting down"))
    await #expect(throws: AWSError.self) { try await submit() }
    #expect(aws.operations == ["AddJobFlowSteps"])
  }
}

@Suite struct StepWaitTests {
  let aws = ScriptedAWS()

  static func steps(_ states: String...) -> ScriptedAWS.Answer {
    let steps = states.enumerated().map {
      #"{"Id":"s-\#($0.offset + 1)","Name":"n","Status":{"State":"\#($0.element)"}}"#
    }
    return .ok(#"{"Steps":[\#(steps.reversed().joined(separator: ","))]}"#)
  }

  static func cluster(_ state: String) -> ScriptedAWS.Answer {
    .ok(#"{"Cluster":{"Id":"j-1","Name":"main","Status":{"State":"\#(state)"}}}"#)
  }

  private func wait() async throws -> (ending: StepWait.Ending, reports: [[String]]) {
    var reports: [[String]] = []
    let ending = try await StepWait(emr: EMRClient(aws.client), clock: aws.clock).wait(for: ["s-1", "s-2"], on: "j-1") {
      reports.append($0.map(\.state.text))
    }
    return (ending, reports)
  }

  @Test func `every change is reported once, until all have ended`() async throws {
    aws.on("DescribeCluster", Self.cluster("RUNNING"))
    aws.on(
      "ListSteps", Self.steps("PENDING", "PENDING"), Self.steps("RUNNING", "PENDING"), Self.steps("RUNNING", "PENDING"),
      Self.steps("COMPLETED", "RUNNING"), Self.steps("COMPLETED", "COMPLETED"))
    let (ending, reports) = try await wait()
    #expect(ending.steps.map(\.id) == ["s-1", "s-2"])
    #expect(ending.cluster == nil)
    #expect(
      reports == [
        ["PENDING", "PENDING"], ["RUNNING", "PENDING"], ["COMPLETED", "RUNNING"], ["COMPLETED", "COMPLETED"],
      ])
  }

  @Test(arguments: ["COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED"])
  func `states that end a step`(_ state: String) async throws {
    aws.on("ListSteps", Self.steps(state, state))
    #expect(try await wait().ending.steps.map(\.state.text) == [state, state])
    #expect(aws.operations == ["ListSteps"])
  }

  @Test(arguments: ["PENDING", "CANCEL_PENDING", "RUNNING", "SOMETHING_NEW"])
  func `states that do not`(_ state: String) async throws {
    aws.on("DescribeCluster", Self.cluster("RUNNING"))
    aws.on("ListSteps", Self.steps("COMPLETED", state), Self.steps("COMPLETED", "COMPLETED"))
    #expect(try await wait().reports.count == 2)
  }

  @Test func `a cluster that dies ends the wait`() async throws {
    aws.on("ListSteps", Self.steps("RUNNING", "PENDING"))
    aws.on(
      "DescribeCluster", Self.cluster("RUNNING"), Self.cluster("TERMINATING"), Self.cluster("TERMINATED_WITH_ERRORS"))
    let (ending, reports) = try await wait()
    #expect(ending.cluster?.state == .terminatedWithErrors)
    #expect(ending.steps.map(\.state.text) == ["RUNNING", "PENDING"])
    #expect(reports == [["RUNNING", "PENDING"]])
  }

  @Test func `what the last listing of a dead cluster says is reported`() async throws {
    aws.on("ListSteps", Self.steps("RUNNING", "PENDING"), Self.steps("FAILED", "CANCELLED"))
    aws.on("DescribeCluster", Self.cluster("TERMINATED"))
    let (ending, reports) = try await wait()
    #expect(ending.steps.map(\.state.text) == ["FAILED", "CANCELLED"])
    #expect(reports.last == ["FAILED", "CANCELLED"])
  }

  @Test func `EMR is not asked too often`() async throws {
    aws.on("DescribeCluster", Self.cluster("RUNNING"))
    aws.on("ListSteps", Self.steps("RUNNING", "PENDING"))
    let wait = Task { try await self.wait() }
    while aws.clock.uptime < .seconds(3600), !Task.isCancelled { await Task.yield() }
    wait.cancel()
    _ = await wait.result
    #expect(Double(aws.count("ListSteps")) < aws.clock.uptime.seconds / 10, "\(aws.count("ListSteps")) looks")
  }
}
