internal import AWS
internal import Engine
internal import Model

/// `s3.bucket`: a private, encrypted bucket. The id is the bucket's name.
///
/// Every bucket blocks public access, has ACLs switched off and refuses plain HTTP; a stack cannot ask
/// for less.
struct S3Bucket: Kind {
  struct Inputs: Codable, Sendable, Equatable {
    var name: String
    var versioning: Bool
    var kmsKey: String?
    var lifecycle: [Rule]
    var policy: PolicyDocument?
    /// Never written by the user; read back so that a bucket that somebody has opened shows as drift.
    var publicAccessBlocked: Bool
    var tags: [String: String]

    struct Rule: Codable, Sendable, Equatable {
      var id: String
      var prefix: String
      var expireDays: Int?
      var noncurrentDays: Int?
      var abortMultipartDays: Int?
      /// Never written by the user, as is `beyond`: read back so that what somebody did to a rule shows as drift.
      var enabled: Bool
      /// What the rule says beyond the above, in S3's words.
      var beyond: String?

      enum CodingKeys: String, CodingKey {
        case id, prefix, enabled, beyond
        case expireDays = "expire_days"
        case noncurrentDays = "noncurrent_days"
        case abortMultipartDays = "abort_multipart_days"
      }
    }

    enum CodingKeys: String, CodingKey {
      case name, versioning, lifecycle, policy, tags
      case kmsKey = "kms_key"
      case publicAccessBlocked = "public_access_blocked"
    }
  }

  struct Outputs: Codable, Sendable {
    var name: String
    var arn: String
    var region: String
  }

  static let definition = KindDefinition(
    kind: "s3.bucket", section: "buckets", summary: "S3 buckets: private, encrypted, TLS only.",
    inputs: [
      Field("name", .string, required: true, "The bucket's name, unique in the world."),
      Field("versioning", .bool, "Keep old versions of objects."),
      Field("kms_key", .string, "KMS key id or ARN for encryption; AES256 when left out."),
      Field(
        "lifecycle",
        .list(
          of: .object([
            Field("id", .string, required: true, "The rule's name."),
            Field("prefix", .string, "Keys it concerns; all when left out."),
            Field("expire_days", .int(1...36500), "Delete objects after so many days."),
            Field("noncurrent_days", .int(1...36500), "Delete old versions after so many days."),
            Field("abort_multipart_days", .int(1...365), "Abort unfinished uploads after so many days."),
          ])), "When objects go by themselves."),
      Field("policy", .any, "Statements beyond the one that refuses plain HTTP, as a policy document."),
      Field("tags", .map(of: .string), "Tags."),
    ])
  static let replacing: Set<String> = ["name"]
  static let holdsData = true

  let s3: S3Client
  let partition: String

  func validate(_ inputs: Inputs) throws(Diagnostic) -> Inputs {
    try Tags.check(inputs.tags)
    try Self.check(name: inputs.name)
    for rule in inputs.lifecycle where (rule.expireDays ?? rule.noncurrentDays ?? rule.abortMultipartDays) == nil {
      throw Diagnostic("The lifecycle rule `\(rule.id)` does nothing", remedy: "Give it e.g. `expire_days: 30`.")
    }
    var inputs = inputs
    inputs.policy = try withTLSOnly(inputs.policy, bucket: inputs.name)
    return inputs
  }

