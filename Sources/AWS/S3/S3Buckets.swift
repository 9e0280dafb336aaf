import HTTP

extension S3Client {
  /// Creates a bucket in the client's region.
  /// - Parameter tags: given in the same call, so that no moment exists in which the bucket is not known as ours. Needs
  ///   s3:TagResource. Emulators ignore them: put them again afterwards.
  /// - Throws: BucketAlreadyOwnedByYou, BucketAlreadyExists, ... In us-east-1 creating one's own bucket again
  ///   succeeds.
  package func createBucket(_ name: String, tags: [String: String] = [:]) async throws(AWSError) {
    // us-east-1 has no name as a LocationConstraint and refuses one.
    let constraint = region == "us-east-1" ? nil : region
    var body = HTTPBody.none
    if constraint != nil || !tags.isEmpty {
      body = .bytes(
        XMLWriter.s3("CreateBucketConfiguration") { xml in
          xml.element("LocationConstraint", constraint)
          if !tags.isEmpty { xml.element("Tags") { $0.addTags(tags) } }
        })
    }
    _ = try await send("CreateBucket", "PUT", bucket: name, body: body)
  }

  /// - Returns: the bucket's region; nil when there is no such bucket.
  /// - Throws: AccessDenied when it is somebody else's, or ours without the right to see it. (The answer has no
  ///   body; the code is made from its status.)
  package func headBucket(_ name: String) async throws(AWSError) -> String? {
    let statuses: Set<Int> = [301, 307, 400, 403, 404]
    let response = try await send("HeadBucket", "HEAD", bucket: name, accepted: statuses)
    let found = response.headers["x-amz-bucket-region"]
    switch response.status {
    case 404: return nil
    case 200..<300: return found ?? region
    // It lives in another region, which refuses the call as it was signed for ours.
    case 301, 307, 400:
      if let found { return found }
    default: break
    }
    throw AWSError(
      service: Service.s3.id, operation: "HeadBucket",
      code: response.status == 403 ? "AccessDenied" : "BadRequest",
      message: "S3 refuses to tell about the bucket \(name)", status: response.status,
      requestID: response.requestID, extra: found.map { ["Region": $0] } ?? [:], attempts: response.attempts)
  }

  /// Deleting a bucket that does not exist succeeds.
  /// - Throws: BucketNotEmpty
  package func deleteBucket(_ name: String) async throws(AWSError) {
    _ = try await find(["NoSuchBucket"]) { () async throws(AWSError) in
      try await send("DeleteBucket", "DELETE", bucket: name)
    }
  }

  /// All buckets of the account, or those whose name starts with a prefix.
  package func listBuckets(prefix: String? = nil) async throws(AWSError) -> [S3.Bucket] {
    try await allPages(.s3, "ListBuckets") { token throws(AWSError) in
      var query: [(String, String?)] = [("max-buckets", "1000")]
      if let prefix { query.append(("prefix", prefix)) }
      if let token { query.append(("continuation-token", token)) }
      let answer = try xml(await send("ListBuckets", "GET", bucket: nil, query: query), "ListBuckets")
      let buckets = (answer["Buckets"]?.all("Bucket") ?? []).map { node in
        S3.Bucket(
          name: node.text(of: "Name") ?? "", region: node.text(of: "BucketRegion"),
          creationDate: node.text(of: "CreationDate").flatMap(AWSTime.parse))
      }
      return (buckets, answer.text(of: "ContinuationToken"))
    }
  }
}

extension XMLWriter {
  /// `<Tag>` elements, sorted by key.
  mutating func addTags(_ tags: [String: String]) {
    for (key, value) in tags.sorted(by: { $0.key < $1.key }) {
      element("Tag") {
        $0.element("Key", key)
        $0.element("Value", value)
      }
    }
  }
}
