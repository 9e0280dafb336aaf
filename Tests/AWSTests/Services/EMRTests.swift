import AWS
import FoundationEssentials
import HTTP
import Testing

@Suite struct EMRTests {
  private static let cluster = """
    {"Cluster":{"Id":"j-1","Name":"mrhealth","Status":{"State":"TERMINATED_WITH_ERRORS","StateChangeReason":
    {"Code":"BOOTSTRAP_FAILURE","Message":"On the master instance (i-1), bootstrap action 1 returned a non-zero return code"},
    "Timeline":{"CreationDateTime":1.795460383123E9,"EndDateTime":1795460400},"ErrorDetails":[{"ErrorCode":
    "BOOTSTRAP_FAILURE_BA_WITH_PRIMARY","ErrorMessage":"m","ErrorData":[{"instance-id":"i-1"}]}]},
    "Ec2InstanceAttributes":{"Ec2SubnetId":"subnet-1","IamInstanceProfile":"p","EmrManagedMasterSecurityGroup":"sg-1"},
    "InstanceCollectionType":"INSTANCE_GROUP","LogUri":"s3n://b/logs/","ReleaseLabel":"emr-7.5.0","AutoTerminate":true,
    "TerminationProtected":false,"Applications":[{"Name":"Spark","Version":"3.5.2"}],
    "Tags":[{"Key":"mrhealth:stack","Value":"s"},{"Key":"empty"}],"ServiceRole":"r","StepConcurrencyLevel":1,
    "Configurations":[{"Classification":"spark-defaults","Properties":{"spark.Executor.memory":"2g"}}],
    "NormalizedInstanceHours":0,"MasterPublicDnsName":"","OSReleaseLabel":"2023.6","SomethingNew":{"x":[1]},
    "ClusterArn":"arn:c"}}
    """

  private func expect(
    _ request: FakeAWS.Request?, _ operation: String, _ body: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(request?.line == "POST elasticmapreduce.us-east-2.amazonaws.com/", sourceLocation: sourceLocation)
    #expect(request?.headers["X-Amz-Target"] == "ElasticMapReduce.\(operation)", sourceLocation: sourceLocation)
    #expect(request?.headers["Content-Type"] == "application/x-amz-json-1.1", sourceLocation: sourceLocation)
    #expect(request?.text == body, sourceLocation: sourceLocation)
  }