  /// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  private static func check(name: String) throws(Diagnostic) {
    let letters = name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-" || $0 == ".") }
    let isAddress = name.split(separator: ".").count == 4 && name.allSatisfy { $0.isNumber || $0 == "." }
    // Kept by AWS for itself.
    let isReserved =
      ["xn--", "sthree-", "amzn-s3-demo-"].contains(where: name.hasPrefix)
      || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].contains(where: name.hasSuffix)
    guard (3...63).contains(name.count), letters, name.first?.isPunctuation == false,
      name.last?.isPunctuation == false, !name.contains(".."), !isAddress, !isReserved
    else {
      throw Diagnostic(
        "`\(name)` cannot be a bucket's name",
        detail: "3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit")
    }
  }

  func read(
    _ id: String, recorded: Inputs, outputs: Outputs?, context: ResourceContext
  ) async throws -> Observed<Self>? {
    async let versioning = s3.getBucketVersioning(id)
    async let encryption = s3.getBucketEncryption(id)
    async let blocked = s3.getPublicAccessBlock(id)
    async let tags = s3.getBucketTagging(id)
    async let lifecycle = s3.getBucketLifecycle(id)
    async let policy = s3.getBucketPolicy(id)
    do {
      var now = recorded
      now.versioning = try await versioning == .enabled
      now.kmsKey = try await Self.key(encryption)
      now.publicAccessBlocked = try await blocked == .all
      now.tags = Tags.users(try await tags)
      now.lifecycle = try await lifecycle.map(Inputs.Rule.init).sorted { $0.id < $1.id }
      now.policy = try await policy.flatMap { PolicyDocument(json: $0) }
      return Observed(
        inputs: now, outputs: self.outputs(id), missingTags: Tags.missing(in: try await tags, context.tags))
    } catch {
      guard (error as? AWSError)?.code == "NoSuchBucket" else { throw error }
      return nil
    }
  }

  func find(_ inputs: Inputs, context: ResourceContext) async throws -> String? {
    do {
      guard try await s3.headBucket(inputs.name) != nil else { return nil }
    } catch {
      guard error.status == 403 else { throw error }
      throw takenElsewhere(inputs.name)
    }
    return try await owned(inputs, context)
  }

  /// The name of a bucket of this account.
  /// - Throws: `Diagnostic` when this stack did not make it.
  private func owned(_ inputs: Inputs, _ context: ResourceContext) async throws -> String {
    let tags = try await s3.getBucketTagging(inputs.name)
    if Tags.areOurs(tags, context.tags) { return inputs.name }
    // A create that was cut short has made the bucket and not yet tagged it: nobody else's is that bare.
    var pages = s3.objectPages(inputs.name, pageSize: 1)
    let isEmpty = try await pages.next()?.objects.isEmpty ?? true
    guard tags.isEmpty, isEmpty else {
      throw ForeignResource("Bucket", inputs.name, context: context.address)
    }
    return inputs.name
  }

  private func takenElsewhere(_ name: String) -> ForeignResource {
    ForeignResource(
      Diagnostic(
        "The bucket name `\(name)` is taken by another account", detail: "bucket names are unique in the world",
        remedy: "Choose another name in the stack file."))
  }

  func create(_ inputs: Inputs, context: ResourceContext) async throws -> (id: String, outputs: Outputs) {
    // There creating one's own bucket again succeeds: whose it is must be known before.
    let isOurs = s3.region == "us-east-1" ? try await find(inputs, context: context) != nil : false
    do {
      if !isOurs { try await s3.createBucket(inputs.name) }
    } catch {
      if error.code == "BucketAlreadyExists" { throw takenElsewhere(inputs.name) }
      guard error.code == "BucketAlreadyOwnedByYou" else { throw error }
      _ = try await owned(inputs, context)
    }
    try await s3.putBucketTagging(inputs.name, inputs.tags.merging(context.tags) { $1 })
    try await context.created(inputs.name)
    try await configure(inputs, from: nil, ownTags: context.tags)
    return (inputs.name, outputs(inputs.name))
  }

  func update(_ id: String, from old: Inputs, to new: Inputs, context: ResourceContext) async throws -> Outputs {
    try await configure(new, from: old, ownTags: context.tags)
    return outputs(id)
  }

  func claim(_ id: String, inputs: Inputs, context: ResourceContext) async throws {
    // S3 replaces all tags of a bucket at once.
    try await s3.putBucketTagging(id, inputs.tags.merging(context.tags) { $1 })
  }

  /// Sets what differs; a new bucket has everything set, since S3's defaults depend on its age and account.
  private func configure(_ new: Inputs, from old: Inputs?, ownTags: [String: String]) async throws {
    let name = new.name
    // Settings of one bucket are written one after the other: S3 answers OperationAborted to two at once.
    if old?.publicAccessBlocked != true {
      try await s3.putPublicAccessBlock(name, .all)
      try await s3.putBucketOwnershipControls(name, .bucketOwnerEnforced)
    }
    if old == nil || old?.kmsKey != new.kmsKey {
      try await s3.putBucketEncryption(name, new.kmsKey.map { .kms(keyID: $0, bucketKey: true) } ?? .aes256)
    }
    if new.versioning != (old?.versioning ?? false) {
      try await s3.putBucketVersioning(name, enabled: new.versioning)
    }
    if new.lifecycle != (old?.lifecycle ?? []) {
      try await s3.putBucketLifecycle(name, new.lifecycle.map(\.rule))
    }
    if let policy = new.policy, old?.policy != policy { try await s3.putBucketPolicy(name, try policy.json()) }
    if let old, old.tags != new.tags {
      try await s3.putBucketTagging(name, new.tags.merging(ownTags) { $1 })
    }
  }

  func delete(_ id: String, recorded: Inputs, context: ResourceContext) async throws {
    guard try await s3.headBucket(id) != nil else { return }
    do {
      let emptied = try await BucketEmptier(s3, isStopped: context.isInterrupted).empty(bucket: id) {
        context.progress("\($0.versions) object versions deleted")
      }
      if emptied.wasStopped { throw CancellationError() }
      try await s3.deleteBucket(id)
    } catch let error as AWSError where error.code == "NoSuchBucket" {
      return
    }
  }

  private func outputs(_ name: String) -> Outputs {
    Outputs(name: name, arn: "arn:\(partition):s3:::\(name)", region: s3.region)
  }

  private static func key(_ encryption: S3.Encryption?) -> String? {
    // Without a key of its own it is the account's.
    if case .kms(let key, _) = encryption { key ?? "alias/aws/s3" } else { nil }
  }

  /// The stack's own statements and the one that refuses plain HTTP.
  private func withTLSOnly(_ policy: PolicyDocument?, bucket: String) throws(Diagnostic) -> PolicyDocument {
    let arn = "arn:\(partition):s3:::\(bucket)"
    let sid: Value = "TLSOnly"
    let statement: Value = [
      "Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "s3:*",
      "Resource": [.string(arn), .string(arn + "/*")], "Condition": ["Bool": ["aws:SecureTransport": "false"]],
    ]
    let own = (policy?.value["Statement"]?.list ?? []).filter { $0["Sid"] != sid }
    var document = policy?.value.object ?? [:]
    document["Statement"] = .list([statement] + own)
    return try PolicyDocument(.object(document))
  }
}

