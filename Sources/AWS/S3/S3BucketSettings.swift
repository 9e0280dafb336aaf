import HTTP

extension S3 {
  package enum Versioning: String, Sendable, Hashable {
    /// Never switched on.
    case off = ""
    case enabled = "Enabled"
    /// Old versions are kept, new ones are not made.
    case suspended = "Suspended"
  }

  package enum Encryption: Sendable, Hashable {
    /// With keys of S3's own.
    case aes256
    /// With a key of KMS: nil is the account's `aws/s3`. A bucket key saves KMS calls.
    case kms(keyID: String?, bucketKey: Bool)
  }

  package struct PublicAccessBlock: Sendable, Hashable {
    package var blockPublicACLs: Bool
    package var ignorePublicACLs: Bool
    package var blockPublicPolicy: Bool
    package var restrictPublicBuckets: Bool

    package init(
      blockPublicACLs: Bool, ignorePublicACLs: Bool, blockPublicPolicy: Bool, restrictPublicBuckets: Bool
    ) {
      self.blockPublicACLs = blockPublicACLs
      self.ignorePublicACLs = ignorePublicACLs
      self.blockPublicPolicy = blockPublicPolicy
      self.restrictPublicBuckets = restrictPublicBuckets
    }

    package static let all = PublicAccessBlock(
      blockPublicACLs: true, ignorePublicACLs: true, blockPublicPolicy: true, restrictPublicBuckets: true)
  }

  package enum Ownership: String, Sendable, Hashable {
    /// ACLs are off: S3's default.
    case bucketOwnerEnforced = "BucketOwnerEnforced"
    case bucketOwnerPreferred = "BucketOwnerPreferred"
    case objectWriter = "ObjectWriter"
  }
}

extension S3Client {
  /// Puts a bucket setting. AWS demands a checksum of its body.
  private func put(_ operation: String, _ bucket: String, _ setting: String, _ body: [UInt8]) async throws(AWSError) {
    _ = try await send(
      operation, "PUT", bucket: bucket, query: [(setting, nil)], body: .bytes(body), checksum: .crc32)
  }

  /// Gets a bucket setting; nil when AWS says by `missing` that there is none.
  private func get(
    _ operation: String, _ bucket: String, _ setting: String, missing: Set<String> = []
  ) async throws(AWSError) -> XMLNode? {
    let response = try await find(missing) { () async throws(AWSError) in
      try await send(operation, "GET", bucket: bucket, query: [(setting, nil)])
    }
    guard let response else { return nil }
    return try xml(response, operation)
  }

  private func remove(
    _ operation: String, _ bucket: String, _ setting: String, missing: Set<String>
  ) async throws(AWSError) {
    _ = try await find(missing) { () async throws(AWSError) in
      try await send(operation, "DELETE", bucket: bucket, query: [(setting, nil)])
    }
  }

  package func getBucketVersioning(_ bucket: String) async throws(AWSError) -> S3.Versioning {
    let answer = try await get("GetBucketVersioning", bucket, "versioning")
    return S3.Versioning(rawValue: answer?.text(of: "Status") ?? "") ?? .off
  }

  /// Off once it was on means suspended: S3 cannot switch it off again.
  package func putBucketVersioning(_ bucket: String, enabled: Bool) async throws(AWSError) {
    let body = XMLWriter.s3("VersioningConfiguration") {
      $0.element("Status", enabled ? "Enabled" : "Suspended")
    }
    try await put("PutBucketVersioning", bucket, "versioning", body)
  }

  /// - Returns: nil when none is set (AWS itself always has one).
  package func getBucketEncryption(_ bucket: String) async throws(AWSError) -> S3.Encryption? {
    let answer = try await get(
      "GetBucketEncryption", bucket, "encryption", missing: ["ServerSideEncryptionConfigurationNotFoundError"])
    guard let rule = answer?["Rule"], let setting = rule["ApplyServerSideEncryptionByDefault"] else { return nil }
    switch setting.text(of: "SSEAlgorithm") {
    case "AES256": return .aes256
    case nil: return nil
    default:
      return .kms(
        keyID: setting.text(of: "KMSMasterKeyID"), bucketKey: rule.text(of: "BucketKeyEnabled") == "true")
    }
  }

  package func putBucketEncryption(_ bucket: String, _ encryption: S3.Encryption) async throws(AWSError) {
    let body = XMLWriter.s3("ServerSideEncryptionConfiguration") { xml in
      xml.element("Rule") { rule in
        switch encryption {
        case .aes256:
          rule.element("ApplyServerSideEncryptionByDefault") { $0.element("SSEAlgorithm", "AES256") }
        case .kms(let keyID, let bucketKey):
          rule.element("ApplyServerSideEncryptionByDefault") {
            $0.element("SSEAlgorithm", "aws:kms")
            $0.element("KMSMasterKeyID", keyID)
          }
          rule.element("BucketKeyEnabled", bucketKey)
        }
      }
    }
    try await put("PutBucketEncryption", bucket, "encryption", body)
  }