  @Test func runJobFlow() async throws {
    let aws = FakeAWS(.json(#"{"JobFlowId":"j-1","ClusterArn":"arn:c"}"#))
    var instances = EMR.JobFlowInstancesConfig()
    var group = EMR.InstanceGroupConfig(instanceRole: "MASTER", instanceType: "m5.xlarge", instanceCount: 1)
    group.ebsConfiguration = EMR.EbsConfiguration(
      ebsBlockDeviceConfigs: [.init(volumeSpecification: .init(volumeType: "gp3", sizeInGB: 64), volumesPerInstance: 2)]
    )
    instances.instanceGroups = [group]
    instances.ec2SubnetId = "subnet-1"
    instances.emrManagedMasterSecurityGroup = "sg-1"
    instances.keepJobFlowAliveWhenNoSteps = false
    var input = EMR.RunJobFlowInput(name: "mrhealth", instances: instances)
    input.releaseLabel = "emr-7.5.0"
    input.logUri = "s3://b/logs/"
    input.applications = [.init(name: "Spark")]
    input.configurations = [
      .init(
        classification: "spark-env",
        configurations: [.init(classification: "export", properties: ["PYSPARK_PYTHON": "/usr/bin/python3.11"])])
    ]
    input.jobFlowRole = "p"
    input.serviceRole = "r"
    input.tags = TagList(["b": "2", "a": "1"])
    input.steps = [
      .init(
        name: "silver", actionOnFailure: .terminateCluster,
        hadoopJarStep: .init(jar: "command-runner.jar", args: ["spark-submit", "s3://b/k.py"]))
    ]
    input.bootstrapActions = [.init(name: "b", path: "s3://b/b.sh", args: ["x"])]
    input.autoTerminationPolicy = .init(idleTimeout: 600)
    input.managedScalingPolicy = .init(
      computeLimits: .init(unitType: "Instances", minimumCapacityUnits: 1, maximumCapacityUnits: 3))
    input.oSReleaseLabel = "2023.6"
    let made = try await EMRClient(aws.client).runJobFlow(input)
    #expect(made.clusterID == "j-1")
    #expect(made.arn == "arn:c")
    expect(
      try aws.request(), "RunJobFlow",
      #"{"Applications":[{"Name":"Spark"}],"AutoTerminationPolicy":{"IdleTimeout":600},"#
        + #""BootstrapActions":[{"Name":"b","ScriptBootstrapAction":{"Args":["x"],"Path":"s3://b/b.sh"}}],"#
        + #""Configurations":[{"Classification":"spark-env","Configurations":[{"Classification":"export","#
        + #""Properties":{"PYSPARK_PYTHON":"/usr/bin/python3.11"}}],"Properties":{}}],"#
        + #""Instances":{"Ec2SubnetId":"subnet-1","EmrManagedMasterSecurityGroup":"sg-1","InstanceGroups":[{"#
        + #""EbsConfiguration":{"EbsBlockDeviceConfigs":[{"VolumeSpecification":{"SizeInGB":64,"VolumeType":"gp3"},"#
        + #""VolumesPerInstance":2}]},"InstanceCount":1,"InstanceRole":"MASTER","InstanceType":"m5.xlarge"}],"#
        + #""KeepJobFlowAliveWhenNoSteps":false},"JobFlowRole":"p","LogUri":"s3://b/logs/","#
        + #""ManagedScalingPolicy":{"ComputeLimits":{"MaximumCapacityUnits":3,"MinimumCapacityUnits":1,"#
        + #""UnitType":"Instances"}},"Name":"mrhealth","OSReleaseLabel":"2023.6","ReleaseLabel":"emr-7.5.0","#
        + #""ServiceRole":"r","Steps":[{"ActionOnFailure":"TERMINATE_CLUSTER","HadoopJarStep":{"#
        + #""Args":["spark-submit","s3://b/k.py"],"Jar":"command-runner.jar"},"Name":"silver"}],"#
        + #""Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"}]}"#)
  }

  @Test func anAnswerWithoutAnIDIsUnclear() async throws {
    let aws = FakeAWS(.json("{}"))
    let emr = EMRClient(aws.client)
    let input = EMR.RunJobFlowInput(name: "n", instances: .init())
    let error = await awsError { () async throws(AWSError) in try await emr.runJobFlow(input) }
    #expect(error.code == ClientCode.decoding)
    #expect(error.outcomeUnknown)
    #expect(aws.requests.count == 1)
  }

  /// Invariant 2: what is not idempotent is never sent twice on a guess.
  @Test func launchesAreNotRepeated() async throws {
    let aws = FakeAWS(.json("{}", status: 500), .json("{}", status: 500))
    let emr = EMRClient(aws.client)
    let input = EMR.RunJobFlowInput(name: "n", instances: .init())
    let launch = await awsError { () async throws(AWSError) in try await emr.runJobFlow(input) }
    #expect(launch.outcomeUnknown)
    #expect(aws.requests.count == 1)
    let steps = await awsError { () async throws(AWSError) in try await emr.addJobFlowSteps("j-1", steps: []) }
    #expect(steps.outcomeUnknown)
    #expect(aws.requests.count == 2)
  }

  @Test func propagationDelays() {
    func error(_ code: String, _ message: String) -> AWSError { AWSError(code: code, message: message, status: 400) }
    #expect(EMRClient.isPropagationDelay(error("ValidationException", "Invalid InstanceProfile: p.")))
    #expect(EMRClient.isPropagationDelay(error("AccessDeniedException", "Failed to authorize instance profile arn:p")))
    #expect(!EMRClient.isPropagationDelay(error("ValidationException", "Instance type 'x' is not supported")))
  }

  @Test func describeCluster() async throws {
    let aws = FakeAWS(
      .json(Self.cluster), .jsonError("InvalidRequestException", "Cluster id 'j-2' is not valid."),
      .jsonError("InvalidRequestException", "something else"))
    let emr = EMRClient(aws.client)
    let cluster = try #require(try await emr.describeCluster("j-1"))
    #expect(cluster.state == .terminatedWithErrors)
    #expect(cluster.state.isTerminal)
    #expect(cluster.status.stateChangeReason?.code == "BOOTSTRAP_FAILURE")
    #expect(cluster.status.errorDetails?.first?.errorData?.first?["instance-id"] == "i-1")
    #expect(cluster.status.timeline?.creationDateTime == Date(timeIntervalSince1970: 1_795_460_383.123))
    #expect(cluster.ec2InstanceAttributes?.emrManagedMasterSecurityGroup == "sg-1")
    #expect(cluster.tagValues == ["mrhealth:stack": "s", "empty": ""])
    #expect(cluster.configurations?.first?.properties == ["spark.Executor.memory": "2g"])
    #expect(cluster.oSReleaseLabel == "2023.6")
    #expect(cluster.logUri == "s3n://b/logs/")
    #expect(try await emr.describeCluster("j-2") == nil)
    let error = await awsError { () async throws(AWSError) in try await emr.describeCluster("j-3") }
    #expect(error.message == "something else")
    expect(aws.requests.first, "DescribeCluster", #"{"ClusterId":"j-1"}"#)
  }

  @Test func clustersOfAllPages() async throws {
    let aws = FakeAWS(
      .json(#"{"Clusters":[{"Id":"j-2","Name":"n","Status":{"State":"WAITING"}}],"Marker":"m"}"#),
      .json(#"{"Clusters":[{"Id":"j-1","Name":"n","Status":{"State":"HIBERNATING"}}]}"#))
    let found = try await EMRClient(aws.client).listClusters(
      createdAfter: Date(timeIntervalSince1970: 1_795_460_383), states: [.waiting, .other("X")])
    #expect(found.map(\.id) == ["j-2", "j-1"])
    #expect(found.map(\.state) == [.waiting, .other("HIBERNATING")])
    #expect(found.last?.state.isActive == true)
    expect(aws.requests.first, "ListClusters", #"{"ClusterStates":["WAITING","X"],"CreatedAfter":1795460383}"#)
    expect(
      aws.requests.last, "ListClusters", #"{"ClusterStates":["WAITING","X"],"CreatedAfter":1795460383,"Marker":"m"}"#)
  }

  @Test func addAndDescribeSteps() async throws {
    let step = """
      {"Id":"s-1","Name":"silver","Config":{"Jar":"command-runner.jar","Properties":{},"Args":["a"]},
      "ActionOnFailure":"TERMINATE_JOB_FLOW","Status":{"State":"FAILED","StateChangeReason":{},"FailureDetails":
      {"Reason":"Unknown Error.","Message":"m","LogFile":"s3://b/logs/j-1/steps/s-1/stderr.gz"},
      "Timeline":{"CreationDateTime":1795460383.5,"StartDateTime":1795460384}}}
      """
    let aws = FakeAWS(
      .json(#"{"StepIds":["s-1","s-2"]}"#), .json("{\"Step\":\(step)}"),
      .jsonError("InvalidRequestException", "Step id 's-9' is not valid."), .json("{}"))
    let emr = EMRClient(aws.client)
    let ids = try await emr.addJobFlowSteps(
      "j-1",
      steps: [.init(name: "a", actionOnFailure: .continue, hadoopJarStep: .init(jar: "command-runner.jar", args: []))])
    #expect(ids == ["s-1", "s-2"])
    expect(
      aws.requests.first, "AddJobFlowSteps",
      #"{"JobFlowId":"j-1","Steps":[{"ActionOnFailure":"CONTINUE","HadoopJarStep":{"Args":[],"Jar":"command-runner.jar"},"Name":"a"}]}"#
    )
    let found = try #require(try await emr.describeStep(cluster: "j-1", step: "s-1"))
    #expect(found.state == .failed)
    #expect(found.actionOnFailure == .terminateCluster)
    #expect(found.status.failureDetails?.logFile == "s3://b/logs/j-1/steps/s-1/stderr.gz")
    #expect(found.status.timeline?.endDateTime == nil)
    expect(aws.requests[1], "DescribeStep", #"{"ClusterId":"j-1","StepId":"s-1"}"#)
    #expect(try await emr.describeStep(cluster: "j-1", step: "s-9") == nil)
    #expect(try await emr.describeStep(cluster: "j-1", step: "s-8") == nil)
  }

  /// AWS takes ten ids a call.
  @Test func stepsByID() async throws {
    func page(_ id: String, marker: String? = nil) -> HTTPResponse {
      .json(
        #"{"Steps":[{"Id":"\#(id)","Status":{"State":"COMPLETED"}}]\#(marker.map { #","Marker":"\#($0)""# } ?? "")}"#)
    }
    let aws = FakeAWS(page("s-1", marker: "m"), page("s-2"), page("s-11"), page("s-3"))
    let emr = EMRClient(aws.client)
    let ids = (1...11).map { "s-\($0)" }
    #expect(try await emr.listSteps("j-1", ids: ids).map(\.id) == ["s-1", "s-2", "s-11"])
    #expect(aws.requests.map { $0.text.contains("s-11") } == [false, false, true])
    #expect(aws.requests[1].text.contains(#""Marker":"m""#))
    #expect(try await emr.listSteps("j-1", states: [.running, .pending]).map(\.state) == [.completed])
    expect(aws.requests.last, "ListSteps", #"{"ClusterId":"j-1","StepStates":["RUNNING","PENDING"]}"#)
  }

  @Test func cancelSteps() async throws {
    let aws = FakeAWS(
      .json(#"{"CancelStepsInfoList":[{"StepId":"s-1","Status":"FAILED","Reason":"Step already ended"}]}"#))
    let info = try await EMRClient(aws.client).cancelSteps("j-1", ids: ["s-1"], kill: true)
    #expect(info.first?.status == "FAILED")
    expect(
      try aws.request(), "CancelSteps",
      #"{"ClusterId":"j-1","StepCancellationOption":"TERMINATE_PROCESS","StepIds":["s-1"]}"#)
  }

  @Test func clusterChanges() async throws {
    let aws = FakeAWS(.json(""), .json(""), .json(""), .json(#"{"StepConcurrencyLevel":5}"#), .json(), .json(), .json())
    let emr = EMRClient(aws.client)
    try await emr.terminateJobFlows((1...11).map { "j-\($0)" })
    try await emr.setTerminationProtection(true, clusters: ["j-1"])
    try await emr.modifyCluster("j-1", stepConcurrencyLevel: 5)
    try await emr.addTags("j-1", tags: ["k": "v"])
    try await emr.removeTags("j-1", keys: ["b", "a"])
    try await emr.setKeepJobFlowAliveWhenNoSteps(false, clusters: ["j-1"])
    #expect(aws.requests[0].text.hasSuffix(#""j-10"]}"#))
    expect(aws.requests[1], "TerminateJobFlows", #"{"JobFlowIds":["j-11"]}"#)
    expect(aws.requests[2], "SetTerminationProtection", #"{"JobFlowIds":["j-1"],"TerminationProtected":true}"#)
    expect(aws.requests[3], "ModifyCluster", #"{"ClusterId":"j-1","StepConcurrencyLevel":5}"#)
    expect(aws.requests[4], "AddTags", #"{"ResourceId":"j-1","Tags":[{"Key":"k","Value":"v"}]}"#)
    expect(aws.requests[5], "RemoveTags", #"{"ResourceId":"j-1","TagKeys":["a","b"]}"#)
    expect(
      aws.requests[6], "SetKeepJobFlowAliveWhenNoSteps",
      #"{"JobFlowIds":["j-1"],"KeepJobFlowAliveWhenNoSteps":false}"#)
  }

  @Test func policies() async throws {
    let aws = FakeAWS(
      .json(), .json(#"{"AutoTerminationPolicy":{"IdleTimeout":600}}"#), .json(), .json(), .json(),
      .json(
        #"{"ManagedScalingPolicy":{"ComputeLimits":{"UnitType":"VCPU","MinimumCapacityUnits":1,"MaximumCapacityUnits":2}}}"#
      ),
      .json(#"{"ManagedScalingPolicy":{}}"#), .json())
    let emr = EMRClient(aws.client)
    try await emr.putAutoTerminationPolicy("j-1", .init(idleTimeout: 600))
    #expect(try await emr.getAutoTerminationPolicy("j-1") == .init(idleTimeout: 600))
    #expect(try await emr.getAutoTerminationPolicy("j-1") == nil)
    try await emr.removeAutoTerminationPolicy("j-1")
    let policy = EMR.ManagedScalingPolicy(
      computeLimits: .init(unitType: "VCPU", minimumCapacityUnits: 1, maximumCapacityUnits: 2))
    try await emr.putManagedScalingPolicy("j-1", policy)
    #expect(try await emr.getManagedScalingPolicy("j-1") == policy)
    #expect(try await emr.getManagedScalingPolicy("j-1") == nil)
    try await emr.removeManagedScalingPolicy("j-1")
    expect(
      aws.requests[0], "PutAutoTerminationPolicy",
      #"{"AutoTerminationPolicy":{"IdleTimeout":600},"ClusterId":"j-1"}"#)
    expect(aws.requests[1], "GetAutoTerminationPolicy", #"{"ClusterId":"j-1"}"#)
    expect(aws.requests[3], "RemoveAutoTerminationPolicy", #"{"ClusterId":"j-1"}"#)
    expect(
      aws.requests[4], "PutManagedScalingPolicy",
      #"{"ClusterId":"j-1","ManagedScalingPolicy":{"ComputeLimits":{"MaximumCapacityUnits":2,"MinimumCapacityUnits":1,"UnitType":"VCPU"}}}"#
    )
    expect(aws.requests[7], "RemoveManagedScalingPolicy", #"{"ClusterId":"j-1"}"#)
  }

  @Test func instances() async throws {
    let aws = FakeAWS(
      .json(
        #"{"Instances":[{"Id":"ci-1","Ec2InstanceId":"i-1","PublicDnsName":"h","Status":{"State":"RUNNING","Timeline":{"CreationDateTime":1}},"InstanceType":"m5.xlarge"}],"Marker":"m"}"#
      ),
      .json(#"{"Instances":[{"Id":"ci-2"}]}"#),
      .json(
        #"{"InstanceGroups":[{"Id":"ig-1","InstanceGroupType":"CORE","RequestedInstanceCount":2,"RunningInstanceCount":1,"EbsBlockDevices":[{"VolumeSpecification":{"VolumeType":"gp3","SizeInGB":32},"Device":"/dev/sdb"}]}]}"#
      ),
      .json(
        #"{"InstanceFleets":[{"Id":"if-1","InstanceFleetType":"MASTER","ProvisionedOnDemandCapacity":1,"InstanceTypeSpecifications":[{"InstanceType":"m5.xlarge","WeightedCapacity":1}],"LaunchSpecifications":{"OnDemandSpecification":{"AllocationStrategy":"lowest-price"}}}]}"#
      ),
      .json(#"{"BootstrapActions":[{"Name":"b","ScriptPath":"s3://b/b.sh","Args":[]}]}"#))
    let emr = EMRClient(aws.client)
    let instances = try await emr.listInstances("j-1", groupTypes: ["MASTER"], states: ["RUNNING"])
    #expect(instances.map(\.id) == ["ci-1", "ci-2"])
    #expect(instances.first?.ec2InstanceId == "i-1")
    expect(
      aws.requests[1], "ListInstances",
      #"{"ClusterId":"j-1","InstanceGroupTypes":["MASTER"],"InstanceStates":["RUNNING"],"Marker":"m"}"#)
    #expect(try await emr.listInstanceGroups("j-1").first?.ebsBlockDevices?.first?.volumeSpecification?.sizeInGB == 32)
    #expect(try await emr.listInstanceFleets("j-1").first?.instanceTypeSpecifications?.first?.weightedCapacity == 1)
    #expect(try await emr.listBootstrapActions("j-1").first?.scriptPath == "s3://b/b.sh")
    #expect(
      aws.requests.map { $0.headers["X-Amz-Target"]?.split(separator: ".").last ?? "" } == [
        "ListInstances", "ListInstances", "ListInstanceGroups", "ListInstanceFleets", "ListBootstrapActions",
      ])
  }

  @Test(arguments: EMR.ClusterState.known) func clusterStates(_ state: EMR.ClusterState) {
    #expect(EMR.ClusterState(state.text) == state)
    #expect(state.isTerminal == state.text.hasPrefix("TERMINATED"))
    #expect(state.acceptsSteps == !state.text.hasPrefix("TERMINAT"))
  }

  @Test(arguments: EMR.StepState.known) func stepStates(_ state: EMR.StepState) {
    #expect(EMR.StepState(state.text) == state)
    #expect(state.isTerminal == !["PENDING", "CANCEL_PENDING", "RUNNING"].contains(state.text))
  }
}
