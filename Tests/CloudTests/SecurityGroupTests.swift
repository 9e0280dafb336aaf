import Engine
import Model
import Support
import Testing

@testable import Cloud

@Suite struct SecurityGroupTests {
  let account = Account()
  var aws: ScriptedAWS { account.aws }

  static let inputs: Value = [
    "name": "nodes", "vpc": "vpc-1", "ingress": [["from_port": 22, "cidr": "203.0.113.7/32"]],
  ]
  static let outputs: Value = ["id": "sg-1", "name": "nodes", "arn": "a", "vpc_id": "vpc-1"]

  static func groups(_ groups: String...) -> ScriptedAWS.Answer {
    .ok("<R><securityGroupInfo>\(groups.joined())</securityGroupInfo></R>")
  }

  static func group(_ rules: String = "", id: String = "sg-1", tags: [String: String] = Account.tags) -> String {
    let tagSet = tags.sorted { $0.key < $1.key }.map {
      "<item><key>\($0.key)</key><value>\($0.value)</value></item>"
    }
    return "<item><groupId>\(id)</groupId><groupName>nodes</groupName>"
      + "<groupDescription>Managed by mrhealth</groupDescription><vpcId>vpc-1</vpcId><ownerId>123456789012</ownerId>"
      + "<ipPermissions>\(rules)</ipPermissions><tagSet>\(tagSet.joined())</tagSet></item>"
  }

  static func rule(_ peer: String, proto: String = "tcp", port: Int? = 22) -> String {
    let ports = port.map { "<fromPort>\($0)</fromPort><toPort>\($0)</toPort>" } ?? ""
    return "<item><ipProtocol>\(proto)</ipProtocol>\(ports)\(peer)</item>"
  }

  static func cidr(_ text: String) -> String { "<ipRanges><item><cidrIp>\(text)</cidrIp></item></ipRanges>" }
  static func from(_ group: String) -> String { "<groups><item><groupId>\(group)</groupId></item></groups>" }

  private func create() async throws -> Created {
    try await account.kind("ec2.security_group").create(
      account.normalize("ec2.security_group", Self.inputs), context: account.context)
  }

  @Test func `a group is made, waited for, and opened to whom the stack names`() async throws {
    aws.on("CreateSecurityGroup", .ok("<R><groupId>sg-1</groupId></R>"))
    aws.on(
      "DescribeSecurityGroups", .fault("InvalidGroup.NotFound"), .fault("InvalidGroup.NotFound"),
      Self.groups(Self.group()))
    aws.on("AuthorizeSecurityGroupIngress", .ok("<R/>"))
    let made = try await create()
    #expect(made.id == "sg-1")
    #expect(made.outputs["arn"] == "arn:aws:ec2:us-east-2:123456789012:security-group/sg-1")
    #expect(aws.changes == ["CreateSecurityGroup", "AuthorizeSecurityGroupIngress"])
    #expect(account.created == ["sg-1"])
    let form = try #require(aws.requests("AuthorizeSecurityGroupIngress").first).form
    #expect(form["IpPermissions.1.IpRanges.1.CidrIp"] == "203.0.113.7/32")
    #expect(form["IpPermissions.1.FromPort"] == "22")
    #expect(form["IpPermissions.1.ToPort"] == "22")
  }

  @Test func `our own group of a lost create is adopted with the rules it has`() async throws {
    aws.on("CreateSecurityGroup", .fault("InvalidGroup.Duplicate"))
    aws.on("DescribeSecurityGroups", Self.groups(Self.group(Self.rule(Self.cidr("203.0.113.7/32")))))
    #expect(try await create().id == "sg-1")
    #expect(aws.changes == ["CreateSecurityGroup"], "the rule is there already")
  }

  @Test func `somebody else's group is left alone`() async {
    aws.on("CreateSecurityGroup", .fault("InvalidGroup.Duplicate"))
    aws.on("DescribeSecurityGroups", Self.groups(Self.group(tags: [:])))
    let found = await diagnostic { try await create() }
    #expect(found.summary == "Security group `nodes` exists and does not belong to this stack")
    #expect(found.remedy.contains("state import a.b.c sg-1"), "\(found.remedy)")
    #expect(aws.changes == ["CreateSecurityGroup"])
  }

  @Test func `an account without a default VPC`() async throws {
    aws.on("DescribeVpcs", .ok("<R/>"))
    let inputs = try account.normalize("ec2.security_group", ["name": "g"])
    let found = await diagnostic {
      try await account.kind("ec2.security_group").create(inputs, context: account.context)
    }
    #expect(found.summary == "The account has no default VPC in us-east-2")
  }