extension S3Bucket.Inputs {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    versioning = try container.decodeIfPresent(Bool.self, forKey: .versioning) ?? false
    kmsKey = try container.decodeIfPresent(String.self, forKey: .kmsKey)
    // S3 applies all rules whatever their order.
    lifecycle = (try container.decodeIfPresent([Rule].self, forKey: .lifecycle) ?? []).sorted { $0.id < $1.id }
    policy = try container.decodeIfPresent(PolicyDocument.self, forKey: .policy)
    publicAccessBlocked = try container.decodeIfPresent(Bool.self, forKey: .publicAccessBlocked) ?? true
    tags = try container.decodeIfPresent([String: String].self, forKey: .tags) ?? [:]
  }
}

extension S3Bucket.Inputs.Rule {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    id = try container.decode(String.self, forKey: .id)
    prefix = try container.decodeIfPresent(String.self, forKey: .prefix) ?? ""
    expireDays = try container.decodeIfPresent(Int.self, forKey: .expireDays)
    noncurrentDays = try container.decodeIfPresent(Int.self, forKey: .noncurrentDays)
    abortMultipartDays = try container.decodeIfPresent(Int.self, forKey: .abortMultipartDays)
    enabled = try container.decodeIfPresent(Bool.self, forKey: .enabled) ?? true
    beyond = try container.decodeIfPresent(String.self, forKey: .beyond)
  }

  init(_ rule: S3.LifecycleRule) {
    id = rule.id
    prefix = rule.prefix
    expireDays = rule.expirationDays
    noncurrentDays = rule.noncurrentVersionExpirationDays
    abortMultipartDays = rule.abortIncompleteMultipartUploadDays
    enabled = rule.enabled
    var more = rule.tags.sorted { $0.key < $1.key }.map { "only objects tagged \($0.key)=\($0.value)" }
    if rule.expiredObjectDeleteMarker == true { more.append("deletes expired delete markers") }
    if let kept = rule.newerNoncurrentVersions { more.append("keeps \(kept) noncurrent versions") }
    more += rule.transitions.map { "to \($0.storageClass) after \($0.days) days" }
    more += rule.noncurrentVersionTransitions.map { "noncurrent to \($0.storageClass) after \($0.days) days" }
    beyond = more.isEmpty ? nil : more.joined(separator: ", ")
  }

  fileprivate var rule: S3.LifecycleRule {
    var rule = S3.LifecycleRule(id: id, prefix: prefix)
    rule.expirationDays = expireDays
    rule.noncurrentVersionExpirationDays = noncurrentDays
    rule.abortIncompleteMultipartUploadDays = abortMultipartDays
    return rule
  }
}
