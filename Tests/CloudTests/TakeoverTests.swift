import AWS
import Engine
import Model
import Support
import Testing

@testable import Cloud

/// Resources that this stack did not make: what is said of them, and how they become its own.
@Suite struct TakeoverTests {
  let account = Account()
  var aws: ScriptedAWS { account.aws }

  private static let tagBoth: Value = [.string(Tags.stack), .string(Tags.address)]
  private static let foreign = ["team": "x"]

  /// What a read after an import says.
  private func take(_ kind: String, _ id: String, _ inputs: Value, in account: Account? = nil) async throws
    -> Observation
  {
    let account = account ?? self.account
    // An import has no token, nothing is recorded.
    var context = account.context
    context.token = ""
    let wanted = Observation(inputs: try account.normalize(kind, inputs), outputs: [:])
    return try #require(try await account.kind(kind).read(id, recorded: wanted, context: context))
  }

  /// An update of which only our tags are left to do.
  private func claim(_ kind: String, _ id: String, _ inputs: Value) async throws {
    let wanted = try account.normalize(kind, inputs)
    let now = wanted.with("missing_tags", Self.tagBoth)
    #expect(try account.kind(kind).replacementInputs(from: now, to: wanted) == [])
    _ = try await account.kind(kind).update(id, from: now, to: wanted, context: account.context)
  }

  private static func tags(_ form: [String: String], _ list: String) -> [String] {
    (1...9).compactMap { form["\(list).\($0).Key"] }
  }

  // MARK: our tags

  @Test(arguments: [
    ([:], [Tags.stack, Tags.address]), ([Tags.stack: "s", Tags.address: "a.b.former"], [Tags.address]),
    ([Tags.stack: "another", Tags.address: "a.b.c"], [Tags.stack]),
  ])
  func `a role without our tags says which are missing`(_ tags: [String: String], _ missing: [String]) async throws {
    aws.on("GetRole", IAMKindsTests.role(tags))
    aws.on("ListAttachedRolePolicies", .ok("<R/>"))
    aws.on("ListRolePolicies", .ok("<R/>"))
    let now = try await take("iam.role", "emr", IAMKindsTests.inputs)
    #expect(now.inputs["missing_tags"] == .list(missing.map(Value.string)))
    #expect(now.inputs["tags"] == [:], "ours are not the user's")
  }

  @Test func `a role of ours says nothing`() async throws {
    aws.on("GetRole", IAMKindsTests.role())
    aws.on("ListAttachedRolePolicies", .ok("<R/>"))
    aws.on("ListRolePolicies", .ok("<R/>"))
    #expect(try await take("iam.role", "emr", IAMKindsTests.inputs).inputs["missing_tags"] == nil)
  }

  @Test func `an update puts them on a role and a profile`() async throws {
    aws.on("GetRole", IAMKindsTests.role([:]))
    aws.on("TagRole", .ok("<R/>"))
    try await claim("iam.role", "emr", IAMKindsTests.inputs)
    #expect(aws.changes == ["TagRole"])
    let role = try #require(aws.requests("TagRole").first).form
    #expect(Self.tags(role, "Tags.member").contains(Tags.stack))

    aws.on("GetInstanceProfile", IAMKindsTests.profile("emr", [:]))
    aws.on("TagInstanceProfile", .ok("<R/>"))
    try await claim("iam.instance_profile", "nodes", ["name": "nodes", "role": "emr"])
    #expect(aws.changes == ["TagRole", "TagInstanceProfile"])
  }

  @Test func `an update puts them on a bucket beside the user's`() async throws {
    aws.on("PUT lake?tagging", .ok(""))
    try await claim("s3.bucket", "lake", ["name": "lake", "tags": ["team": "x"]])
    #expect(aws.changes == ["PUT lake?tagging"])
    let body = aws.requests("PUT lake?tagging").first?.text ?? ""
    #expect(body.contains("mrhealth:address") && body.contains("team"), "\(body)")
  }

