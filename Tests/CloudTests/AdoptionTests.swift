import Engine
import Model
import Support
import Synchronization
import Testing

@testable import Cloud

/// AWS as a table: what is there by kind and id. Reads give what the stack wants unless something else is written.
private struct Shelf: ResourceProvider {
  let kind: String
  let things: [String: Value]
  var replacing: [String] = []
  var holdsData: Bool { false }

  func normalize(_ inputs: Value) throws -> Value {
    kind == "s3.upload" ? inputs.with("objects", ["p/a.py": "1", "p/b.py": "2"]) : inputs
  }
  func replacementInputs(from old: Value, to new: Value) -> [String] { replacing.filter { old[$0] != new[$0] } }
  func read(_ id: String, recorded: Observation, context: ResourceContext) async throws -> Observation? {
    if things[id] == "forbidden" { throw Diagnostic("Not allowed: \(id)") }
    guard let thing = things[id] else { return nil }
    let inputs = (recorded.inputs.object ?? [:]).merging(thing.object ?? [:]) { $1 }
    return Observation(
      inputs: .object(inputs),
      outputs: ["name": .string(id), "arn": .string("arn:\(id)"), "state": thing["state"] ?? .null])
  }
  func find(_ inputs: Value, context: ResourceContext) async throws -> String? { nil }
  func create(_ inputs: Value, context: ResourceContext) async throws -> Created { throw Diagnostic("no") }
  func update(_ id: String, from old: Value, to new: Value, context: ResourceContext) async throws -> Value { [:] }
  func delete(_ id: String, recorded: Value, context: ResourceContext) async throws {}
}

@Suite struct AdoptionTests {
  static let lake = Model.Address(kind: "s3.bucket", name: "lake")
  static let files = Model.Address(kind: "s3.upload", name: "files")
  static let group = Model.Address(kind: "ec2.security_group", name: "nodes")
  static let role = Model.Address(kind: "iam.role", name: "emr")
  static let topic = Model.Address(kind: "sns.topic", name: "alerts")
  static let cluster = Model.Address(kind: "emr.cluster", name: "main")

  static let declarations: [Model.Address: Value] = [
    lake: ["name": "lake-${account}"],
    files: ["bucket": "${s3.bucket.lake.name}", "prefix": "p/"],
    group: ["name": "nodes", "vpc": "vpc-1"], role: ["name": "emr"],
    topic: ["name": "alerts", "subscriptions": [["protocol": "email", "endpoint": "a@b"]]],
    cluster: ["name": "main", "service_role": "${iam.role.emr.arn}", "release": "emr-7"],
  ]
  static let aws: [String: [String: Value]] = [
    "s3.bucket": ["lake-1": [:]], "s3.upload": ["lake-1/p/": [:]], "ec2.security_group": ["sg-1": [:]],
    "iam.role": ["emr": [:]], "sns.topic": ["arn:aws:sns:r:1:alerts": [:]], "emr.cluster": ["j-1": [:]],
  ]

  private func adoption(
    _ only: [Model.Address]? = nil, aws: [String: [String: Value]] = Self.aws
  ) throws -> Adoption {
    let declared = Self.declarations.filter { only?.contains($0.key) ?? true }
    let graph = try Graph(declared.map { ResourceDeclaration(address: $0.key, inputs: $0.value) })
    let providers: [String: any ResourceProvider] = Dictionary(
      uniqueKeysWithValues: Self.aws.keys.map {
        ($0, Shelf(kind: $0, things: aws[$0] ?? [:], replacing: ["vpc", "release"]))
      })
    let importing = ResourceImport(stack: "s", graph: graph, providers: providers) { reference in
      reference.path == ["account"] ? "1" : nil
    }
    return Adoption(importing, account: "1", region: "r")
  }

  private static func resource(
    _ address: String, _ attributes: [String: String] = [:], lists: [String: [String]] = [:]
  ) -> TerraformResource {
    let block = String(address.prefix { $0 != "[" })
    let type = block.split(separator: ".").dropLast().last.map(String.init) ?? ""
    return TerraformResource(address: address, block: block, type: type, attributes: attributes, lists: lists)
  }

