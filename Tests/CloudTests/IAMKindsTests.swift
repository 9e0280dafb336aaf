import AWS
import Engine
import Model
import Support
import Testing

@testable import Cloud

@Suite struct IAMKindsTests {
  let account = Account()
  var aws: ScriptedAWS { account.aws }

  static let inputs: Value = [
    "name": "emr", "trust": "ec2.amazonaws.com", "managed_policies": ["arn:m"],
    "policies": ["p": ["Statement": ["Effect": "Allow", "Action": "s3:*", "Resource": "*"]]], "tags": ["team": "x"],
  ]

  static func role(_ tags: [String: String] = Account.tags, trust: String = "") -> ScriptedAWS.Answer {
    .ok(
      "<R><Role><RoleName>emr</RoleName><RoleId>AROA1</RoleId><Arn>arn:aws:iam::123456789012:role/emr</Arn>"
        + "<AssumeRolePolicyDocument>\(trust)</AssumeRolePolicyDocument><MaxSessionDuration>3600</MaxSessionDuration>"
        + "<Tags>\(tagsXML(tags))</Tags></Role></R>")
  }

  static func profile(_ role: String? = nil, _ tags: [String: String] = Account.tags) -> ScriptedAWS.Answer {
    let roles = role.map { "<member><RoleName>\($0)</RoleName></member>" } ?? ""
    return .ok(
      "<R><InstanceProfile><InstanceProfileName>nodes</InstanceProfileName><Arn>arn:p</Arn><Roles>\(roles)</Roles>"
        + "<Tags>\(tagsXML(tags))</Tags></InstanceProfile></R>")
  }

  private func create() async throws -> Created {
    try await account.kind("iam.role").create(account.normalize("iam.role", Self.inputs), context: account.context)
  }

  @Test func `a role is made with our tags, then given its policies`() async throws {
    aws.on("CreateRole", Self.role())
    aws.on("AttachRolePolicy", .ok("<R/>"))
    aws.on("PutRolePolicy", .ok("<R/>"))
    let made = try await create()
    #expect(made.id == "emr")
    #expect(made.outputs["arn"] == "arn:aws:iam::123456789012:role/emr")
    #expect(made.outputs["unique_id"] == "AROA1")
    #expect(aws.operations.first == "CreateRole")
    #expect(aws.operations.sorted() == ["AttachRolePolicy", "CreateRole", "PutRolePolicy"])
    #expect(account.created == ["emr"])
    let form = try #require(aws.requests("CreateRole").first).form
    let tags = (1...4).map { "\(form["Tags.member.\($0).Key"] ?? "")=\(form["Tags.member.\($0).Value"] ?? "")" }
    #expect(tags == ["mrhealth:address=a.b.c", "mrhealth:stack=s", "mrhealth:token=t-1", "team=x"])
  }

  @Test func `our own role of a lost create is adopted`() async throws {
    aws.on("CreateRole", .fault("EntityAlreadyExists", status: 409))
    aws.on("GetRole", Self.role())
    aws.on("AttachRolePolicy", .ok("<R/>"))
    aws.on("PutRolePolicy", .ok("<R/>"))
    #expect(try await create().id == "emr")
    #expect(aws.count("CreateRole") == 1)
    #expect(account.created == ["emr"])
  }

  @Test(arguments: [[:], [Tags.stack: "another", Tags.address: "a.b.c"]])
  func `somebody else's role is left alone`(_ tags: [String: String]) async {
    aws.on("CreateRole", .fault("EntityAlreadyExists", status: 409))
    aws.on("GetRole", Self.role(tags))
    let found = await diagnostic { try await create() }
    #expect(found.summary == "Role `emr` exists and does not belong to this stack")
    #expect(found.remedy.contains("mrhealth state import a.b.c emr"), "\(found.remedy)")
    #expect(found.address == account.context.address)
    #expect(aws.changes == ["CreateRole"], "nothing else may be changed")
  }