  @Test func `an update puts them on a group, a topic and a cluster`() async throws {
    aws.on("DescribeSecurityGroups", SecurityGroupTests.groups(SecurityGroupTests.group(tags: [:])))
    aws.on("CreateTags", .ok("<R/>"))
    try await claim("ec2.security_group", "sg-1", ["name": "nodes", "vpc": "vpc-1"])
    aws.on("ListSubscriptionsByTopic", .ok("<R/>"))
    aws.on("TagResource", .ok("<R/>"))
    try await claim("sns.topic", "arn:t", ["name": "alerts"])
    aws.on("DescribeCluster", ClusterTests.cluster("WAITING", tags: [:]))
    aws.on("AddTags", .ok("{}"))
    try await claim("emr.cluster", "j-1", Examples.small)
    #expect(aws.changes == ["CreateTags", "TagResource", "AddTags"])
    #expect(aws.requests("AddTags").first?.text.contains("mrhealth:stack") == true)
  }

  @Test func `nothing is tagged that is tagged`() async throws {
    aws.on("GetRole", IAMKindsTests.role())
    let wanted = try account.normalize("iam.role", IAMKindsTests.inputs)
    _ = try await account.kind("iam.role").update("emr", from: wanted, to: wanted, context: account.context)
    #expect(aws.changes == [])
  }

  // MARK: what is not known yet

