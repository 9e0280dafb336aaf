internal import Model

/// How the resources of Terraform's AWS provider, versions 3 to 6, correspond to one kind of ours.
struct TerraformMatch: Sendable {
  /// A resource of the stack, as far as it is known.
  struct Ours: Sendable {
    /// AWS's id; nil when it is not known.
    var id: String?
    /// Canonical.
    var inputs: Value

    func name(_ input: String = "name") -> String? { inputs[input]?.string }
  }

  typealias Test = @Sendable (TerraformResource, Ours) -> Bool

  let kind: String
  /// Terraform's types that are such a resource.
  let types: Set<String>
  /// Ours and Terraform's are the same.
  let isSame: Test
  /// The id, as the kind has it.
  let id: @Sendable (TerraformResource, Ours) -> String?
  /// Types that are settings or parts of such a resource, and when they are of a given one.
  let parts: [String: Test]
  /// Inputs that tell two resources of the same name apart; they are compared after AWS has been asked.
  var identity: Set<String> = []

  static let all: [TerraformMatch] = [bucket, upload, role, profile, group, topic, cluster]

  /// Of one kind.
  static func of(_ kind: String) -> TerraformMatch? { all.first { $0.kind == kind } }

  // MARK: - the kinds

  /// Version 3 has a bucket's settings in the bucket, later ones in resources of their own.
  private static let bucket = TerraformMatch(
    kind: "s3.bucket", types: ["aws_s3_bucket"],
    isSame: { $0.bucketName == $1.name() }, id: { resource, _ in resource.bucketName },
    parts: [
      "aws_s3_bucket_versioning": ofBucket, "aws_s3_bucket_server_side_encryption_configuration": ofBucket,
      "aws_s3_bucket_public_access_block": ofBucket, "aws_s3_bucket_policy": ofBucket,
      "aws_s3_bucket_lifecycle_configuration": ofBucket, "aws_s3_bucket_ownership_controls": ofBucket,
    ])
  private static let ofBucket: Test = { $0.bucketName == $1.name() }

  /// What Terraform has an object at a time is one resource here; only objects that a file of the folder makes
  /// are a part of it.
  private static let upload = TerraformMatch(
    kind: "s3.upload", types: ["aws_s3_object", "aws_s3_bucket_object"],
    isSame: { object, ours in
      guard let bucket = object["bucket"], let key = object["key"] else { return false }
      return bucket == ours.name("bucket") && ours.inputs["objects"]?[key] != nil
    },
    id: { _, ours in "\(ours.name("bucket") ?? "")/\(ours.name("prefix") ?? "")" }, parts: [:])

  private static let role = TerraformMatch(
    kind: "iam.role", types: ["aws_iam_role"],
    isSame: { ($0["name"] ?? $0["id"]) == $1.name() }, id: { resource, _ in resource["name"] ?? resource["id"] },
    parts: [
      "aws_iam_role_policy": { ($0["role"] ?? $0["id"]?.before(":")) == $1.name() },
      "aws_iam_role_policy_attachment": { $0["role"] == $1.name() },
      "aws_iam_policy_attachment": { resource, ours in
        ours.name().map { resource.lists["roles"]?.contains($0) ?? false } ?? false
      },
      "aws_iam_role_policies_exclusive": { $0["role_name"] == $1.name() },
      "aws_iam_role_policy_attachments_exclusive": { $0["role_name"] == $1.name() },
    ])

  private static let profile = TerraformMatch(
    kind: "iam.instance_profile", types: ["aws_iam_instance_profile"],
    isSame: { ($0["name"] ?? $0["id"]) == $1.name() }, id: { resource, _ in resource["name"] ?? resource["id"] },
    parts: [:])