  @Test func `EMR's rules between groups are no drift, a foreign address is`() async throws {
    let recorded = try account.recorded("ec2.security_group", Self.inputs, Self.outputs)
    let kind = try account.kind("ec2.security_group")
    let emr = Self.rule(Self.from("sg-2"), proto: "-1", port: nil)
    aws.on("DescribeSecurityGroups", Self.groups(Self.group(Self.rule(Self.cidr("203.0.113.7/32")) + emr)))
    let now = try #require(try await kind.read("sg-1", recorded: recorded, context: account.context))
    #expect(now.inputs == recorded.inputs)

    let open = Self.rule(Self.cidr("0.0.0.0/0"))
    let list = Self.rule("<prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds>")
    aws.on("DescribeSecurityGroups", Self.groups(Self.group(open + emr + list)))
    let opened = try #require(try await kind.read("sg-1", recorded: recorded, context: account.context))
    #expect(opened.inputs["ingress"]?.list?.compactMap { $0["cidr"]?.string } == ["0.0.0.0/0", "pl-1"])

    aws.on("AuthorizeSecurityGroupIngress", .ok("<R/>"))
    aws.on("RevokeSecurityGroupIngress", .ok("<R/>"))
    _ = try await kind.update("sg-1", from: opened.inputs, to: recorded.inputs, context: account.context)
    #expect(aws.changes == ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"])
    let form = try #require(aws.requests("RevokeSecurityGroupIngress").first).form
    #expect(form["IpPermissions.1.IpRanges.1.CidrIp"] == "0.0.0.0/0")
    #expect(form["IpPermissions.2.PrefixListIds.1.PrefixListId"] == "pl-1", "a prefix list is no CIDR: \(form)")
    #expect(form["IpPermissions.3.IpProtocol"] == nil, "EMR's rule stays")
  }

  @Test func `a group is freed of all that refers to it, and waited for`() async throws {
    let circular = Self.group(
      Self.rule(Self.from("sg-1")) + Self.rule(Self.cidr("10.0.0.0/8")), id: "sg-2")
    let letting = Self.group("", id: "sg-3").replacing(
      "<tagSet>", with: "<ipPermissionsEgress>\(Self.rule(Self.from("sg-1")))</ipPermissionsEgress><tagSet>")
    aws.on("DescribeSecurityGroups", Self.groups(Self.group()), Self.groups(circular), Self.groups(letting))
    aws.on("RevokeSecurityGroupIngress", .ok("<R/>"))
    aws.on("RevokeSecurityGroupEgress", .ok("<R/>"))
    aws.on("DeleteSecurityGroup", .fault("DependencyViolation"), .fault("DependencyViolation"), .ok("<R/>"))
    let inputs = try account.normalize("ec2.security_group", Self.inputs)
    try await account.kind("ec2.security_group").delete("sg-1", recorded: inputs, context: account.context)
    #expect(
      aws.changes == [
        "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "DeleteSecurityGroup", "DeleteSecurityGroup",
        "DeleteSecurityGroup",
      ])
    let egress = try #require(aws.requests("RevokeSecurityGroupEgress").first).form
    #expect(egress["GroupId"] == "sg-3" && egress["IpPermissions.1.Groups.1.GroupId"] == "sg-1")
    let form = try #require(aws.requests("RevokeSecurityGroupIngress").first).form
    #expect(form["GroupId"] == "sg-2")
    #expect(form["IpPermissions.1.Groups.1.GroupId"] == "sg-1")
    #expect(form["IpPermissions.2.IpProtocol"] == nil, "its other rules stay")
    #expect(account.progress == ["still used by network interfaces", "still used by network interfaces"])
  }

  @Test func `a group in use is given up after ten minutes, another refusal at once`() async throws {
    let inputs = try account.normalize("ec2.security_group", Self.inputs)
    let kind = try account.kind("ec2.security_group")
    aws.on("DescribeSecurityGroups", Self.groups(Self.group()), Self.groups())
    aws.on("DeleteSecurityGroup", .fault("DependencyViolation"))
    let found = await diagnostic { try await kind.delete("sg-1", recorded: inputs, context: account.context) }
    #expect(found.summary == "Security group sg-1 is still in use")
    #expect(aws.clock.uptime <= .seconds(600))
    aws.on("DescribeSecurityGroups", Self.groups(Self.group()), Self.groups())
    aws.on("DeleteSecurityGroup", .fault("UnauthorizedOperation", status: 403))
    let refused = await diagnostic { try await kind.delete("sg-1", recorded: inputs, context: account.context) }
    #expect(refused.summary == "Not allowed: EC2 DeleteSecurityGroup")
    aws.on("DescribeSecurityGroups", .fault("InvalidGroup.NotFound"))
    try await kind.delete("sg-1", recorded: inputs, context: account.context)
  }
}

@Suite struct TopicTests {
  let account = Account()
  var aws: ScriptedAWS { account.aws }
  static let arn = "arn:aws:sns:us-east-2:123456789012:alerts"
  static let inputs: Value = [
    "name": "alerts", "display_name": "Mr. Health",
    "subscriptions": [["protocol": "email", "endpoint": "a@example.com"]],
  ]

