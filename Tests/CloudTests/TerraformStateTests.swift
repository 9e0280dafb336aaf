import FoundationEssentials
import Model
import Testing

@testable import Cloud

@Suite struct TerraformStateTests {
  /// A state that Terraform itself has written, beside the tests.
  static func fixture(_ name: String, file: StaticString = #filePath) throws -> [UInt8] {
    let folder = "\(file)".split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    return Array(try Data(contentsOf: URL(filePath: "\(folder)/Fixtures/\(name)")))
  }

  static func state(_ resources: String) throws(Diagnostic) -> TerraformState {
    try TerraformState(Array(#"{"version":4,"terraform_version":"1.5.7","resources":[\#(resources)]}"#.utf8), file: "f")
  }

  private func problem(_ text: String) -> Diagnostic? { problem(Array(text.utf8)) }

  private func problem(_ bytes: [UInt8]) -> Diagnostic? {
    do throws(Diagnostic) {
      _ = try TerraformState(bytes, file: "terraform.tfstate")
      return nil
    } catch {
      return error
    }
  }

  @Test func `a state of Terraform 1_11 with the AWS provider 5_100`() throws {
    let state = try TerraformState(Self.fixture("terraform-1.11.tfstate"), file: "f")
    #expect(state.terraformVersion == "1.11.4")
    #expect(state.resources.count == 29, "data sources are no resources")
    let bucket = try #require(state.resources.first { $0.address == #"aws_s3_bucket.this["lake"]"# })
    #expect(bucket.block == "aws_s3_bucket.this")
    #expect(bucket["bucket"] == "mrhealth-terraform-123456789012")
    #expect(bucket["acceleration_status"] == nil, "what is not needed is not read")
    let group = try #require(state.resources.first { $0.address == "aws_security_group.core" })
    #expect(group["vpc_id"]?.hasPrefix("vpc-") == true)
    #expect(group.account == "123456789012" && group.region == "us-east-2")
  }

  @Test func `addresses are Terraform's own`() throws {
    let state = try Self.state(
      """
      {"mode":"managed","type":"aws_s3_bucket","name":"a","instances":[{"attributes":{"id":"x"}}]},
      {"mode":"managed","type":"aws_s3_bucket","name":"b","module":"module.m[\\"k\\"].module.n","instances":[
        {"index_key":0,"attributes":{}},{"index_key":1,"attributes":null}]},
      {"mode":"managed","type":"aws_s3_object","name":"c","provider":"provider.aws","instances":[
        {"index_key":"dir/\\"q\\"\\\\\\n${x}%{y}","attributes":{}},{"index_key":"é","deposed":"12","attributes":{"id":"i"}}]},
      {"mode":"managed","type":"null_resource","name":"d","instances":null},
      {"mode":"data","type":"aws_vpc","name":"e","instances":[{"attributes":{"id":"v"}}]}
      """)
    #expect(
      state.resources.map(\.address) == [
        "aws_s3_bucket.a", #"module.m["k"].module.n.aws_s3_bucket.b[0]"#, #"module.m["k"].module.n.aws_s3_bucket.b[1]"#,
        #"aws_s3_object.c["dir/\"q\"\\\n$${x}%%{y}"]"#, #"aws_s3_object.c["é"] (deposed)"#,
      ])
    #expect(state.resources.last?["id"] == nil, "what is about to go is nothing to take over")
  }

  @Test func `attributes as Terraform 0_11 left them, and odd ones`() throws {
    let state = try Self.state(
      """
      {"mode":"managed","type":"aws_iam_role","name":"a","instances":[
        {"schema_version":0,"attributes_flat":{"id":"emr","name":"emr","tags.%":"0"}}]},
      {"mode":"managed","type":"aws_iam_policy_attachment","name":"b","instances":[
        {"attributes":{"id":7,"name":null,"role":["no text"],"roles":["x","y"],"arn":""}}]}
      """)
    #expect(state.resources[0].attributes == ["id": "emr", "name": "emr"])
    #expect(state.resources[1].attributes == [:])
    #expect(state.resources[1].lists == ["roles": ["x", "y"]])
  }

  @Test func `secrets are not taken out of it`() throws {
    let state = try Self.state(
      """
      {"mode":"managed","type":"aws_iam_access_key","name":"robot","instances":[{"attributes":
        {"id":"AKIAROBOT00000000000","secret":"s3cr3t","ses_smtp_password_v4":"s3cr3t","user":"robot"}}]},
      {"mode":"managed","type":"aws_sns_topic_subscription","name":"hook","instances":[{"attributes":
        {"endpoint":"https://u:s3cr3t@example.com","topic_arn":"arn:t"},
        "sensitive_attributes":[[{"type":"get_attr","value":"endpoint"}]]}]},
      {"mode":"managed","type":"aws_db_instance","name":"db","instances":[{"attributes":
        {"id":"db","password":"s3cr3t"},"private":"s3cr3t"}]}
      """)
    #expect(!"\(state)".contains("s3cr3t"))
    #expect(state.resources[1].attributes == ["topic_arn": "arn:t"])
  }

  @Test(arguments: [
    ("", "terraform.tfstate is empty", "terraform state pull"),
    ("\u{FEFF} \n", "terraform.tfstate is empty", "terraform state pull"),
    ("resource aws_s3_bucket {}", "terraform.tfstate is not a Terraform state", "terraform state pull"),
    ("PK\u{3}\u{4}x", "terraform.tfstate is not a Terraform state", "terraform state pull"),
    ("[1]", "terraform.tfstate is not a Terraform state", "terraform state pull"),
    ("{}", "terraform.tfstate is not a Terraform state", "terraform state pull"),
    (#"{"version":"4","resources":[]}"#, "terraform.tfstate is not a Terraform state", "terraform state pull"),
    (#"{"version":4}"#, "terraform.tfstate is not a Terraform state that is understood", "terraform state pull"),
    (
      #"{"version":5,"resources":[]}"#, "terraform.tfstate is not a Terraform state that is understood",
      "Install the newest mrhealth"
    ),
    (#"{"version":3,"modules":[]}"#, "terraform.tfstate is of an old Terraform", "terraform apply -refresh-only"),
    (
      #"{"version":3,"backend":{"type":"s3","config":{"access_key":"s3cr3t"}}}"#,
      "terraform.tfstate only says where the state is kept", "terraform state pull"
    ),
    (
      #"{"format_version":"1.0","values":{"root_module":{}}}"#, "terraform.tfstate is not a Terraform state",
      "terraform state pull"
    ),
    (
      #"{"version":4,"serial":1,"lineage":"l","encrypted_data":"s3cr3t"}"#, "terraform.tfstate is encrypted",
      "tofu state pull"
    ),
    (
      #"{"version":4,"resources":[{"mode":"managed"}]}"#, "terraform.tfstate is not a Terraform state",
      "terraform state pull"
    ),
    (
      #"{"version":4,"resources":[{"mode":"managed","type":"aws\u001b[2J","name":"x","instances":[{}]}]}"#,
      "The Terraform state is damaged", "terraform state pull"
    ),
  ])
  func `what is no state is told what it is`(_ text: String, _ summary: String, _ remedy: String) throws {
    let found = try #require(problem(text))
    #expect(found.summary == summary)
    #expect(found.remedy.contains(remedy), "\(found.remedy)")
    #expect(!"\(found)".contains("s3cr3t") && !"\(found)".contains("\u{1B}"), "\(found)")
  }

  @Test func `a byte order mark, an empty state, half a state, deep nesting, too much`() throws {
    #expect(problem("\u{FEFF}" + #"{"version":4,"resources":[]}"#) == nil)
    #expect(problem(#"{"version":4,"lineage":"l","resources":null}"#) == nil, "of a stack that was destroyed")
    let whole = try Self.fixture("terraform-1.11.tfstate")
    for length in stride(from: 1, to: whole.count - 2, by: whole.count / 50) {
      #expect(problem(Array(whole.prefix(length))) != nil, "\(length) bytes")
    }
    #expect(problem(String(repeating: "[", count: 200_000)) != nil)
    let deep = #"{"version":4,"resources":[{"mode":"managed","type":"t","name":"n","instances":[{"index_key":"#
    #expect(problem(deep + String(repeating: "[", count: 100_000)) != nil)
    let large = [UInt8](repeating: UInt8(ascii: " "), count: TerraformState.largest + 1)
    #expect(problem(large)?.summary == "terraform.tfstate is too large for a Terraform state")
  }
}
