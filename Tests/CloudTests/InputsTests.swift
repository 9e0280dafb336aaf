import Engine
import Model
import Support
import Testing

@testable import Cloud

@Suite struct InputsTests {
  let account = Account()

  @Test(arguments: Examples.all.keys.sorted())
  func `the canonical form is a fixed point`(_ kind: String) throws {
    for example in Examples.all[kind] ?? [] {
      let once = try account.normalize(kind, example)
      #expect(try account.normalize(kind, once) == once, "\(kind)")
      #expect(try account.kind(kind).replacementInputs(from: once, to: once) == [])
    }
  }

  /// Inputs that hold the names of what is computed, never written.
  static let computed = [
    "s3.bucket": ["public_access_blocked"], "s3.bucket.lifecycle": ["enabled"], "s3.upload": ["objects"],
  ]

  @Test(arguments: Catalog.definitions.map(\.kind).sorted())
  func `what the stack file knows is what the kind decodes`(_ kind: String) throws {
    let definition = try #require(Catalog.definitions.first { $0.kind == kind })
    let folder = try ScratchFolder()
    try folder.write("a.py", "x")
    let account = Account(folder: folder.path)
    let upload: Value = [
      "bucket": "b", "from": ".", "prefix": "p", "include": ["*.py"], "exclude": ["x"],
    ]
    let examples = kind == "s3.upload" ? [upload] : Examples.all[kind] ?? []
    let written = examples.reduce(.object([:]), Self.merge)
    let decoded = try examples.map { try account.normalize(kind, $0) }.reduce(.object([:]), Self.merge)
    Self.compare(.object(definition.inputs), written, decoded, kind)
  }

  private static func compare(_ schema: Schema, _ written: Value, _ decoded: Value, _ path: String) {
    switch schema {
    case .object(let fields):
      let names = Set(fields.map(\.name))
      #expect(Set(written.object?.keys.map { $0 } ?? []) == names, "the example of \(path) has not every key")
      #expect(
        Set(decoded.object?.keys.map { $0 } ?? []) == names.union(Self.computed[path] ?? []),
        "\(path): definition and inputs differ")
      for field in fields {
        compare(field.schema, written[field.name] ?? .null, decoded[field.name] ?? .null, "\(path).\(field.name)")
      }
    case .list(of: .object(let fields)):
      compare(
        .object(fields), (written.list ?? []).reduce(.object([:]), merge),
        (decoded.list ?? []).reduce(.object([:]), merge),
        path)
    default: break
    }
  }

  /// All that either has: of lists all items, of objects all keys.
  private static func merge(_ first: Value, _ second: Value) -> Value {
    switch (first, second) {
    case (.object(let first), .object(let second)): .object(first.merging(second, uniquingKeysWith: merge))
    case (.list(let first), .list(let second)): .list(first + second)
    default: second
    }
  }

  @Test func `what is left out has its default`() throws {
    let bucket = try account.normalize("s3.bucket", ["name": "lake"])
    #expect(bucket["versioning"] == false)
    #expect(bucket["public_access_blocked"] == true)
    let role = try account.normalize("iam.role", ["name": "r", "trust": "ec2.amazonaws.com"])
    #expect(role["max_session_seconds"] == 3600)
    #expect(role.at(["trust", "Statement", "0", "Principal", "Service", "0"]) == "ec2.amazonaws.com")
    let group = try account.normalize(
      "ec2.security_group", ["name": "g", "ingress": [["from_port": 22, "cidr": "10.0.0.0/8"]]])
    #expect(group["vpc"] == "default")
    #expect(group["description"] == "Managed by mrhealth")
    #expect(group.at(["ingress", "0", "to_port"]) == 22)
    #expect(group.at(["ingress", "0", "protocol"]) == "tcp")
    let cluster = try account.normalize("emr.cluster", Examples.small)
    #expect(cluster["applications"] == ["Spark"])
    #expect(cluster["step_concurrency"] == 1)
    #expect(cluster["runs_forever"] == false)
  }

  static let replacements: [(kind: String, old: Value, key: String, new: Value, forced: [String])] = [
    ("s3.bucket", ["name": "lake-1"], "name", "lake-2", ["name"]),
    ("s3.bucket", ["name": "lake-1"], "versioning", true, []),
    ("iam.role", ["name": "r", "trust": "ec2.amazonaws.com"], "description", "x", []),
    ("iam.instance_profile", ["name": "r", "role": "r"], "role", "q", []),
    ("ec2.security_group", ["name": "g"], "description", "x", ["description"]),
    ("sns.topic", ["name": "t"], "display_name", "x", []),
    ("emr.cluster", Examples.small, "step_concurrency", 5, []),
    ("emr.cluster", Examples.small, "idle_timeout_minutes", 5, []),
    ("emr.cluster", Examples.small, "release", "emr-7.14.0", ["release"]),
    ("emr.cluster", Examples.small, "bootstrap", [["name": "a", "script": "s3://a/b"]], ["bootstrap"]),
  ]

  @Test(arguments: replacements.indices) func `what forces replacement`(_ index: Int) throws {
    let (kind, old, key, new, forced) = Self.replacements[index]
    let before = try account.normalize(kind, old)
    let after = try account.normalize(kind, old.with(key, new))
    #expect(before != after)
    #expect(try account.kind(kind).replacementInputs(from: before, to: after) == forced, "\(kind) \(key)")
  }

  @Test func `a cluster's defaults written out are no change, let alone a replacement`() throws {
    let brief = try account.normalize(
      "emr.cluster",
      Examples.small.with("bootstrap", [["name": "a", "script": "s3://a/b"]]).with(
        "instance_groups",
        [["role": "MASTER", "type": "m5.xlarge", "count": 1, "ebs": ["type": "gp3", "size_gib": 64]]]))
    let full = try account.normalize(
      "emr.cluster",
      Examples.small.with("bootstrap", [["name": "a", "script": "s3://a/b", "args": []]]).with(
        "instance_groups",
        [
          [
            "role": "MASTER", "type": "m5.xlarge", "count": 1, "market": "ON_DEMAND",
            "ebs": ["type": "gp3", "size_gib": 64, "count": 1],
          ]
        ]
      ).with("applications", ["Spark"]).with("step_concurrency", 1).with("termination_protection", false))
    #expect(try account.kind("emr.cluster").replacementInputs(from: brief, to: full) == [])
    #expect(brief == full)
  }

  @Test func `lists that are sets have one order`() throws {
    let role = try account.normalize("iam.role", Examples.role)
    #expect(role["managed_policies"] == ["arn:a", "arn:b"])
    let cluster = try account.normalize("emr.cluster", Examples.cluster)
    #expect(cluster["subnets"] == ["subnet-1", "subnet-2"])
    let topic = try account.normalize("sns.topic", Examples.topic)
    #expect(topic.at(["subscriptions", "0", "protocol"]) == "email")
  }

  @Test func `a missing or mistyped input is named`() async {
    let missing = await diagnostic { try account.normalize("iam.role", ["name": "r"]) }
    #expect(missing.detail == "`trust` is missing")
    let mistyped = await diagnostic { try account.normalize("s3.bucket", ["name": "lake", "versioning": "yes"]) }
    #expect(mistyped.summary == "The inputs of a s3.bucket do not fit")
    #expect(mistyped.detail.hasPrefix("versioning: "), "\(mistyped.detail)")
  }
}
