import AWS
import FoundationEssentials
import HTTP
import Testing

@Suite struct IAMTests {
  private static let role = """
    <Role><Path>/mrhealth/</Path><RoleName>emr</RoleName><RoleId>AROA1</RoleId>
    <Arn>arn:aws:iam::123456789012:role/mrhealth/emr</Arn><CreateDate>2026-11-23T18:59:43Z</CreateDate>
    <AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22x%22%3A%22a%2Bb%20c%22%7D</AssumeRolePolicyDocument>
    <Description>d</Description><MaxSessionDuration>3600</MaxSessionDuration>
    <Tags><member><Key>a</Key><Value>1</Value></member><member><Key>b</Key><Value/></member></Tags></Role>
    """

  private static func answer(_ operation: String, _ result: String = "") -> HTTPResponse {
    .xml(
      #"<\#(operation)Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/">"#
        + "<\(operation)Result>\(result)</\(operation)Result>"
        + "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></\(operation)Response>")
  }

  @Test func createRole() async throws {
    let aws = FakeAWS(Self.answer("CreateRole", Self.role))
    let role = try await IAMClient(aws.client).createRole(
      "emr", trust: #"{"a":"ü &"}"#, description: "d", tags: ["b": "", "a": "1"], path: "/mrhealth/",
      maxSessionDuration: 3600)
    let request = try aws.request()
    #expect(request.line == "POST iam.amazonaws.com/")
    #expect(
      request.form == [
        "Action": "CreateRole", "RoleName": "emr", "Path": "/mrhealth/", "AssumeRolePolicyDocument": #"{"a":"ü &"}"#,
        "Description": "d", "MaxSessionDuration": "3600", "Tags.member.1.Key": "a", "Tags.member.1.Value": "1",
        "Tags.member.2.Key": "b", "Tags.member.2.Value": "",
      ])
    #expect(request.text.contains("Version=2010-05-08"))
    #expect(role.arn == "arn:aws:iam::123456789012:role/mrhealth/emr")
    #expect(role.trust == #"{"Version":"2012-10-17","x":"a+b c"}"#)
    #expect(role.tags == ["a": "1", "b": ""])
    #expect(role.createDate?.timeIntervalSince1970 == 1_795_460_383)
    #expect(role.maxSessionDuration == 3600)
  }

  @Test func getRole() async throws {
    let aws = FakeAWS(Self.answer("GetRole", Self.role), .queryError("NoSuchEntity", status: 404))
    let iam = IAMClient(aws.client)
    #expect(try await iam.getRole("emr")?.id == "AROA1")
    #expect(try await iam.getRole("other") == nil)
    #expect(aws.requests.map(\.form)[1] == ["Action": "GetRole", "RoleName": "other"])
  }

  @Test func otherErrorsAreThrown() async throws {
    let aws = FakeAWS(.queryError("AccessDenied", "not you", status: 403))
    let iam = IAMClient(aws.client)
    let error = await awsError { () async throws(AWSError) in try await iam.getRole("emr") }
    #expect(error.code == "AccessDenied")
    #expect(error.message == "not you")
    #expect(error.status == 403)
  }

  @Test func deletingWhatIsMissingSucceeds() async throws {
    let gone = HTTPResponse.queryError("NoSuchEntity", status: 404)
    let aws = FakeAWS(gone, gone, gone, gone, gone)
    let iam = IAMClient(aws.client)
    try await iam.deleteRole("r")
    try await iam.detachRolePolicy("r", arn: "arn:p")
    try await iam.deleteRolePolicy("r", name: "p")
    try await iam.removeRole("r", fromInstanceProfile: "i")
    try await iam.deleteInstanceProfile("i")
    #expect(
      aws.requests.map(\.form) == [
        ["Action": "DeleteRole", "RoleName": "r"],
        ["Action": "DetachRolePolicy", "RoleName": "r", "PolicyArn": "arn:p"],
        ["Action": "DeleteRolePolicy", "RoleName": "r", "PolicyName": "p"],
        ["Action": "RemoveRoleFromInstanceProfile", "InstanceProfileName": "i", "RoleName": "r"],
        ["Action": "DeleteInstanceProfile", "InstanceProfileName": "i"],
      ])
  }

  @Test func changes() async throws {
    let aws = FakeAWS(
      Self.answer("UpdateAssumeRolePolicy"), Self.answer("UpdateRole"), Self.answer("TagRole"),
      Self.answer("UntagRole"), Self.answer("AttachRolePolicy"), Self.answer("PutRolePolicy"),
      Self.answer("AddRoleToInstanceProfile"), Self.answer("TagInstanceProfile"), Self.answer("UntagInstanceProfile"))
    let iam = IAMClient(aws.client)
    try await iam.updateAssumeRolePolicy("r", trust: "{}")
    try await iam.updateRole("r", description: "new")
    try await iam.tagRole("r", tags: ["k": "v"])
    try await iam.untagRole("r", keys: ["y", "x"])
    try await iam.attachRolePolicy("r", arn: "arn:p")
    try await iam.putRolePolicy("r", name: "p", document: "{}")
    try await iam.addRole("r", toInstanceProfile: "i")
    try await iam.tagInstanceProfile("i", tags: ["k": "v"])
    try await iam.untagInstanceProfile("i", keys: ["k"])
    // Nothing to change: nothing is sent.
    try await iam.tagRole("r", tags: [:])
    try await iam.untagRole("r", keys: [])
    #expect(
      aws.requests.map(\.form) == [
        ["Action": "UpdateAssumeRolePolicy", "RoleName": "r", "PolicyDocument": "{}"],
        ["Action": "UpdateRole", "RoleName": "r", "Description": "new"],
        ["Action": "TagRole", "RoleName": "r", "Tags.member.1.Key": "k", "Tags.member.1.Value": "v"],
        ["Action": "UntagRole", "RoleName": "r", "TagKeys.member.1": "x", "TagKeys.member.2": "y"],
        ["Action": "AttachRolePolicy", "RoleName": "r", "PolicyArn": "arn:p"],
        ["Action": "PutRolePolicy", "RoleName": "r", "PolicyName": "p", "PolicyDocument": "{}"],
        ["Action": "AddRoleToInstanceProfile", "InstanceProfileName": "i", "RoleName": "r"],
        [
          "Action": "TagInstanceProfile", "InstanceProfileName": "i", "Tags.member.1.Key": "k",
          "Tags.member.1.Value": "v",
        ],
        ["Action": "UntagInstanceProfile", "InstanceProfileName": "i", "TagKeys.member.1": "k"],
      ])
  }

  @Test func policiesOfAllPages() async throws {
    func page(_ names: [String], marker: String?) -> HTTPResponse {
      let members = names.map {
        "<member><PolicyName>\($0)</PolicyName><PolicyArn>arn:\($0)</PolicyArn></member>"
      }.joined()
      let more =
        marker.map { "<IsTruncated>true</IsTruncated><Marker>\($0)</Marker>" } ?? "<IsTruncated>false</IsTruncated>"
      return Self.answer("ListAttachedRolePolicies", "<AttachedPolicies>\(members)</AttachedPolicies>\(more)")
    }
    let aws = FakeAWS(page(["a", "b"], marker: "m/1="), page(["c"], marker: nil))
    let found = try await IAMClient(aws.client).listAttachedRolePolicies("r")
    #expect(found.map(\.arn) == ["arn:a", "arn:b", "arn:c"])
    #expect(aws.requests.map { $0.form["Marker"] } == [nil, "m/1="])
  }

  @Test func aPageThatNamesItselfEnds() async throws {
    let page = Self.answer("ListRolePolicies", "<PolicyNames/><IsTruncated>true</IsTruncated><Marker>m</Marker>")
    let aws = FakeAWS(page, page)
    let iam = IAMClient(aws.client)
    let error = await awsError { () async throws(AWSError) in try await iam.listRolePolicies("r") }
    #expect(error.code == ClientCode.decoding)
  }

  @Test func inlinePolicies() async throws {
    let aws = FakeAWS(
      Self.answer("ListRolePolicies", "<PolicyNames><member>p</member></PolicyNames><IsTruncated>false</IsTruncated>"),
      Self.answer("GetRolePolicy", "<PolicyName>p</PolicyName><PolicyDocument>%7B%22a%22%3A1%7D</PolicyDocument>"),
      .queryError("NoSuchEntity", status: 404))
    let iam = IAMClient(aws.client)
    #expect(try await iam.listRolePolicies("r") == ["p"])
    #expect(try await iam.getRolePolicy("r", name: "p") == #"{"a":1}"#)
    #expect(try await iam.getRolePolicy("r", name: "q") == nil)
  }

  @Test func instanceProfile() async throws {
    let profile = """
      <InstanceProfile><Path>/</Path><InstanceProfileName>i</InstanceProfileName><InstanceProfileId>AIPA</InstanceProfileId>
      <Arn>arn:aws:iam::1:instance-profile/i</Arn><CreateDate>2026-11-23T18:59:43Z</CreateDate>
      <Roles><member><RoleName>emr</RoleName></member></Roles>
      <Tags><member><Key>k</Key><Value>v</Value></member></Tags></InstanceProfile>
      """
    let aws = FakeAWS(
      Self.answer("CreateInstanceProfile", profile), Self.answer("GetInstanceProfile", profile),
      .queryError("NoSuchEntity", status: 404))
    let iam = IAMClient(aws.client)
    let made = try await iam.createInstanceProfile("i", tags: ["k": "v"])
    #expect(made.roles == ["emr"])
    #expect(made.tags == ["k": "v"])
    #expect(try await iam.getInstanceProfile("i") == made)
    #expect(try await iam.getInstanceProfile("x") == nil)
    #expect(
      aws.requests[0].form == [
        "Action": "CreateInstanceProfile", "InstanceProfileName": "i", "Tags.member.1.Key": "k",
        "Tags.member.1.Value": "v",
      ])
  }

  @Test func serviceLinkedRoleThatExists() async throws {
    let aws = FakeAWS(
      .queryError("InvalidInput", "Service role name AWSServiceRoleForEMRCleanup has been taken in this account"),
      .queryError("InvalidInput", "bad name"))
    let iam = IAMClient(aws.client)
    #expect(try await iam.createServiceLinkedRole(service: "elasticmapreduce.amazonaws.com") == nil)
    #expect(
      aws.requests.first?.form == [
        "Action": "CreateServiceLinkedRole", "AWSServiceName": "elasticmapreduce.amazonaws.com",
      ])
    let error = await awsError { () async throws(AWSError) in try await iam.createServiceLinkedRole(service: "x") }
    #expect(error.code == "InvalidInput")
  }
}