  private static let everything = [
    resource("aws_s3_bucket.lake", ["id": "lake-1", "bucket": "lake-1", "arn": "arn:aws:s3:::lake-1"]),
    resource(#"aws_s3_object.f["a"]"#, ["bucket": "lake-1", "key": "p/a.py"]),
    resource(#"aws_s3_object.f["b"]"#, ["bucket": "lake-1", "key": "p/b.py"]),
    resource("module.net.aws_security_group.nodes", ["id": "sg-1", "name": "nodes", "vpc_id": "vpc-1"]),
    resource("aws_iam_role.emr[0]", ["id": "emr", "name": "emr", "arn": "arn:aws:iam::1:role/emr"]),
    resource("aws_sns_topic.t", ["id": "arn:aws:sns:r:1:alerts", "arn": "arn:aws:sns:r:1:alerts", "name": "alerts"]),
    resource("aws_emr_cluster.main", ["id": "j-1", "name": "main"]),
  ]

  private func plan(
    _ extra: [TerraformResource], only: [Model.Address]? = nil, aws: [String: [String: Value]] = Self.aws
  )
    async throws -> AdoptionPlan
  {
    try await adoption(only, aws: aws).plan(TerraformState(resources: Self.everything + extra), state: nil)
  }

  @Test func `all that both have is taken over, in an order in which references are known`() async throws {
    let plan = try await plan([])
    #expect(Set(plan.adopted.map(\.address)) == Set(Self.declarations.keys))
    #expect(plan.staying.isEmpty && plan.missing.isEmpty && plan.gone.isEmpty && plan.known.isEmpty)
    let upload = try #require(plan.adopted.first { $0.address == Self.files })
    #expect(upload.terraform == [#"aws_s3_object.f["a"]"#, #"aws_s3_object.f["b"]"#])
    #expect(upload.id == "lake-1/p/")
    #expect(plan.records[Self.cluster]?.inputs["service_role"] == "arn:emr")
    #expect(plan.records[Self.cluster]?.dependsOn == [Self.role])
    #expect(
      plan.forgotten(by: TerraformState(resources: Self.everything)) == [
        "aws_s3_bucket.lake", "aws_s3_object.f", "module.net.aws_security_group.nodes", "aws_iam_role.emr",
        "aws_sns_topic.t", "aws_emr_cluster.main",
      ])
  }

  @Test func `settings, rules and attachments are parts`() async throws {
    let parts: [(TerraformResource, Model.Address)] = [
      (Self.resource("aws_s3_bucket_versioning.v", ["id": "lake-1", "bucket": "lake-1"]), Self.lake),
      (Self.resource("aws_s3_bucket_server_side_encryption_configuration.v", ["bucket": "lake-1"]), Self.lake),
      (Self.resource("aws_s3_bucket_public_access_block.v", ["id": "lake-1"]), Self.lake),
      (Self.resource("aws_s3_bucket_policy.v", ["bucket": "lake-1"]), Self.lake),
      (Self.resource("aws_s3_bucket_lifecycle_configuration.v", ["bucket": "lake-1"]), Self.lake),
      (Self.resource("aws_s3_bucket_ownership_controls.v", ["bucket": "lake-1"]), Self.lake),
      (Self.resource("aws_iam_role_policy.v", ["id": "emr:p"]), Self.role),
      (Self.resource("aws_iam_role_policy_attachment.v", ["role": "emr"]), Self.role),
      (Self.resource("aws_iam_policy_attachment.v", lists: ["roles": ["x", "emr"]]), Self.role),
      (Self.resource("aws_iam_role_policies_exclusive.v", ["role_name": "emr"]), Self.role),
      (Self.resource("aws_security_group_rule.v", ["type": "ingress", "security_group_id": "sg-1"]), Self.group),
      (Self.resource("aws_vpc_security_group_ingress_rule.v", ["security_group_id": "sg-1"]), Self.group),
      (Self.resource("aws_emr_instance_group.v", ["cluster_id": "j-1"]), Self.cluster),
      (
        Self.resource(
          "aws_sns_topic_subscription.v",
          ["topic_arn": "arn:aws:sns:r:1:alerts", "protocol": "email", "endpoint": "a@b"]), Self.topic
      ),
    ]
    let plan = try await plan(parts.map(\.0))
    #expect(plan.parts.map(\.terraform) == parts.map(\.0.address))
    #expect(plan.parts.map(\.of) == parts.map { [$0.1] })
    #expect(plan.staying.isEmpty)
  }

  @Test func `what has no place in the stack stays, with a hint`() async throws {
    let others: [(TerraformResource, String)] = [
      (Self.resource("aws_s3_bucket.x", ["bucket": "x"]), "declare it under `buckets` to manage it here"),
      (Self.resource("aws_s3_bucket_versioning.x", ["bucket": "x"]), "its bucket is not taken over"),
      (Self.resource("aws_s3_bucket_cors_configuration.x", ["bucket": "lake-1"]), "not managed by mrhealth"),
      (
        Self.resource("aws_s3_bucket_object.x", ["bucket": "lake-1", "key": "p/c.py"]),
        "no upload of the stack makes this object"
      ),
      (Self.resource("aws_iam_role_policy_attachment.x", ["role": "x"]), "its role is not taken over"),
      (
        Self.resource("aws_security_group_rule.x", ["type": "egress", "security_group_id": "sg-1"]),
        "not managed by mrhealth, which leaves a group's outgoing rules as they are"
      ),
      (
        Self.resource("aws_sns_topic_subscription.x", ["topic_arn": "arn:aws:sns:r:1:alerts", "endpoint": "c@d"]),
        "declare it in a topic's `subscriptions` to manage it here"
      ),
      (
        Self.resource("aws_iam_role.x", ["name": "x", "arn": "arn:aws:iam::2:role/x"]),
        "it is in another account or region"
      ),
      (Self.resource("random_id.x"), "not managed by mrhealth"),
    ]
    let plan = try await plan(others.map(\.0))
    #expect(plan.staying.map(\.terraform) == others.map(\.0.address))
    for (staying, other) in zip(plan.staying, others) { #expect(staying.hint == other.1, "\(staying.terraform)") }
    #expect(plan.adopted.count == 6)
  }

  @Test func `an instance that stays keeps its block in Terraform`() async throws {
    let other = Self.resource(#"aws_s3_object.f["c"]"#, ["bucket": "lake-1", "key": "p/c.py"])
    let state = TerraformState(resources: Self.everything + [other])
    let forgotten = try await adoption().plan(state, state: nil).forgotten(by: state)
    #expect(forgotten.filter { $0.hasPrefix("aws_s3_object") } == [#"aws_s3_object.f["a"]"#, #"aws_s3_object.f["b"]"#])
  }

  @Test func `gone from AWS, and only in the stack`() async throws {
    var aws = Self.aws
    aws["iam.role"] = [:]
    var resources = Self.everything
    resources.removeAll { $0.type == "aws_sns_topic" }
    let plan = try await adoption(aws: aws).plan(TerraformState(resources: resources), state: nil)
    #expect(plan.gone.map(\.address) == [Self.role])
    #expect(plan.missing.map(\.address) == [Self.topic, Self.cluster])
    #expect(plan.missing.last?.note == "it needs iam.role.emr")
    #expect(plan.staying.map(\.hint) == ["it needs iam.role.emr, which is not taken over"])
    #expect(plan.records[Self.cluster] == nil, "a reference nobody knows is not recorded")
  }

  @Test func `what the state has already stays as it is`() async throws {
    let record = StateResource(
      address: Self.lake, id: "lake-1", status: .created, inputs: ["name": "lake-1"], outputs: ["name": "lake-1"])
    let plan = try await adoption().plan(
      TerraformState(resources: Self.everything), state: State(stack: "s", resources: [record]))
    #expect(plan.known == [.init(address: Self.lake, id: "lake-1", terraform: ["aws_s3_bucket.lake"])])
    #expect(plan.records[Self.lake] == nil && plan.records[Self.files] != nil)
  }

  @Test func `a group of the name in another VPC is another group`() async throws {
    var aws = Self.aws
    aws["ec2.security_group"] = ["sg-1": ["vpc": "vpc-9"]]
    let plan = try await plan([], aws: aws)
    #expect(plan.missing.map(\.address) == [Self.group])
    #expect(plan.staying.map(\.hint) == ["another resource of this name: vpc differs"])
  }

  @Test func `of several clusters of a name the one that lives, otherwise the user says which`() async throws {
    let second = Self.resource("aws_emr_cluster.old", ["id": "j-0", "name": "main"])
    var aws = Self.aws
    aws["emr.cluster"] = ["j-0": ["state": "TERMINATED"], "j-1": ["state": "WAITING"]]
    let plan = try await plan([second], aws: aws)
    #expect(plan.adopted.first { $0.address == Self.cluster }?.id == "j-1")
    #expect(plan.staying.map(\.terraform) == ["aws_emr_cluster.old"])

    aws["emr.cluster"] = ["j-0": [:], "j-1": [:]]
    do {
      _ = try await self.plan([second], aws: aws)
      Issue.record("no error")
    } catch let all as Diagnostics {
      #expect(all.all.map(\.summary) == ["Several resources of Terraform could be emr.cluster.main"])
      #expect(all.all[0].detail.contains("aws_emr_cluster.old (j-0)"))
      #expect(all.all[0].remedy.contains("mrhealth state import emr.cluster.main"))
    }
  }

  @Test func `every read that fails is reported, and nothing is planned`() async throws {
    var aws = Self.aws
    aws["iam.role"] = ["emr": "forbidden"]
    aws["sns.topic"] = ["arn:aws:sns:r:1:alerts": "forbidden"]
    do {
      _ = try await plan([], aws: aws)
      Issue.record("no error")
    } catch let all as Diagnostics {
      #expect(Set(all.all.compactMap(\.address)).isSuperset(of: [Self.role, Self.topic]))
    }
  }

  @Test func `a state of another account is refused`() async throws {
    let theirs = TerraformState(resources: [
      Self.resource("aws_iam_role.emr", ["name": "emr", "arn": "arn:aws:iam::999:role/emr"]),
      Self.resource("aws_iam_policy.p", ["arn": "arn:aws:iam::aws:policy/x"]),
    ])
    let found = await diagnostic { try await adoption().plan(theirs, state: nil) }
    #expect(found.summary == "The Terraform state is of another account")
    #expect(found.detail.contains("999") && found.remedy.contains("--profile"))
  }
}