  @Test func `a role as it was made shows no drift, others' policies do`() async throws {
    let document =
      #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"#
    aws.on(
      "GetRole",
      Self.role(
        Account.tags.merging(["team": "x", "aws:x": "y"]) { $1 },
        trust: URLEncoding.encode(document + #""Action":"sts:AssumeRole"}]}"#)))
    aws.on(
      "ListAttachedRolePolicies",
      .ok("<R><AttachedPolicies><member><PolicyArn>arn:m</PolicyArn></member></AttachedPolicies></R>"))
    aws.on("ListRolePolicies", .ok("<R><PolicyNames><member>p</member></PolicyNames></R>"))
    let policy = #"{"Statement":[{"Action":["s3:*"],"Effect":"Allow","Resource":["*"]}]}"#
    aws.on("GetRolePolicy", .ok("<R><PolicyDocument>\(URLEncoding.encode(policy))</PolicyDocument></R>"))
    let outputs: Value = ["name": "emr", "arn": "a", "unique_id": "u"]
    let recorded = try account.recorded("iam.role", Self.inputs, outputs)
    let role = try account.kind("iam.role")
    let now = try #require(try await role.read("emr", recorded: recorded, context: account.context))
    #expect(now.inputs == recorded.inputs)
    aws.on(
      "ListAttachedRolePolicies",
      .ok("<R><AttachedPolicies><member><PolicyArn>arn:evil</PolicyArn></member></AttachedPolicies></R>"))
    let later = try #require(try await role.read("emr", recorded: recorded, context: account.context))
    #expect(later.inputs["managed_policies"] == ["arn:evil"])
    aws.on("GetRole", .fault("NoSuchEntity", status: 404))
    #expect(try await role.read("emr", recorded: recorded, context: account.context) == nil)
  }

  @Test func `an update changes what differs and nothing else`() async throws {
    let role = try account.kind("iam.role")
    let old = try account.normalize("iam.role", Self.inputs)
    let new = try account.normalize(
      "iam.role",
      Self.inputs.with("managed_policies", ["arn:n"]).with("policies", nil).with("tags", ["team": "y"])
        .with("trust", "emr.amazonaws.com"))
    for operation in [
      "UpdateAssumeRolePolicy", "TagRole", "AttachRolePolicy", "DetachRolePolicy", "DeleteRolePolicy",
    ] { aws.on(operation, .ok("<R/>")) }
    aws.on("GetRole", Self.role())
    _ = try await role.update("emr", from: old, to: new, context: account.context)
    #expect(
      aws.changes.sorted() == [
        "AttachRolePolicy", "DeleteRolePolicy", "DetachRolePolicy", "TagRole", "UpdateAssumeRolePolicy",
      ])
    #expect(aws.requests("DetachRolePolicy").first?.form["PolicyArn"] == "arn:m")
    #expect(aws.requests("AttachRolePolicy").first?.form["PolicyArn"] == "arn:n")
  }

  @Test func `a role goes with all that hangs on it, also what others have hung there`() async throws {
    let inputs = try account.normalize("iam.role", Self.inputs)
    aws.on("GetRole", Self.role())
    aws.on(
      "ListAttachedRolePolicies",
      .ok("<R><AttachedPolicies><member><PolicyArn>arn:x</PolicyArn></member></AttachedPolicies></R>"))
    aws.on("ListRolePolicies", .ok("<R><PolicyNames><member>q</member></PolicyNames></R>"))
    for operation in ["DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"] { aws.on(operation, .ok("<R/>")) }
    try await account.kind("iam.role").delete("emr", recorded: inputs, context: account.context)
    #expect(aws.changes == ["DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"])
    let gone = Account()
    gone.aws.on("GetRole", .fault("NoSuchEntity", status: 404))
    try await gone.kind("iam.role").delete("emr", recorded: inputs, context: gone.context)
    #expect(gone.aws.operations == ["GetRole"], "already gone is done")
  }

  // MARK: Instance profiles

  static let profileInputs: Value = ["name": "nodes", "role": "emr"]

  private func createProfile() async throws -> Created {
    try await account.kind("iam.instance_profile").create(
      account.normalize("iam.instance_profile", Self.profileInputs), context: account.context)
  }

  @Test func `a profile is made and given its role`() async throws {
    aws.on("CreateInstanceProfile", Self.profile())
    aws.on("AddRoleToInstanceProfile", .ok("<R/>"))
    #expect(try await createProfile().id == "nodes")
    #expect(aws.operations == ["CreateInstanceProfile", "AddRoleToInstanceProfile"])
    #expect(account.created == ["nodes"])
  }

  @Test func `our own profile is adopted and its role set right`() async throws {
    aws.on("CreateInstanceProfile", .fault("EntityAlreadyExists", status: 409))
    aws.on("GetInstanceProfile", Self.profile("wrong"))
    aws.on("RemoveRoleFromInstanceProfile", .ok("<R/>"))
    aws.on("AddRoleToInstanceProfile", .ok("<R/>"))
    #expect(try await createProfile().outputs["arn"] == "arn:p")
    #expect(aws.changes == ["CreateInstanceProfile", "RemoveRoleFromInstanceProfile", "AddRoleToInstanceProfile"])
  }

  @Test func `a profile that has its role is not given it again`() async throws {
    aws.on("CreateInstanceProfile", .fault("EntityAlreadyExists", status: 409))
    aws.on("GetInstanceProfile", Self.profile("emr"))
    _ = try await createProfile()
    #expect(aws.changes == ["CreateInstanceProfile"])
  }

  @Test func `somebody else's profile is left alone`() async {
    aws.on("CreateInstanceProfile", .fault("EntityAlreadyExists", status: 409))
    aws.on("GetInstanceProfile", Self.profile(nil, [:]))
    let found = await diagnostic { try await createProfile() }
    #expect(found.summary == "Instance profile `nodes` exists and does not belong to this stack")
    #expect(aws.changes == ["CreateInstanceProfile"])
  }

  @Test func `an update of a profile changes tags and role where they differ`() async throws {
    aws.on("GetInstanceProfile", Self.profile("emr"))
    for operation in ["TagInstanceProfile", "UntagInstanceProfile", "RemoveRoleFromInstanceProfile"] {
      aws.on(operation, .ok("<R/>"))
    }
    aws.on("AddRoleToInstanceProfile", .ok("<R/>"))
    let profile = try account.kind("iam.instance_profile")
    let old = try account.normalize("iam.instance_profile", Self.profileInputs.with("tags", ["a": "1"]))
    let new = try account.normalize("iam.instance_profile", Self.profileInputs.with("tags", ["b": "1"]))
    _ = try await profile.update("nodes", from: old, to: new, context: account.context)
    #expect(aws.changes == ["TagInstanceProfile", "UntagInstanceProfile"])
    _ = try await profile.update("nodes", from: new, to: new.with("role", "other"), context: account.context)
    #expect(aws.changes.suffix(2) == ["RemoveRoleFromInstanceProfile", "AddRoleToInstanceProfile"])
    aws.on("GetInstanceProfile", .fault("NoSuchEntity", status: 404))
    let found = await diagnostic { try await profile.update("nodes", from: old, to: new, context: account.context) }
    #expect(found.summary == "Instance profile `nodes` vanished while it was updated")
  }

  @Test func `an error of AWS names the resource it concerns`() async {
    aws.on("CreateRole", .fault("AccessDenied", "no iam:CreateRole", status: 403))
    let found = await diagnostic { try await create() }
    #expect(found.summary == "Not allowed: IAM CreateRole")
    #expect(found.address == account.context.address)
    #expect(found.detail.contains("no iam:CreateRole"))
  }

  @Test func `a profile is emptied before it is deleted`() async throws {
    aws.on("GetInstanceProfile", Self.profile("emr"))
    aws.on("RemoveRoleFromInstanceProfile", .ok("<R/>"))
    aws.on("DeleteInstanceProfile", .ok("<R/>"))
    let inputs = try account.normalize("iam.instance_profile", Self.profileInputs)
    try await account.kind("iam.instance_profile").delete("nodes", recorded: inputs, context: account.context)
    #expect(aws.changes == ["RemoveRoleFromInstanceProfile", "DeleteInstanceProfile"])
  }

  @Test func `a role taken out of a profile shows as drift`() async throws {
    aws.on("GetInstanceProfile", Self.profile())
    let recorded = try account.recorded("iam.instance_profile", Self.profileInputs, ["name": "nodes", "arn": "a"])
    let now = try await account.kind("iam.instance_profile").read("nodes", recorded: recorded, context: account.context)
    #expect(now?.inputs["role"] == "")
  }
}
