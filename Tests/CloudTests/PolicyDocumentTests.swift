import AWS
import Model
import Testing

@testable import Cloud

@Suite struct PolicyDocumentTests {
  static func statement(_ members: Value) -> Value {
    ["Statement": members.with("Effect", members["Effect"] ?? "Allow")]
  }

  /// Two ways to write the same.
  static let same: [(what: String, Value, Value)] = [
    ("a single action", statement(["Action": "s3:GetObject"]), statement(["Action": ["s3:GetObject"]])),
    ("order of actions", statement(["Action": ["a", "b"]]), statement(["Action": ["b", "a"]])),
    ("an action named twice", statement(["Action": ["a", "a"]]), statement(["Action": "a"])),
    ("a single statement", statement(["Action": "a"]), ["Statement": [["Effect": "Allow", "Action": "a"]]]),
    ("the version", statement(["Action": "a"]), statement(["Action": "a"]).with("Version", "2012-10-17")),
    (
      "an account and its root", statement(["Principal": ["AWS": "123456789012"]]),
      statement(["Principal": ["AWS": ["arn:aws:iam::123456789012:root"]]])
    ),
    (
      "an account in a list", statement(["Principal": ["AWS": ["arn:x", "123456789012"]]]),
      statement(["Principal": ["AWS": ["arn:aws:iam::123456789012:root", "arn:x"]]])
    ),
    (
      "a condition that is true", statement(["Condition": ["Bool": ["aws:SecureTransport": true]]]),
      statement(["Condition": ["Bool": ["aws:SecureTransport": ["true"]]]])
    ),
    (
      "a condition that is a number", statement(["Condition": ["NumericLessThan": ["k": 5]]]),
      statement(["Condition": ["NumericLessThan": ["k": "5"]]])
    ),
    (
      "a condition that is a fraction", statement(["Condition": ["NumericLessThan": ["k": .double(1.5)]]]),
      statement(["Condition": ["NumericLessThan": ["k": "1.5"]]])
    ),
    (
      "order of statements", ["Statement": [["Effect": "Deny", "Action": "a"], ["Effect": "Allow", "Action": "b"]]],
      ["Statement": [["Effect": "Allow", "Action": "b"], ["Effect": "Deny", "Action": "a"]]]
    ),
    ("everyone", statement(["Principal": "*"]), statement(["Principal": ["AWS": "*"]])),
    (
      "NotAction and NotResource", statement(["NotAction": ["b", "a"], "NotResource": "r"]),
      statement(["NotAction": ["a", "b"], "NotResource": ["r"]])
    ),
  ]

  @Test(arguments: same.indices) func `what means the same is equal`(_ index: Int) throws {
    let (what, first, second) = Self.same[index]
    #expect(try PolicyDocument(first) == PolicyDocument(second), "\(what)")
  }

  static let different: [(what: String, Value, Value)] = [
    ("effect", statement(["Effect": "Allow"]), statement(["Effect": "Deny"])),
    ("action", statement(["Action": "a"]), statement(["Action": "b"])),
    ("action and not", statement(["Action": "a"]), statement(["NotAction": "a"])),
    ("principal", statement(["Principal": ["AWS": "1"]]), statement(["Principal": ["Service": "1"]])),
    (
      "condition", statement(["Condition": ["Bool": ["k": true]]]), statement(["Condition": ["Bool": ["k": false]]])
    ),
    ("version", statement([:]).with("Version", "2008-10-17"), statement([:])),
  ]

  @Test(arguments: different.indices) func `what differs stays different`(_ index: Int) throws {
    let (what, first, second) = Self.different[index]
    #expect(try PolicyDocument(first) != PolicyDocument(second), "\(what)")
  }

  @Test func `the canonical form is a fixed point and survives IAM's URL encoding`() throws {
    let document = try PolicyDocument(
      Self.statement([
        "Sid": "a b+ç", "Principal": ["AWS": "123456789012"], "Action": ["b", "a"], "Resource": "arn:aws:s3:::x/*",
      ]))
    #expect(try PolicyDocument(document.value) == document)
    let json = try document.json()
    #expect(PolicyDocument(json: json) == document, "\(json)")
    #expect(PolicyDocument(json: URLEncoding.decode(URLEncoding.encode(json))) == document)
    #expect(json.contains("arn:aws:s3:::x/*"), "slashes are not escaped: \(json)")
  }

  static let malformed: [(raw: Value, message: String)] = [
    ("x", "must be a map"), (["Version": "2012-10-17"], "needs `Statement`"),
    (["Statement": ["x"]], "statement must be a map"), (["Statement": [["Action": "a"]]], "needs `Effect`"),
    (["Statement": [["Effect": "allow"]]], "needs `Effect`"),
  ]

  @Test(arguments: malformed.indices) func `what is no policy is refused`(_ index: Int) async {
    let (raw, message) = Self.malformed[index]
    let found = await diagnostic { try PolicyDocument(raw) }
    #expect(found.summary.contains(message), "\(found.summary)")
    #expect(PolicyDocument(json: "{") == nil)
  }
}

@Suite struct TagsTests {
  @Test func `users' tags are those that nobody else has put`() {
    #expect(Tags.users(["team": "x", "mrhealth:stack": "s", "aws:cloudformation:x": "y"]) == ["team": "x"])
  }

  @Test(arguments: ["mrhealth:x", "mrhealth:stack", "aws:x"])
  func `reserved keys are refused`(_ key: String) async {
    let found = await diagnostic { try Tags.check(["team": "x", key: "y"]) }
    #expect(found.summary == "The tag `\(key)` is reserved")
  }

  @Test func `ours are those of this stack and this address`() {
    let own = [Tags.stack: "s", Tags.address: "a", Tags.token: "1"]
    #expect(Tags.areOurs([Tags.stack: "s", Tags.address: "a"], own), "of an earlier create")
    #expect(!Tags.areOurs([Tags.stack: "s", Tags.address: "b"], own))
    #expect(!Tags.areOurs([Tags.stack: "t", Tags.address: "a"], own))
    #expect(!Tags.areOurs([:], [:]), "without a stack nothing is ours")
  }

  @Test func `changes set and remove the least`() {
    let changes = Tags.changes(from: ["a": "1", "b": "1", "c": "1"], to: ["a": "1", "b": "2", "d": "1"])
    #expect(changes.set == ["b": "2", "d": "1"])
    #expect(changes.remove == ["c"])
  }
}
