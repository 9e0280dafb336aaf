import Model
import Testing

@testable import Cloud

@Suite struct ValidationTests {
  let account = Account()

  @Test(arguments: ["abc", "lake-1", "a.b", "123", String(repeating: "a", count: 63)])
  func `names of buckets`(_ name: String) throws {
    #expect(try account.normalize("s3.bucket", ["name": .string(name)])["name"] == .string(name))
  }

  @Test(arguments: [
    "", "ab", "Lake", "lake_1", "-lake", "lake-", ".lake", "lake.", "la..ke", "lake 1", "açúcar", "192.168.5.4",
    "xn--lake", "lake-s3alias", String(repeating: "a", count: 64),
  ])
  func `names that no bucket can have`(_ name: String) async {
    let found = await diagnostic { try account.normalize("s3.bucket", ["name": .string(name)]) }
    #expect(found.summary == "`\(name)` cannot be a bucket's name")
  }

  static let refused: [(kind: String, inputs: Value, summary: String)] = [
    ("s3.bucket", ["name": "lake", "tags": ["aws:x": "y"]], "The tag `aws:x` is reserved"),
    ("s3.bucket", ["name": "lake", "lifecycle": [["id": "r"]]], "The lifecycle rule `r` does nothing"),
    ("ec2.security_group", group(["from_port": 22]), "An ingress rule needs either `cidr` or `group`"),
    (
      "ec2.security_group", group(["from_port": 22, "cidr": "10.0.0.0/8", "group": "sg-1"]),
      "An ingress rule needs either `cidr` or `group`"
    ),
    ("ec2.security_group", group(["from_port": 22, "cidr": "0.0.0.0/0"]), "A port would be open to the world"),
    ("ec2.security_group", group(["from_port": 22, "cidr": "::/0"]), "A port would be open to the world"),
    // EC2 makes 0.0.0.0/0 and ::/0 of these.
    ("ec2.security_group", group(["from_port": 22, "cidr": "203.0.113.7/0"]), "A port would be open to the world"),
    ("ec2.security_group", group(["from_port": 22, "cidr": "0:0::0/0"]), "A port would be open to the world"),
    ("ec2.security_group", group(["cidr": "10.0.0.0/8"]), "An ingress rule for tcp needs `from_port`"),
    (
      "sns.topic", ["name": "t", "subscriptions": [["protocol": "email", "endpoint": "nobody"]]],
      "`nobody` is not a mail address"
    ),
    ("emr.cluster", Examples.small.with("idle_timeout_minutes", nil), "The cluster would run for ever"),
    (
      "emr.cluster", Examples.small.with("runs_forever", true),
      "`runs_forever` and `idle_timeout_minutes` contradict each other"
    ),
    (
      "emr.cluster", Examples.small.with("instance_groups", nil),
      "A cluster needs either `instance_groups` or `instance_fleets`"
    ),
    (
      "emr.cluster", Examples.small.with("instance_fleets", Examples.fleets["instance_fleets"]),
      "A cluster needs either `instance_groups` or `instance_fleets`"
    ),
    (
      "emr.cluster", Examples.small.with("instance_groups", [["role": "CORE", "type": "m5.xlarge", "count": 1]]),
      "A cluster needs exactly one group or fleet of role MASTER"
    ),
    ("emr.cluster", Examples.small.with("log_uri", "/tmp/logs"), "`log_uri` must be an s3:// prefix"),
    ("emr.cluster", Examples.small.with("tags", ["mrhealth:stack": "x"]), "The tag `mrhealth:stack` is reserved"),
  ]

  private static func group(_ rule: Value) -> Value { ["name": "g", "ingress": [rule]] }

  @Test(arguments: refused.indices) func `what AWS or the user would regret`(_ index: Int) async {
    let (kind, inputs, summary) = Self.refused[index]
    let found = await diagnostic { try account.normalize(kind, inputs) }
    #expect(found.summary == summary)
  }

  @Test func `rules that EC2 would write otherwise`() throws {
    let inputs: Value = [
      "name": "g",
      "ingress": [
        ["protocol": "all", "from_port": 0, "to_port": 65535, "group": "sg-1"],
        ["from_port": 22, "cidr": "2001:DB8::/32"],
      ],
    ]
    let rules = try account.normalize("ec2.security_group", inputs)["ingress"]
    // All protocols have no ports; IPv6 is in lower case.
    #expect(
      rules == [
        ["protocol": "-1", "group": "sg-1"],
        ["protocol": "tcp", "from_port": 22, "to_port": 22, "cidr": "2001:db8::/32"],
      ])
  }
}