  @Test func `an upload takes over its own files' objects, and sends what differs`() async throws {
    let folder = try ScratchFolder()
    try folder.write("jobs/same.py", "same")
    try folder.write("jobs/other.py", "new")
    try folder.write("jobs/fresh.py", "fresh")
    let account = Account(folder: folder.path)
    account.aws.put("code/pipeline/same.py", "same")
    account.aws.put("code/pipeline/other.py", "old")
    account.aws.put("code/pipeline/theirs.py", "not ours")
    let inputs: Value = ["bucket": "code", "from": "jobs", "prefix": "pipeline"]
    let now = try await take("s3.upload", "code/pipeline/", inputs, in: account)
    #expect(
      now.inputs["objects"] == [
        "pipeline/same.py": .string(MD5.hex(Array("same".utf8))),
        "pipeline/other.py": .string(MD5.hex(Array("old".utf8))),
      ])
    let upload = try account.kind("s3.upload")
    #expect(try await upload.read("x", recorded: now, context: account.context) == now, "and it stays so")
    let wanted = try account.normalize("s3.upload", inputs)
    _ = try await upload.update("x", from: now.inputs, to: wanted, context: account.context)
    #expect(account.aws.changes.sorted() == ["PUT code/pipeline/fresh.py", "PUT code/pipeline/other.py"])
    #expect(account.aws.object("code/pipeline/theirs.py") == "not ours")
  }

  @Test func `a group of the default VPC and one of another`() async throws {
    aws.on("DescribeSecurityGroups", SecurityGroupTests.groups(SecurityGroupTests.group(tags: [:])))
    aws.on("DescribeVpcs", .ok("<R><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></R>"))
    let inputs: Value = ["name": "nodes"]
    #expect(try await take("ec2.security_group", "sg-1", inputs).inputs["vpc"] == "default")
    aws.on("DescribeVpcs", .ok("<R><vpcSet><item><vpcId>vpc-2</vpcId></item></vpcSet></R>"))
    #expect(try await take("ec2.security_group", "sg-1", inputs).inputs["vpc"] == "vpc-1")
  }

  private func answer(_ more: String, groups: String = #"{"InstanceGroups":[]}"#) {
    aws.on("DescribeCluster", ClusterTests.cluster("WAITING", tags: Account.tags, more: more))
    aws.on("GetAutoTerminationPolicy", .ok(#"{"AutoTerminationPolicy":{"IdleTimeout":3600}}"#))
    aws.on("ListBootstrapActions", .ok("{}"))
    aws.on("ListInstanceGroups", .ok(groups))
  }

  @Test func `a cluster that means the same shows no difference`() async throws {
    answer(
      #","ReleaseLabel":"emr-7.13.0","Applications":[{"Name":"spark"}],"ServiceRole":"arn:aws:iam::1:role/emr","#
        + #""EbsRootVolumeSize":15,"SecurityConfiguration":"","Configurations":[],"#
        + #""Ec2InstanceAttributes":{"Ec2KeyName":"","Ec2SubnetId":"subnet-7","EmrManagedMasterSecurityGroup":"sg-9","#
        + #""IamInstanceProfile":"arn:aws:iam::1:instance-profile/nodes"}"#,
      groups:
        #"{"InstanceGroups":[{"InstanceGroupType":"MASTER","InstanceType":"m5.xlarge","RequestedInstanceCount":1,"#
        + #""Market":"ON_DEMAND","EbsBlockDevices":[{"VolumeSpecification":{"VolumeType":"gp2","SizeInGB":32}}]}]}"#)
    let now = try await take("emr.cluster", "j-1", Examples.small)
    #expect(now.inputs == (try account.normalize("emr.cluster", Examples.small)))
  }

  @Test func `a cluster that is another is shown as it is`() async throws {
    answer(
      #","ReleaseLabel":"emr-6.15.0","Applications":[{"Name":"Hive"},{"Name":"Spark"}],"ServiceRole":"other","#
        + #""Configurations":[{"Classification":"spark","Properties":{"a":"b"}}],"#
        + #""Ec2InstanceAttributes":{"Ec2KeyName":"k","IamInstanceProfile":"nodes"}"#,
      groups: #"{"InstanceGroups":[{"InstanceGroupType":"CORE","InstanceType":"m5.large","RequestedInstanceCount":3},"#
        + #"{"InstanceGroupType":"MASTER","InstanceType":"m5.xlarge","RequestedInstanceCount":1}]}"#)
    let now = try await take("emr.cluster", "j-1", Examples.small)
    let wanted = try account.normalize("emr.cluster", Examples.small)
    #expect(
      try account.kind("emr.cluster").replacementInputs(from: now.inputs, to: wanted) == [
        "applications", "configurations", "instance_groups", "key_name", "release", "service_role",
      ])
    #expect(now.inputs.at(["instance_groups", "1", "count"]) == 3, "in the stack's order: \(now.inputs)")
  }

  @Test func `a cluster of fleets`() async throws {
    aws.on(
      "DescribeCluster",
      ClusterTests.cluster(
        "WAITING",
        more: #","ReleaseLabel":"emr-7.13.0","InstanceCollectionType":"INSTANCE_FLEET","ServiceRole":"emr","#
          + #""Applications":[{"Name":"Spark"}],"Ec2InstanceAttributes":{"IamInstanceProfile":"nodes"}"#))
    aws.on("GetAutoTerminationPolicy", .ok("{}"))
    aws.on("ListBootstrapActions", .ok("{}"))
    aws.on(
      "ListInstanceFleets",
      .ok(
        #"{"InstanceFleets":[{"InstanceFleetType":"MASTER","TargetOnDemandCapacity":1,"TargetSpotCapacity":2,"#
          + #""InstanceTypeSpecifications":[{"InstanceType":"m5.xlarge","WeightedCapacity":1,"EbsBlockDevices":["#
          + #"{"VolumeSpecification":{"VolumeType":"gp3","SizeInGB":64}},"#
          + #"{"VolumeSpecification":{"VolumeType":"gp3","SizeInGB":64}}]}]}]}"#))
    let now = try await take("emr.cluster", "j-1", Examples.fleets)
    #expect(now.inputs == (try account.normalize("emr.cluster", Examples.fleets)))
  }

  @Test func `an unfinished launch of ours is not asked for all that`() async throws {
    aws.on("DescribeCluster", ClusterTests.cluster("WAITING"))
    aws.on("GetAutoTerminationPolicy", .ok(#"{"AutoTerminationPolicy":{"IdleTimeout":3600}}"#))
    let wanted = Observation(inputs: try account.normalize("emr.cluster", Examples.small), outputs: [:])
    _ = try await account.kind("emr.cluster").read("j-1", recorded: wanted, context: account.context)
    #expect(aws.operations.sorted() == ["DescribeCluster", "GetAutoTerminationPolicy"])
  }

  @Test func `an empty Sid, as older Terraform writes it, is none`() throws {
    let bare = try #require(PolicyDocument(json: #"{"Statement":[{"Effect":"Allow","Action":"a","Resource":"r"}]}"#))
    let empty = PolicyDocument(json: #"{"Statement":[{"Sid":"","Effect":"Allow","Action":"a","Resource":"r"}]}"#)
    #expect(empty == bare)
  }
}
