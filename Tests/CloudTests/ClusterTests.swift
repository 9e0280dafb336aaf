import AWS
import Engine
import Model
import Support
import Testing

@testable import Cloud

@Suite struct ClusterTests {
  let account = Account()
  var aws: ScriptedAWS { account.aws }

  init() { aws.on("ListClusters", Self.none) }

  static func cluster(_ state: String, tags: [String: String] = Account.tags, more: String = "", reason: String = "")
    -> ScriptedAWS.Answer
  {
    let list = tags.sorted { $0.key < $1.key }.map { #"{"Key":"\#($0.key)","Value":"\#($0.value)"}"# }
    return .ok(
      #"{"Cluster":{"Id":"j-1","Name":"main","LogUri":"s3n://code/logs","Status":{"State":"\#(state)"\#(reason)},"#
        + #""Tags":[\#(list.joined(separator: ","))]\#(more)}}"#)
  }

  static let launched = ScriptedAWS.Answer.ok(#"{"JobFlowId":"j-1"}"#)
  static let none = ScriptedAWS.Answer.ok(#"{"Clusters":[]}"#)
  static let listed = ScriptedAWS.Answer.ok(
    #"{"Clusters":[{"Id":"j-1","Name":"main","Status":{"State":"STARTING"}}]}"#)

  private func create(_ inputs: Value = Examples.small) async throws -> Created {
    try await account.kind("emr.cluster").create(account.normalize("emr.cluster", inputs), context: account.context)
  }

  @Test func `a launch waits until steps are taken; its id is told before`() async throws {
    aws.on("RunJobFlow", Self.launched)
    aws.on("DescribeCluster", Self.cluster("STARTING"), Self.cluster("BOOTSTRAPPING"), Self.cluster("WAITING"))
    let made = try await create()
    #expect(made.id == "j-1")
    #expect(made.outputs["state"] == "WAITING")
    #expect(account.created == ["j-1"])
    #expect(account.progress == ["j-1 STARTING", "j-1 BOOTSTRAPPING", "j-1 WAITING"])
    let body = aws.requests("RunJobFlow").first?.text ?? ""
    #expect(body.contains(#"{"Key":"mrhealth:token","Value":"t-1"}"#), "\(body)")
    #expect(body.contains(#""AutoTerminationPolicy":{"IdleTimeout":3600}"#), "\(body)")
    #expect(body.contains(#""KeepJobFlowAliveWhenNoSteps":true"#), "\(body)")
  }

  @Test func `all that a stack may say of a cluster is sent`() throws {
    for (example, expected) in [
      (
        Examples.cluster,
        [
          #""BidPrice":"0.2""#, #""Market":"SPOT""#, #""Ec2SubnetIds":["subnet-1","subnet-2"]"#,
          #""EmrManagedMasterSecurityGroup":"sg-1""#, #""ServiceAccessSecurityGroup":"sg-3""#,
          #""Path":"s3://code/bootstrap.sh""#, #""Classification":"spark""#, #""StepConcurrencyLevel":2"#,
          #""TerminationProtected":true"#, #""EbsRootVolumeSize":20"#, #""SecurityConfiguration":"sec""#,
          #""VolumesPerInstance":2"#,
        ]
      ),
      (
        Examples.fleets,
        [
          #""TargetOnDemandCapacity":1"#, #""TargetSpotCapacity":2"#, #""TimeoutAction":"TERMINATE_CLUSTER""#,
          #""AllocationStrategy":"capacity-optimized""#, #""WeightedCapacity":1"#,
        ]
      ),
    ] {
      let inputs = try ValueCoding.decode(EMRCluster.Inputs.self, from: example)
      let sent = String(decoding: try AWSJSON.encode(inputs.runJobFlow(tags: [:])), as: UTF8.self)
      for part in expected { #expect(sent.contains(part), "\(part) is missing in \(sent)") }
    }
  }

  @Test func `a fresh instance profile is waited for`() async throws {
    let unknown = ScriptedAWS.Answer.fault("ValidationException", "Invalid InstanceProfile: nodes.")
    aws.on("RunJobFlow", unknown, unknown, Self.launched)
    aws.on("DescribeCluster", Self.cluster("WAITING"))
    #expect(try await create().id == "j-1")
    #expect(aws.count("RunJobFlow") == 3)
    #expect(account.progress.first == "waiting for IAM to know the instance profile")
  }

  @Test func `a profile that never comes ends the wait after two minutes`() async {
    aws.on("RunJobFlow", .fault("ValidationException", "Invalid InstanceProfile: nodes."))
    let found = await diagnostic { try await create() }
    #expect(found.detail.contains("Invalid InstanceProfile"), "\(found.detail)")
    #expect(aws.clock.uptime <= .seconds(120))
    #expect(aws.clock.uptime > .seconds(100))
  }

  @Test func `another refusal is not repeated`() async {
    aws.on("RunJobFlow", .fault("ValidationException", "The instance type is not supported"))
    _ = await diagnostic { try await create() }
    #expect(aws.count("RunJobFlow") == 1)
  }

  @Test func `a cluster whose launch's answer was lost is found by its token, not launched twice`() async throws {
    aws.on("RunJobFlow", .lost)
    aws.on("ListClusters", Self.none, Self.none, Self.listed)
    aws.on("DescribeCluster", Self.cluster("WAITING"))
    #expect(try await create().id == "j-1")
    #expect(aws.count("RunJobFlow") == 1)
    #expect(account.created == ["j-1"])
  }

  @Test func `a cluster of the same name with another token is not taken`() async throws {
    aws.on("RunJobFlow", .lost, Self.launched)
    aws.on("ListClusters", Self.none, Self.listed)
    aws.on(
      "DescribeCluster", Self.cluster("WAITING", tags: Account.tags.merging([Tags.token: "t-0"]) { $1 }))
    #expect(try await create().id == "j-1")
    #expect(aws.count("RunJobFlow") == 2, "nothing of ours was there: asked again")
  }

  @Test func `a live cluster of this stack that the state does not know is not launched again`() async throws {
    let others = Account.tags.merging([Tags.token: "t-0"]) { $1 }
    aws.on("ListClusters", Self.listed)
    aws.on("DescribeCluster", Self.cluster("WAITING", tags: others))
    await #expect { try await create() } throws: { error in
      guard let failure = error as? CreateFailure else { return false }
      return failure.remains == .nothing && failure.diagnostic.remedy.contains("state rebuild")
    }
    #expect(aws.count("RunJobFlow") == 0)
    // One that is on its way out, or another stack's, does not stand in the way.
    for answer in [Self.cluster("TERMINATING", tags: others), Self.cluster("WAITING", tags: [Tags.stack: "other"])] {
      aws.on("RunJobFlow", Self.launched)
      aws.on("DescribeCluster", answer, Self.cluster("WAITING"))
      #expect(try await create().id == "j-1")
    }
  }

  @Test func `a launch of a moment ago is looked for until the list can show it`() async throws {
    aws.on("ListClusters", Self.none, Self.none, Self.listed)
    aws.on("DescribeCluster", Self.cluster("STARTING"))
    let kind = try account.kind("emr.cluster")
    let inputs = try account.normalize("emr.cluster", Examples.small)
    var context = account.context
    context.age = .seconds(1)
    #expect(try await kind.find(inputs, context: context) == "j-1")
    aws.on("ListClusters", Self.none, Self.none, Self.listed)
    context.age = .seconds(60)
    #expect(try await kind.find(inputs, context: context) == nil)
  }

  @Test func `an interrupt ends the waiting and leaves the cluster`() async throws {
    aws.on("RunJobFlow", Self.launched)
    aws.on("DescribeCluster", Self.cluster("STARTING"))
    var context = account.context
    context.isInterrupted = { [account] in account.progress.count >= 2 }
    let kind = try account.kind("emr.cluster")
    let inputs = try account.normalize("emr.cluster", Examples.small)
    await #expect(throws: CancellationError.self) { try await kind.create(inputs, context: context) }
    #expect(account.created == ["j-1"])
    #expect(aws.count("DescribeCluster") == 2 && aws.count("TerminateJobFlows") == 0)
    aws.on("DescribeCluster", Self.cluster("TERMINATING"))
    aws.on("ListSteps", .ok(#"{"Steps":[]}"#))
    aws.on("TerminateJobFlows", .ok("{}"))
    await #expect(throws: CancellationError.self) {
      try await kind.delete("j-1", recorded: inputs, context: context)
    }
    #expect(aws.count("TerminateJobFlows") == 1)
  }

  @Test func `a failed bootstrap shows the end of its log`() async {
    aws.on("RunJobFlow", Self.launched)
    let reason =
      #","StateChangeReason":{"Code":"BOOTSTRAP_FAILURE","Message":"bootstrap action 1 returned a non-zero code"}"#
    aws.on(
      "DescribeCluster", Self.cluster("BOOTSTRAPPING"), Self.cluster("TERMINATING", reason: reason),
      Self.cluster("TERMINATED_WITH_ERRORS", reason: reason))
    let log = (1...20).map { "line \($0)" }.joined(separator: "\n") + "\npip: no such package\n"
    aws.put("code/logs/j-1/node/i-1/bootstrap-actions/1/stderr.gz", gzip(log))
    let found = await diagnostic { try await create() }
    #expect(found.summary == "A bootstrap action failed; cluster j-1 has ended")
    #expect(found.detail.hasPrefix("BOOTSTRAP_FAILURE: bootstrap action 1 returned a non-zero code\n  | line 14\n"))
    #expect(found.detail.hasSuffix("\n  | pip: no such package"), "\(found.detail)")
    #expect(found.remedy.hasSuffix("s3n://code/logs/j-1/node/"), "\(found.remedy)")
    #expect(account.created == ["j-1"], "the state knows the cluster although it failed")
  }

  @Test(arguments: [
    ("VALIDATION_ERROR", "EMR refused the cluster's configuration; cluster j-1 has ended"),
    ("INSTANCE_FAILURE", "EMR could not get or keep the instances; cluster j-1 has ended"),
    ("USER_REQUEST", "Cluster j-1 was terminated while it started"),
    ("INTERNAL_ERROR", "Cluster j-1 ended before it was ready"),
  ])
  func `why a cluster did not start`(_ code: String, _ summary: String) async {
    aws.on("RunJobFlow", Self.launched)
    aws.on(
      "DescribeCluster", Self.cluster("TERMINATED_WITH_ERRORS", reason: #","StateChangeReason":{"Code":"\#(code)"}"#))
    let found = await diagnostic { try await create() }
    #expect(found.summary == summary)
    #expect(found.remedy.contains("mrhealth up"))
  }

  // MARK: Later

  private var outputs: Value { ["id": "j-1", "name": "main", "state": "WAITING", "log_uri": ""] }

  @Test func `a live cluster drifts only in what can be changed`() async throws {
    aws.on(
      "DescribeCluster",
      Self.cluster("RUNNING", more: #","StepConcurrencyLevel":7,"TerminationProtected":true,"ReleaseLabel":"emr-0""#))
    aws.on("GetAutoTerminationPolicy", .ok(#"{"AutoTerminationPolicy":{"IdleTimeout":3600}}"#))
    let recorded = try account.recorded("emr.cluster", Examples.small, outputs)
    let now = try #require(
      try await account.kind("emr.cluster").read("j-1", recorded: recorded, context: account.context))
    #expect(
      now.inputs == recorded.inputs.with("step_concurrency", 7).with("termination_protection", true))
    #expect(now.outputs["state"] == "RUNNING")
  }

  @Test func `an ended cluster is neither missing nor drifted`() async throws {
    aws.on("DescribeCluster", Self.cluster("TERMINATED", tags: [:]))
    let recorded = try account.recorded("emr.cluster", Examples.small, outputs)
    let now = try await account.kind("emr.cluster").read("j-1", recorded: recorded, context: account.context)
    #expect(now?.inputs == recorded.inputs)
    #expect(now?.outputs["state"] == "TERMINATED")
    aws.on("DescribeCluster", .fault("InvalidRequestException", "Cluster id 'j-1' is not valid."))
    #expect(
      try await account.kind("emr.cluster").read("j-1", recorded: recorded, context: account.context) == nil)
  }

  @Test func `what EMR can change is changed in place`() async throws {
    let old = try account.normalize("emr.cluster", Examples.small)
    let new = try account.normalize(
      "emr.cluster",
      Examples.small.with("step_concurrency", 3).with("termination_protection", true)
        .with("idle_timeout_minutes", nil).with("runs_forever", true).with("tags", ["a": "b"]))
    aws.on("DescribeCluster", Self.cluster("WAITING"))
    for operation in ["ModifyCluster", "SetTerminationProtection", "RemoveAutoTerminationPolicy", "AddTags"] {
      aws.on(operation, .ok("{}"))
    }
    _ = try await account.kind("emr.cluster").update("j-1", from: old, to: new, context: account.context)
    #expect(aws.changes == ["ModifyCluster", "SetTerminationProtection", "RemoveAutoTerminationPolicy", "AddTags"])
    aws.on("DescribeCluster", Self.cluster("TERMINATED"))
    let ended = try await account.kind("emr.cluster").update("j-1", from: old, to: new, context: account.context)
    #expect(ended["state"] == "TERMINATED")
    #expect(aws.changes.count == 4, "an ended cluster is not touched")
  }

  @Test func `a deletion cancels the steps, terminates and waits`() async throws {
    let inputs = try account.normalize("emr.cluster", Examples.small)
    aws.on(
      "DescribeCluster", Self.cluster("RUNNING", more: #","TerminationProtected":true"#), Self.cluster("TERMINATING"),
      Self.cluster("TERMINATED"))
    aws.on("ListSteps", .ok(#"{"Steps":[{"Id":"s-1","Name":"silver","Status":{"State":"RUNNING"}}]}"#))
    for operation in ["SetTerminationProtection", "CancelSteps", "TerminateJobFlows"] { aws.on(operation, .ok("{}")) }
    try await account.kind("emr.cluster").delete("j-1", recorded: inputs, context: account.context)
    #expect(aws.changes == ["SetTerminationProtection", "CancelSteps", "TerminateJobFlows"])
    #expect(account.progress.last == "j-1 TERMINATED")
  }

  @Test func `a protected cluster is not deleted against the stack's word`() async throws {
    let inputs = try account.normalize("emr.cluster", Examples.small.with("termination_protection", true))
    aws.on("DescribeCluster", Self.cluster("WAITING", more: #","TerminationProtected":true"#))
    let found = await diagnostic {
      try await account.kind("emr.cluster").delete("j-1", recorded: inputs, context: account.context)
    }
    #expect(found.summary == "Cluster j-1 is protected from termination")
    #expect(aws.changes == [])
  }

  @Test func `a cluster that will not end is not waited for for ever`() async throws {
    let inputs = try account.normalize("emr.cluster", Examples.small)
    aws.on("DescribeCluster", Self.cluster("TERMINATING"))
    aws.on("ListSteps", .ok("{}"))
    aws.on("TerminateJobFlows", .ok("{}"))
    let found = await diagnostic {
      try await account.kind("emr.cluster").delete("j-1", recorded: inputs, context: account.context)
    }
    #expect(found.summary == "Cluster j-1 did not end in 20 minutes")
    #expect(aws.clock.uptime <= .seconds(1200))
  }
}