  /// Rules for outgoing traffic are no part: mrhealth leaves those of a group as they are.
  private static let group = TerraformMatch(
    kind: "ec2.security_group", types: ["aws_security_group"],
    isSame: { resource, ours in
      guard resource["name"] == ours.name() else { return false }
      // Which VPC is the default one only AWS knows.
      guard let vpc = ours.name("vpc"), vpc != "default", let theirs = resource["vpc_id"] else { return true }
      return vpc == theirs
    }, id: { resource, _ in resource["id"] },
    parts: [
      "aws_security_group_rule": { $0["type"] == "ingress" && isSet($0["security_group_id"], $1.id) },
      "aws_vpc_security_group_ingress_rule": { isSet($0["security_group_id"], $1.id) },
    ], identity: ["vpc"])

  private static let topic = TerraformMatch(
    kind: "sns.topic", types: ["aws_sns_topic"],
    isSame: { ($0["name"] ?? $0.topicARN?.split(separator: ":").last.map(String.init)) == $1.name() },
    id: { resource, _ in resource.topicARN },
    parts: [
      "aws_sns_topic_subscription": { subscription, ours in
        // A topic has subscriptions that other people made: those stay theirs.
        let wanted = ours.inputs["subscriptions"]?.list ?? []
        return isSet(subscription["topic_arn"], ours.id)
          && wanted.contains {
            isSet($0["protocol"]?.string, subscription["protocol"])
              && isSet($0["endpoint"]?.string, subscription["endpoint"])
          }
      }
    ])

  private static let cluster = TerraformMatch(
    kind: "emr.cluster", types: ["aws_emr_cluster"],
    isSame: { $0["name"] == $1.name() }, id: { resource, _ in resource["id"] },
    parts: [
      "aws_emr_instance_group": { isSet($0["cluster_id"], $1.id) },
      "aws_emr_instance_fleet": { isSet($0["cluster_id"], $1.id) },
    ])

  /// Equal, and known.
  private static func isSet(_ left: String?, _ right: String?) -> Bool {
    left != nil && left == right
  }
}

extension TerraformResource {
  fileprivate var bucketName: String? { self["bucket"] ?? self["id"] }
  fileprivate var topicARN: String? { self["arn"] ?? self["id"] }

  /// nil where the state does not tell.
  var account: String? { part(of: "arn", 4) }
  var region: String? { part(of: "arn", 3) ?? self["region"] }

  private func part(of attribute: String, _ index: Int) -> String? {
    let words = (self[attribute] ?? "").split(separator: ":", omittingEmptySubsequences: false)
    guard words.first == "arn", words.count > 5, !words[index].isEmpty else { return nil }
    return String(words[index])
  }
}

extension String {
  /// Up to the first of a character; the whole where there is none.
  fileprivate func before(_ character: Character) -> String { String(prefix { $0 != character }) }
}

// MARK: - what stays

extension TerraformMatch {
  /// What can be done about a resource that no resource of the stack corresponds to.
  static func hint(for resource: TerraformResource, sections: [String: String]) -> String {
    let type = resource.type
    if let match = all.first(where: { $0.types.contains(type) }), match.kind != upload.kind {
      return "declare it under `\(sections[match.kind] ?? match.kind)` to manage it here"
    }
    return switch type {
    case _ where upload.types.contains(type): "no upload of the stack makes this object"
    case _ where bucket.parts[type] != nil: "its bucket is not taken over"
    case "aws_iam_policy":
      "not managed by mrhealth; a role can have it under `policies`, or its ARN in `managed_policies`"
    case _ where role.parts[type] != nil: "its role is not taken over"
    case "aws_vpc_security_group_egress_rule",
      _ where resource["type"] == "egress":
      "not managed by mrhealth, which leaves a group's outgoing rules as they are"
    case _ where group.parts[type] != nil: "its group is not taken over"
    case "aws_sns_topic_subscription": "declare it in a topic's `subscriptions` to manage it here"
    case _ where cluster.parts[type] != nil: "its cluster is not taken over"
    case "aws_emr_security_configuration":
      "not managed by mrhealth; a cluster can name it in `security_configuration`"
    default: "not managed by mrhealth"
    }
  }
}
