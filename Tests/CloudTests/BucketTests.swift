import Engine
import Model
import Support
import Testing

@testable import Cloud

@Suite struct BucketTests {
  let account = Account()
  var aws: ScriptedAWS { account.aws }

  private func create(_ account: Account, _ inputs: Value = ["name": "lake"]) async throws -> Created {
    try await account.kind("s3.bucket").create(account.normalize("s3.bucket", inputs), context: account.context)
  }

  private func acceptSettings(_ account: Account) {
    for setting in ["tagging", "publicAccessBlock", "ownershipControls", "encryption", "versioning", "policy"] {
      account.aws.on("PUT lake?\(setting)", .ok(""))
    }
  }

  @Test func `TLS only is said once, however often the policy passes`() throws {
    let bare = try account.normalize("s3.bucket", ["name": "lake"])
    let statements = try #require(bare.at(["policy", "Statement"])?.list)
    #expect(statements.count == 1)
    #expect(statements.first?["Resource"] == ["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"])
    #expect(statements.first?.at(["Condition", "Bool", "aws:SecureTransport"]) == ["false"])
    let own: Value = [
      "name": "lake",
      "policy": [
        "Version": "2008-10-17",
        "Statement": ["Sid": "mine", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "r"],
      ],
    ]
    let once = try account.normalize("s3.bucket", own)
    let twice = try account.normalize("s3.bucket", once)
    #expect(once == twice)
    let sids = once.at(["policy", "Statement"])?.list?.compactMap { $0["Sid"]?.string }
    #expect(sids == ["TLSOnly", "mine"])
    #expect(once.at(["policy", "Version"]) == "2008-10-17", "the rest of the user's document stays")
  }