  package func getPublicAccessBlock(_ bucket: String) async throws(AWSError) -> S3.PublicAccessBlock? {
    let answer = try await get(
      "GetPublicAccessBlock", bucket, "publicAccessBlock", missing: ["NoSuchPublicAccessBlockConfiguration"])
    return answer.map { answer in
      func isSet(_ name: String) -> Bool { answer.text(of: name)?.lowercased() == "true" }
      return S3.PublicAccessBlock(
        blockPublicACLs: isSet("BlockPublicAcls"), ignorePublicACLs: isSet("IgnorePublicAcls"),
        blockPublicPolicy: isSet("BlockPublicPolicy"), restrictPublicBuckets: isSet("RestrictPublicBuckets"))
    }
  }

  package func putPublicAccessBlock(
    _ bucket: String, _ block: S3.PublicAccessBlock = .all
  ) async throws(AWSError) {
    let body = XMLWriter.s3("PublicAccessBlockConfiguration") {
      $0.element("BlockPublicAcls", block.blockPublicACLs)
      $0.element("IgnorePublicAcls", block.ignorePublicACLs)
      $0.element("BlockPublicPolicy", block.blockPublicPolicy)
      $0.element("RestrictPublicBuckets", block.restrictPublicBuckets)
    }
    try await put("PutPublicAccessBlock", bucket, "publicAccessBlock", body)
  }

  package func getBucketOwnershipControls(_ bucket: String) async throws(AWSError) -> S3.Ownership? {
    let answer = try await get(
      "GetBucketOwnershipControls", bucket, "ownershipControls", missing: ["OwnershipControlsNotFoundError"])
    return answer?["Rule"]?.text(of: "ObjectOwnership").flatMap { S3.Ownership(rawValue: $0) }
  }

  package func putBucketOwnershipControls(_ bucket: String, _ ownership: S3.Ownership) async throws(AWSError) {
    let body = XMLWriter.s3("OwnershipControls") { xml in
      xml.element("Rule") { $0.element("ObjectOwnership", ownership.rawValue) }
    }
    try await put("PutBucketOwnershipControls", bucket, "ownershipControls", body)
  }

  /// - Returns: empty when the bucket has none.
  package func getBucketTagging(_ bucket: String) async throws(AWSError) -> [String: String] {
    let answer = try await get("GetBucketTagging", bucket, "tagging", missing: ["NoSuchTagSet", "NoSuchTagSetError"])
    return answer?["TagSet"].map { $0.tags("Tag") } ?? [:]
  }

  /// Replaces all tags of the bucket.
  package func putBucketTagging(_ bucket: String, _ tags: [String: String]) async throws(AWSError) {
    let body = XMLWriter.s3("Tagging") { xml in
      xml.element("TagSet") { $0.addTags(tags) }
    }
    try await put("PutBucketTagging", bucket, "tagging", body)
  }

  /// - Returns: the policy as JSON; nil when the bucket has none.
  package func getBucketPolicy(_ bucket: String) async throws(AWSError) -> String? {
    let response = try await find(["NoSuchBucketPolicy"]) { () async throws(AWSError) in
      try await send("GetBucketPolicy", "GET", bucket: bucket, query: [("policy", nil)])
    }
    return response.map { String(decoding: $0.body, as: UTF8.self) }
  }

  /// - Parameter policy: JSON.
  package func putBucketPolicy(_ bucket: String, _ policy: String) async throws(AWSError) {
    try await put("PutBucketPolicy", bucket, "policy", Array(policy.utf8))
  }

  package func deleteBucketPolicy(_ bucket: String) async throws(AWSError) {
    try await remove("DeleteBucketPolicy", bucket, "policy", missing: ["NoSuchBucketPolicy"])
  }

  /// - Returns: empty when the bucket has none.
  package func getBucketLifecycle(_ bucket: String) async throws(AWSError) -> [S3.LifecycleRule] {
    let answer = try await get(
      "GetBucketLifecycleConfiguration", bucket, "lifecycle", missing: ["NoSuchLifecycleConfiguration"])
    return (answer?.all("Rule") ?? []).map { S3.LifecycleRule($0) }
  }

  /// Replaces all rules; S3 takes no empty list, so an empty one deletes them.
  package func putBucketLifecycle(_ bucket: String, _ rules: [S3.LifecycleRule]) async throws(AWSError) {
    guard !rules.isEmpty else {
      return try await remove(
        "DeleteBucketLifecycle", bucket, "lifecycle", missing: ["NoSuchLifecycleConfiguration"])
    }
    let body = XMLWriter.s3("LifecycleConfiguration") { xml in
      for rule in rules { rule.encode(into: &xml) }
    }
    try await put("PutBucketLifecycleConfiguration", bucket, "lifecycle", body)
  }
}