  static func subscriptions(_ all: (proto: String, endpoint: String, arn: String)...) -> ScriptedAWS.Answer {
    let members = all.map {
      "<member><Protocol>\($0.proto)</Protocol><Endpoint>\($0.endpoint)</Endpoint>"
        + "<SubscriptionArn>\($0.arn)</SubscriptionArn></member>"
    }
    return .ok("<R><Subscriptions>\(members.joined())</Subscriptions></R>")
  }

  static let attributes = ScriptedAWS.Answer.ok(
    "<R><Attributes><entry><key>DisplayName</key><value>Mr. Health</value></entry></Attributes></R>")

  private func create() async throws -> Created {
    try await account.kind("sns.topic").create(account.normalize("sns.topic", Self.inputs), context: account.context)
  }

  @Test func `a topic is made and its subscribers are asked; a pending one stays pending`() async throws {
    aws.on("GetTopicAttributes", .fault("NotFound", status: 404))
    aws.on("CreateTopic", .ok("<R><TopicArn>\(Self.arn)</TopicArn></R>"))
    aws.on("Subscribe", .ok("<R/>"))
    aws.on("ListSubscriptionsByTopic", Self.subscriptions(("email", "a@example.com", "PendingConfirmation")))
    let made = try await create()
    #expect(made.id == Self.arn)
    #expect(made.outputs["pending"] == ["a@example.com"])
    #expect(aws.changes == ["CreateTopic", "Subscribe"])
    #expect(account.created == [Self.arn])
  }

  @Test func `our own topic is taken up, somebody else's is not`() async throws {
    aws.on("GetTopicAttributes", Self.attributes)
    aws.on("ListTagsForResource", .ok("<R><Tags>\(tagsXML(Account.tags))</Tags></R>"))
    aws.on("Subscribe", .ok("<R/>"))
    aws.on("ListSubscriptionsByTopic", Self.subscriptions())
    #expect(try await create().id == Self.arn)
    #expect(aws.changes == ["Subscribe"])
    let other = Account()
    other.aws.on("GetTopicAttributes", Self.attributes)
    other.aws.on("ListTagsForResource", .ok("<R><Tags/></R>"))
    let inputs = try other.normalize("sns.topic", Self.inputs)
    let found = await diagnostic { try await other.kind("sns.topic").create(inputs, context: other.context) }
    #expect(found.summary == "Topic `alerts` exists and does not belong to this stack")
    #expect(other.aws.changes == [])
  }

  @Test func `others' subscriptions are no drift, a lost one of ours is`() async throws {
    aws.on("GetTopicAttributes", Self.attributes)
    aws.on("ListTagsForResource", .ok("<R><Tags>\(tagsXML(Account.tags))</Tags></R>"))
    aws.on(
      "ListSubscriptionsByTopic",
      Self.subscriptions(("email", "a@example.com", "PendingConfirmation"), ("email", "boss@example.com", "arn:s:2")))
    let recorded = try account.recorded(
      "sns.topic", Self.inputs, ["arn": .string(Self.arn), "name": "alerts", "pending": []])
    let topic = try account.kind("sns.topic")
    let now = try #require(try await topic.read(Self.arn, recorded: recorded, context: account.context))
    #expect(now.inputs == recorded.inputs)
    #expect(now.outputs["pending"] == ["a@example.com"])
    aws.on("ListSubscriptionsByTopic", Self.subscriptions())
    let later = try await topic.read(Self.arn, recorded: recorded, context: account.context)
    #expect(later?.inputs["subscriptions"] == [])
    aws.on("GetTopicAttributes", .fault("NotFound", status: 404))
    #expect(try await topic.read(Self.arn, recorded: recorded, context: account.context) == nil)
  }

  @Test func `an update drops confirmed subscriptions that we made, and only those`() async throws {
    let old = try account.normalize("sns.topic", Self.inputs)
    let new = try account.normalize(
      "sns.topic",
      Self.inputs.with("subscriptions", [["protocol": "sqs", "endpoint": "arn:aws:sqs:q"]]).with("display_name", "X"))
    aws.on(
      "ListSubscriptionsByTopic",
      Self.subscriptions(
        ("email", "a@example.com", "arn:s:1"), ("email", "boss@example.com", "arn:s:2"),
        ("sqs", "arn:aws:sqs:q", "arn:s:3")))
    for operation in ["SetTopicAttributes", "Subscribe", "Unsubscribe"] { aws.on(operation, .ok("<R/>")) }
    _ = try await account.kind("sns.topic").update(Self.arn, from: old, to: new, context: account.context)
    #expect(aws.changes == ["SetTopicAttributes", "Subscribe", "Unsubscribe"])
    #expect(aws.requests("Unsubscribe").map { $0.form["SubscriptionArn"] } == ["arn:s:1"])
  }

  @Test func `a topic that is gone is deleted`() async throws {
    aws.on("DeleteTopic", .fault("NotFound", status: 404))
    let inputs = try account.normalize("sns.topic", Self.inputs)
    try await account.kind("sns.topic").delete(Self.arn, recorded: inputs, context: account.context)
    #expect(aws.operations == ["DeleteTopic"])
  }
}
