import AWS
import HTTP
import Testing

@Suite struct EC2Tests {
  private static func answer(_ operation: String, _ content: String = "<return>true</return>") -> HTTPResponse {
    .xml(
      #"<\#(operation)Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>"#
        + "\(content)</\(operation)Response>")
  }

  @Test func vpcsAndSubnetsOfAllPages() async throws {
    let aws = FakeAWS(
      Self.answer(
        "DescribeVpcs",
        "<vpcSet><item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><state>available</state>"
          + "<isDefault>true</isDefault><ownerId>1</ownerId>"
          + "<tagSet><item><key>k</key><value>v</value></item></tagSet></item></vpcSet>"),
      Self.answer(
        "DescribeSubnets",
        "<subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/20</cidrBlock>"
          + "<availabilityZone>us-east-2a</availabilityZone><state>available</state><defaultForAz>true</defaultForAz>"
          + "<mapPublicIpOnLaunch>true</mapPublicIpOnLaunch><availableIpAddressCount>4091</availableIpAddressCount>"
          + "<subnetArn>arn:s</subnetArn></item></subnetSet><nextToken>t</nextToken>"),
      Self.answer("DescribeSubnets", "<subnetSet><item><subnetId>subnet-2</subnetId></item></subnetSet>"))
    let ec2 = EC2Client(aws.client)
    let vpcs = try await ec2.describeVpcs(filters: [EC2.Filter("is-default", "true")])
    #expect(vpcs.map(\.id) == ["vpc-1"])
    #expect(vpcs.first?.isDefault == true)
    #expect(vpcs.first?.tags == ["k": "v"])
    let subnets = try await ec2.describeSubnets(
      filters: [EC2.Filter("vpc-id", ["vpc-1", "vpc-2"]), .tag("a:b", "c")], ids: ["subnet-1", "subnet-2"])
    #expect(subnets.map(\.id) == ["subnet-1", "subnet-2"])
    #expect(subnets.first?.availableAddresses == 4091)
    #expect(
      aws.requests.map(\.form) == [
        ["Action": "DescribeVpcs", "Filter.1.Name": "is-default", "Filter.1.Value.1": "true"],
        [
          "Action": "DescribeSubnets", "Filter.1.Name": "vpc-id", "Filter.1.Value.1": "vpc-1",
          "Filter.1.Value.2": "vpc-2", "Filter.2.Name": "tag:a:b", "Filter.2.Value.1": "c", "SubnetId.1": "subnet-1",
          "SubnetId.2": "subnet-2",
        ],
        [
          "Action": "DescribeSubnets", "Filter.1.Name": "vpc-id", "Filter.1.Value.1": "vpc-1",
          "Filter.1.Value.2": "vpc-2", "Filter.2.Name": "tag:a:b", "Filter.2.Value.1": "c", "SubnetId.1": "subnet-1",
          "SubnetId.2": "subnet-2", "NextToken": "t",
        ],
      ])
    #expect(aws.requests[0].line == "POST ec2.us-east-2.amazonaws.com/")
    #expect(aws.requests[0].text.contains("Version=2016-11-15"))
  }

  @Test func createSecurityGroup() async throws {
    let aws = FakeAWS(
      Self.answer("CreateSecurityGroup", "<groupId>sg-1</groupId>"), Self.answer("CreateSecurityGroup"))
    let ec2 = EC2Client(aws.client)
    let id = try await ec2.createSecurityGroup(name: "g", description: "d", vpc: "vpc-1", tags: ["k": "v"])
    #expect(id == "sg-1")
    #expect(
      aws.requests[0].form == [
        "Action": "CreateSecurityGroup", "GroupName": "g", "GroupDescription": "d", "VpcId": "vpc-1",
        "TagSpecification.1.ResourceType": "security-group", "TagSpecification.1.Tag.1.Key": "k",
        "TagSpecification.1.Tag.1.Value": "v",
      ])
    let error = await awsError { () async throws(AWSError) in
      try await ec2.createSecurityGroup(name: "g", description: "d", vpc: "v")
    }
    #expect(error.code == ClientCode.decoding)
  }

  @Test func securityGroup() async throws {
    let aws = FakeAWS(
      Self.answer(
        "DescribeSecurityGroups",
        """
        <securityGroupInfo><item><ownerId>1</ownerId><groupId>sg-1</groupId><groupName>g</groupName>
        <groupDescription>d</groupDescription><vpcId>vpc-1</vpcId><ipPermissions><item><ipProtocol>tcp</ipProtocol>
        <fromPort>22</fromPort><toPort>22</toPort><groups><item><userId>1</userId><groupId>sg-2</groupId></item></groups>
        <ipRanges><item><cidrIp>10.0.0.0/8</cidrIp><description>home</description></item></ipRanges>
        <ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>
        <prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds></item></ipPermissions>
        <ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><groups/><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item>
        </ipRanges></item></ipPermissionsEgress><tagSet><item><key>k</key><value>v</value></item></tagSet></item>
        </securityGroupInfo>
        """), .ec2Error("InvalidGroup.NotFound"))
    let ec2 = EC2Client(aws.client)
    let group = try #require(try await ec2.getSecurityGroup("sg-1"))
    #expect(aws.requests[0].form == ["Action": "DescribeSecurityGroups", "GroupId.1": "sg-1"])
    #expect(
      group.ingress == [
        EC2.IpPermission(
          proto: "tcp", fromPort: 22, toPort: 22, cidrs: [.init("10.0.0.0/8", description: "home")],
          ipv6CIDRs: [.init("::/0")], groups: [.init("sg-2", userID: "1")], prefixLists: [.init("pl-1")])
      ])
    #expect(group.egress == [.allowAllEgress])
    #expect(group.tags == ["k": "v"])
    #expect(try await ec2.getSecurityGroup("sg-9") == nil)
  }

  @Test func authorize() async throws {
    let aws = FakeAWS(Self.answer("AuthorizeSecurityGroupIngress"))
    let permission = EC2.IpPermission(
      proto: "tcp", fromPort: 0, toPort: 65535, cidrs: [.init("10.0.0.0/8", description: "a b")],
      ipv6CIDRs: [.init("fd00::/8")], groups: [.init("sg-1", description: "self")], prefixLists: [.init("pl-1")])
    try await EC2Client(aws.client).authorizeIngress(
      "sg-1", [permission, EC2.IpPermission(proto: "-1", groups: [.init("sg-2")])])
    #expect(
      try aws.request().form == [
        "Action": "AuthorizeSecurityGroupIngress", "GroupId": "sg-1", "IpPermissions.1.IpProtocol": "tcp",
        "IpPermissions.1.FromPort": "0", "IpPermissions.1.ToPort": "65535",
        "IpPermissions.1.IpRanges.1.CidrIp": "10.0.0.0/8", "IpPermissions.1.IpRanges.1.Description": "a b",
        "IpPermissions.1.Ipv6Ranges.1.CidrIpv6": "fd00::/8", "IpPermissions.1.Groups.1.GroupId": "sg-1",
        "IpPermissions.1.Groups.1.Description": "self", "IpPermissions.1.PrefixListIds.1.PrefixListId": "pl-1",
        "IpPermissions.2.IpProtocol": "-1", "IpPermissions.2.Groups.1.GroupId": "sg-2",
      ])
  }

  /// EC2 refuses a call as a whole when one rule of it exists: what is missing must still be granted.
  @Test func authorizeWhatIsPartlyThere() async throws {
    let aws = FakeAWS(
      .ec2Error("InvalidPermission.Duplicate"), .ec2Error("InvalidPermission.Duplicate"),
      Self.answer("AuthorizeSecurityGroupEgress"))
    let permission = EC2.IpPermission(
      proto: "tcp", fromPort: 1, toPort: 1, cidrs: [.init("1.1.1.1/32"), .init("2.2.2.2/32")])
    try await EC2Client(aws.client).authorizeEgress("sg-1", [permission])
    #expect(
      aws.requests.map { $0.form["IpPermissions.1.IpRanges.1.CidrIp"] } == ["1.1.1.1/32", "1.1.1.1/32", "2.2.2.2/32"])
  }

  @Test func revokeWhatIsGone() async throws {
    let aws = FakeAWS(.ec2Error("InvalidPermission.NotFound"), .ec2Error("UnauthorizedOperation", status: 403))
    let ec2 = EC2Client(aws.client)
    let rule = EC2.IpPermission(proto: "-1", groups: [.init("sg-1")])
    try await ec2.revokeIngress("sg-1", [rule])
    #expect(aws.requests[0].form["Action"] == "RevokeSecurityGroupIngress")
    try await ec2.revokeEgress("sg-1", [])
    let error = await awsError { () async throws(AWSError) in try await ec2.revokeEgress("sg-1", [rule]) }
    #expect(error.code == "UnauthorizedOperation")
    #expect(aws.requests[1].form["Action"] == "RevokeSecurityGroupEgress")
  }

  @Test func deleteSecurityGroup() async throws {
    let aws = FakeAWS(.ec2Error("InvalidGroup.NotFound"), .ec2Error("DependencyViolation"))
    let ec2 = EC2Client(aws.client)
    try await ec2.deleteSecurityGroup("sg-1")
    #expect(aws.requests[0].form == ["Action": "DeleteSecurityGroup", "GroupId": "sg-1"])
    let error = await awsError { () async throws(AWSError) in try await ec2.deleteSecurityGroup("sg-2") }
    #expect(error.code == "DependencyViolation")
  }

  @Test func tagsAndInterfaces() async throws {
    let aws = FakeAWS(
      Self.answer("CreateTags"), Self.answer("DeleteTags"),
      Self.answer(
        "DescribeNetworkInterfaces",
        "<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><status>in-use</status>"
          + "<requesterId>amazon-elb</requesterId><attachment><instanceId>i-1</instanceId></attachment>"
          + "<groupSet><item><groupId>sg-1</groupId></item></groupSet></item></networkInterfaceSet>"))
    let ec2 = EC2Client(aws.client)
    try await ec2.createTags(["subnet-1", "sg-1"], tags: ["b": "2", "a": "1"])
    try await ec2.deleteTags(["sg-1"], keys: ["b", "a"])
    let found = try await ec2.describeNetworkInterfaces(filters: [EC2.Filter("group-id", "sg-1")])
    #expect(found.first?.instanceID == "i-1")
    #expect(found.first?.groupIDs == ["sg-1"])
    #expect(
      aws.requests.map(\.form) == [
        [
          "Action": "CreateTags", "ResourceId.1": "subnet-1", "ResourceId.2": "sg-1", "Tag.1.Key": "a",
          "Tag.1.Value": "1", "Tag.2.Key": "b", "Tag.2.Value": "2",
        ],
        ["Action": "DeleteTags", "ResourceId.1": "sg-1", "Tag.1.Key": "a", "Tag.2.Key": "b"],
        ["Action": "DescribeNetworkInterfaces", "Filter.1.Name": "group-id", "Filter.1.Value.1": "sg-1"],
      ])
  }

  @Test func equalPermissionsInOtherClothesNeedNoChange() {
    let current = [
      EC2.IpPermission(
        proto: "tcp", fromPort: 443, toPort: 443, cidrs: [.init("10.0.0.0/8"), .init("192.168.0.0/16")],
        groups: [.init("sg-1", userID: "123456789012")]),
      EC2.IpPermission(proto: "-1", ipv6CIDRs: [.init("fd00::/8")]),
    ]
    let desired = [
      EC2.IpPermission(proto: "all", fromPort: 0, toPort: 0, ipv6CIDRs: [.init("FD00::/8")]),
      EC2.IpPermission(proto: "6", fromPort: 443, toPort: 443, groups: [.init("sg-1")]),
      EC2.IpPermission(proto: "TCP", fromPort: 443, toPort: 443, cidrs: [.init("192.168.0.0/16", description: "x")]),
      EC2.IpPermission(proto: "tcp", fromPort: 443, toPort: 443, cidrs: [.init("10.0.0.0/8")]),
    ]
    let changes = EC2.IpPermission.changes(from: current, to: desired)
    #expect(changes.authorize.isEmpty)
    #expect(changes.revoke.isEmpty)
  }

  @Test func changesAreTheDifference() {
    let changes = EC2.IpPermission.changes(
      from: [.allowAllEgress],
      to: [
        EC2.IpPermission(proto: "tcp", fromPort: 443, toPort: 443, cidrs: [.init("0.0.0.0/0", description: "https")])
      ])
    #expect(
      changes.authorize == [
        EC2.IpPermission(proto: "tcp", fromPort: 443, toPort: 443, cidrs: [.init("0.0.0.0/0", description: "https")])
      ])
    #expect(changes.revoke == [.allowAllEgress])
  }
}