  @Test func `a bucket is tagged before its id is told, and closed before anything else`() async throws {
    aws.on("PUT lake", .ok(""))
    acceptSettings(account)
    let made = try await create(account, ["name": "lake", "versioning": true])
    #expect(made.outputs == ["name": "lake", "arn": "arn:aws:s3:::lake", "region": "us-east-2"])
    #expect(
      aws.operations == [
        "PUT lake", "PUT lake?tagging", "PUT lake?publicAccessBlock", "PUT lake?ownershipControls",
        "PUT lake?encryption", "PUT lake?versioning", "PUT lake?policy",
      ])
    #expect(account.created == ["lake"])
    #expect(aws.requests("PUT lake?tagging").first?.text.contains("mrhealth:token") == true)
  }

  @Test func `a name that is taken`() async {
    aws.on("PUT lake", .fault("BucketAlreadyExists", status: 409))
    let found = await diagnostic { try await create(account) }
    #expect(found.summary == "The bucket name `lake` is taken by another account")
    #expect(aws.operations == ["PUT lake"])
  }

  @Test func `a bucket of ours from a lost create is taken up, another one of the account is not`() async throws {
    aws.on("PUT lake", .fault("BucketAlreadyOwnedByYou", status: 409))
    aws.on("HEAD lake", .ok(""))
    aws.on("GET lake?tagging", .ok("<T><TagSet>\(tagsXML(Account.tags, "Tag"))</TagSet></T>"))
    acceptSettings(account)
    #expect(try await create(account).id == "lake")
    let other = Account()
    other.aws.on("PUT lake", .fault("BucketAlreadyOwnedByYou", status: 409))
    other.aws.on("HEAD lake", .ok(""))
    other.aws.on("GET lake?tagging", .ok("<T><TagSet>\(tagsXML(["team": "hr"], "Tag"))</TagSet></T>"))
    let found = await diagnostic { try await create(other) }
    #expect(found.summary == "Bucket `lake` exists and does not belong to this stack")
    #expect(other.aws.changes == ["PUT lake"])
  }

  @Test func `in us-east-1, where creating one's own bucket again succeeds, nobody's bucket is taken`() async {
    let account = Account(region: "us-east-1")
    account.aws.on("PUT lake", .ok(""))
    account.aws.on("HEAD lake", .ok(""))
    account.aws.on("GET lake?tagging", .ok("<T><TagSet>\(tagsXML(["team": "hr"], "Tag"))</TagSet></T>"))
    acceptSettings(account)
    let found = await diagnostic { try await create(account) }
    #expect(found.summary == "Bucket `lake` exists and does not belong to this stack")
    #expect(account.aws.changes.filter { $0 != "PUT lake" } == [], "its tags and settings are not ours to change")
  }

  @Test func `what a cut-short create has left is found, also bare`() async throws {
    let kind = try account.kind("s3.bucket")
    let inputs = try account.normalize("s3.bucket", ["name": "lake"])
    aws.on("HEAD lake", .fault("NotFound", status: 404))
    #expect(try await kind.find(inputs, context: account.context) == nil)
    aws.on("HEAD lake", .ok(""))
    aws.on("GET lake?tagging", .fault("NoSuchTagSet", status: 404))
    #expect(try await kind.find(inputs, context: account.context) == "lake", "neither tags nor objects")
    aws.put("lake/x", "somebody's")
    #expect(try await kind.find(inputs, context: account.context) == nil, "a stranger's, with objects")
    aws.on("HEAD lake", .fault("", status: 403))
    #expect(try await kind.find(inputs, context: account.context) == nil, "another account's")
  }

  private func answerReads(policy: String) {
    aws.on("GET lake?versioning", .ok("<V/>"))
    aws.on("GET lake?encryption", .fault("ServerSideEncryptionConfigurationNotFoundError", status: 404))
    let block = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
    aws.on("GET lake?publicAccessBlock", .ok("<P>\(block.map { "<\($0)>true</\($0)>" }.joined())</P>"))
    aws.on("GET lake?tagging", .ok("<T><TagSet>\(tagsXML(Account.tags, "Tag"))</TagSet></T>"))
    aws.on("GET lake?lifecycle", .fault("NoSuchLifecycleConfiguration", status: 404))
    aws.on("GET lake?policy", .ok(policy))
  }

  @Test func `a bucket as it was made shows no drift, an opened one does`() async throws {
    let kind = try account.kind("s3.bucket")
    let recorded = try account.recorded(
      "s3.bucket", ["name": "lake"], ["name": "lake", "arn": "arn:aws:s3:::lake", "region": "us-east-2"])
    answerReads(policy: try ValueCoding.json(try #require(recorded.inputs["policy"])))
    #expect(try await kind.read("lake", recorded: recorded, context: account.context) == recorded)

    aws.on("GET lake?publicAccessBlock", .fault("NoSuchPublicAccessBlockConfiguration", status: 404))
    aws.on("GET lake?policy", .fault("NoSuchBucketPolicy", status: 404))
    let opened = try #require(try await kind.read("lake", recorded: recorded, context: account.context))
    #expect(opened.inputs["public_access_blocked"] == false)
    #expect(opened.inputs["policy"] == nil)
    acceptSettings(account)
    let before = aws.operations.count
    _ = try await kind.update("lake", from: opened.inputs, to: recorded.inputs, context: account.context)
    #expect(
      Array(aws.operations.dropFirst(before)) == [
        "PUT lake?publicAccessBlock", "PUT lake?ownershipControls", "PUT lake?policy",
      ])

    for setting in ["versioning", "encryption", "publicAccessBlock", "tagging", "lifecycle", "policy"] {
      aws.on("GET lake?\(setting)", .fault("NoSuchBucket", status: 404))
    }
    #expect(try await kind.read("lake", recorded: recorded, context: account.context) == nil)
  }

  @Test func `tags of an update keep ours`() async throws {
    aws.on("PUT lake?tagging", .ok(""))
    let old = try account.normalize("s3.bucket", ["name": "lake"])
    let new = try account.normalize("s3.bucket", ["name": "lake", "tags": ["team": "x"]])
    _ = try await account.kind("s3.bucket").update("lake", from: old, to: new, context: account.context)
    #expect(aws.operations == ["PUT lake?tagging"])
    let body = aws.requests("PUT lake?tagging").first?.text ?? ""
    #expect(body.contains("mrhealth:stack") && body.contains("team"), "\(body)")
  }

  @Test func `a bucket is emptied of all versions, then deleted; a missing one is done`() async throws {
    aws.on("HEAD lake", .ok(""))
    aws.on(
      "GET lake?versions",
      .ok(
        "<R><Version><Key>a</Key><VersionId>1</VersionId></Version><DeleteMarker><Key>b</Key><VersionId>2</VersionId></DeleteMarker></R>"
      ),
      .ok("<R/>"))
    aws.on("POST lake?delete", .ok("<R/>"))
    aws.on("GET lake?uploads", .ok("<R/>"))
    aws.on("DELETE lake", .ok(""))
    let inputs = try account.normalize("s3.bucket", ["name": "lake"])
    try await account.kind("s3.bucket").delete("lake", recorded: inputs, context: account.context)
    #expect(aws.changes == ["POST lake?delete", "DELETE lake"])
    let batch = aws.requests("POST lake?delete").first?.text ?? ""
    #expect(batch.contains("<VersionId>1</VersionId>") && batch.contains("<VersionId>2</VersionId>"), "\(batch)")
    let gone = Account()
    gone.aws.on("HEAD lake", .fault("NotFound", status: 404))
    try await gone.kind("s3.bucket").delete("lake", recorded: inputs, context: gone.context)
    #expect(gone.aws.changes == [])
  }
}
