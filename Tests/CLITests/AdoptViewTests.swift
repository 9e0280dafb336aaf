import Engine
import Model
import Testing

@testable import CLI
@testable import Cloud

@Suite struct AdoptViewTests {
  private let lake = Address(kind: "s3.bucket", name: "lake")
  private let files = Address(kind: "s3.upload", name: "files")
  private let role = Address(kind: "iam.role", name: "emr")

  private static func resource(_ address: String) -> TerraformResource {
    TerraformResource(address: address, block: String(address.prefix { $0 != "[" }), type: "t")
  }

  private var plan: AdoptionPlan {
    var plan = AdoptionPlan()
    plan.adopted = [
      .init(address: lake, id: "lake-1", terraform: ["aws_s3_bucket.lake"]),
      .init(address: files, id: "lake-1/p/", terraform: [#"aws_s3_object.f["a"]"#, #"aws_s3_object.f["b"]"#]),
    ]
    plan.parts = ["a", "b"].map {
      .init(terraform: "aws_s3_bucket_policy.p[\"\($0)\"]", block: "aws_s3_bucket_policy.p", of: [lake])
    }
    plan.known = [.init(address: role, id: "emr", terraform: [])]
    plan.staying = [.init(terraform: "aws_glue_job.old", block: "aws_glue_job.old", hint: "not managed by mrhealth")]
    plan.missing = [.init(address: Address(kind: "sns.topic", name: "alerts"))]
    return plan
  }

  private var terraform: TerraformState {
    let addresses = plan.adopted.flatMap(\.terraform) + plan.parts.map(\.terraform) + ["aws_glue_job.old"]
    return TerraformState(resources: addresses.map(Self.resource))
  }

  @Test func `everything is accounted for, a block of many instances in one line`() {
    let change = ResourceChange(
      address: lake, action: .update, attributes: [AttributeChange(path: ["missing_tags"], old: [], new: nil)])
    let next = Plan(stack: "s", mode: .up, lineage: nil, serial: 1, changes: [change])
    let view = AdoptView(Screen().terminal())
    #expect(
      view.lines(plan, terraform, dryRun: false, next: next).joined(separator: "\n") == """
        Taken over
          TERRAFORM                        ADDRESS          ID
          aws_s3_bucket.lake               s3.bucket.lake   lake-1
          aws_s3_object.f["a"] and 1 more  s3.upload.files  lake-1/p/

        Parts of what mrhealth manages
          TERRAFORM                   PART OF
          aws_s3_bucket_policy.p (2)  s3.bucket.lake

        In mrhealth's state already
          TERRAFORM  ADDRESS       ID
          -          iam.role.emr  emr

        Stay with Terraform
          TERRAFORM         BECAUSE
          aws_glue_job.old  not managed by mrhealth

        Only in the stack; `mrhealth up` creates them
          ADDRESS
          sns.topic.alerts

        `mrhealth plan` now shows
          s3.bucket.lake: change missing_tags
          Plan: 1 to update.

        Then let Terraform forget what mrhealth manages
          terraform state rm \\
            'aws_s3_bucket.lake' \\
            'aws_s3_object.f' \\
            'aws_s3_bucket_policy.p'
        """)
    #expect(view.warnings(plan, dryRun: false).map(\.severity) == [.warning])
    #expect(view.warnings(plan, dryRun: true).isEmpty)
  }

  @Test func `a dry run advises nothing that would be too early`() {
    let text = AdoptView(Screen().terminal()).lines(plan, terraform, dryRun: true, next: nil).joined(separator: "\n")
    #expect(text.hasPrefix("Would be taken over") && text.hasSuffix("Without --dry-run it is."), "\(text)")
    #expect(!text.contains("state rm"))
  }

  @Test func `nothing in common`() {
    let view = AdoptView(Screen().terminal())
    let lines = view.lines(AdoptionPlan(), TerraformState(resources: []), dryRun: false, next: nil)
    #expect(lines == ["Nothing to take over: the stack and the Terraform state have no resource in common."])
    #expect(view.warnings(AdoptionPlan(), dryRun: false).isEmpty)
  }

  @Test func `an address is quoted for a shell, whatever its key`() {
    let lines = AdoptView.removal([#"a.b["$(rm -rf /)"]"#, #"a.b["it's"]"#])
    #expect(lines == ["terraform state rm \\", #"  'a.b["$(rm -rf /)"]' \"#, #"  'a.b["it'\''s"]'"#])
  }
}
