import AWS
import FoundationEssentials
import HTTP
import Testing

private let xmlns = #"xmlns="http://s3.amazonaws.com/doc/2006-03-01/""#
private let head = #"<?xml version="1.0" encoding="UTF-8"?>"#

@Suite struct S3BucketTests {
  @Test func createBucket() async throws {
    let aws = FakeAWS(.xml(), .xml())
    try await S3Client(aws.client).createBucket("b-1")
    try await S3Client(aws.client).createBucket("b-1", tags: ["k": "a&b"])
    #expect(aws.requests[0].line == "PUT b-1.s3.us-east-2.amazonaws.com/")
    #expect(
      aws.requests.map(\.text) == [
        "\(head)<CreateBucketConfiguration \(xmlns)><LocationConstraint>us-east-2</LocationConstraint>"
          + "</CreateBucketConfiguration>",
        "\(head)<CreateBucketConfiguration \(xmlns)><LocationConstraint>us-east-2</LocationConstraint>"
          + "<Tags><Tag><Key>k</Key><Value>a&amp;b</Value></Tag></Tags></CreateBucketConfiguration>",
      ])
  }

  /// us-east-1 refuses its own name as a LocationConstraint.
  @Test func createBucketInTheFirstRegion() async throws {
    let aws = FakeAWS(.xml())
    try await S3Client(FakeAWS.client(aws, region: "us-east-1")).createBucket("b-1")
    #expect(try aws.request().body.isEmpty)
  }

  @Test func headBucket() async throws {
    let aws = FakeAWS(
      .xml(headers: ["x-amz-bucket-region": "us-east-2"]), .xml(status: 404), .xml(status: 403),
      .xml(status: 301, headers: ["x-amz-bucket-region": "sa-east-1"]),
      .xml(status: 400, headers: ["x-amz-bucket-region": "eu-west-1"]))
    let s3 = S3Client(aws.client)
    #expect(try await s3.headBucket("b-1") == "us-east-2")
    #expect(try await s3.headBucket("b-1") == nil)
    let error = await awsError { () async throws(AWSError) in try await s3.headBucket("b-1") }
    #expect(error.code == "AccessDenied")
    #expect(error.status == 403)
    #expect(try await s3.headBucket("b-1") == "sa-east-1")
    #expect(try await s3.headBucket("b-1") == "eu-west-1")
    #expect(aws.requests[0].line == "HEAD b-1.s3.us-east-2.amazonaws.com/")
  }

  @Test func deleteBucket() async throws {
    let aws = FakeAWS(
      .xml(status: 204), .s3Error("NoSuchBucket", status: 404), .s3Error("BucketNotEmpty", status: 409))
    let s3 = S3Client(aws.client)
    try await s3.deleteBucket("b-1")
    try await s3.deleteBucket("b-1")
    let error = await awsError { () async throws(AWSError) in try await s3.deleteBucket("b-1") }
    #expect(error.code == "BucketNotEmpty")
  }

  @Test func listBuckets() async throws {
    let aws = FakeAWS(
      .xml(
        "<ListAllMyBucketsResult \(xmlns)><Owner><ID>1</ID></Owner><Buckets><Bucket><Name>a</Name>"
          + "<CreationDate>2026-11-23T18:59:43.000Z</CreationDate><BucketRegion>us-east-2</BucketRegion></Bucket></Buckets>"
          + "<ContinuationToken>t+/=</ContinuationToken></ListAllMyBucketsResult>"),
      .xml("<ListAllMyBucketsResult><Buckets><Bucket><Name>b</Name></Bucket></Buckets></ListAllMyBucketsResult>"))
    let found = try await S3Client(aws.client).listBuckets(prefix: "mrhealth-")
    #expect(found.map(\.name) == ["a", "b"])
    #expect(found.first?.region == "us-east-2")
    #expect(found.first?.creationDate?.timeIntervalSince1970 == 1_795_460_383)
    #expect(
      aws.requests.map(\.line) == [
        "GET s3.us-east-2.amazonaws.com/?max-buckets=1000&prefix=mrhealth-",
        "GET s3.us-east-2.amazonaws.com/?continuation-token=t%2B%2F%3D&max-buckets=1000&prefix=mrhealth-",
      ])
  }

  @Test func putSettings() async throws {
    let aws = FakeAWS(.xml(), .xml(), .xml(), .xml(), .xml(), .xml(), .xml(status: 204), .xml(status: 204))
    let s3 = S3Client(aws.client)
    try await s3.putBucketVersioning("buck", enabled: true)
    try await s3.putBucketVersioning("buck", enabled: false)
    try await s3.putBucketEncryption("buck", .aes256)
    try await s3.putBucketEncryption("buck", .kms(keyID: "arn:k", bucketKey: true))
    try await s3.putPublicAccessBlock("buck")
    try await s3.putBucketOwnershipControls("buck", .bucketOwnerEnforced)
    try await s3.putBucketTagging("buck", ["z": "<1>", "a": "\"é\""])
    try await s3.putBucketPolicy("buck", #"{"Version":"2012-10-17"}"#)
    let requests = aws.requests
    #expect(
      requests.allSatisfy { $0.method == "PUT" && $0.host == "buck.s3.us-east-2.amazonaws.com" && $0.path == "/" })
    let settings = [
      "versioning", "versioning", "encryption", "encryption", "publicAccessBlock", "ownershipControls", "tagging",
      "policy",
    ]
    #expect(requests.map(\.query) == settings.map { [$0] })
    // The models demand a checksum of each.
    #expect(
      requests.allSatisfy {
        var crc = CRC32()
        crc.update($0.body)
        return $0.headers["x-amz-checksum-crc32"] == crc.base64
      })
    let bodies = requests.map { $0.text.replacing(head, with: "").replacing(" \(xmlns)", with: "") }
    let expected = [
      "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
      "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
      """
      <ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
      </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>
      """,
      """
      <ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
      <KMSMasterKeyID>arn:k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>\
      <BucketKeyEnabled>true</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>
      """,
      """
      <PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
      <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>\
      </PublicAccessBlockConfiguration>
      """,
      "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
      """
      <Tagging><TagSet><Tag><Key>a</Key><Value>&quot;é&quot;</Value></Tag>\
      <Tag><Key>z</Key><Value>&lt;1&gt;</Value></Tag></TagSet></Tagging>
      """,
      #"{"Version":"2012-10-17"}"#,
    ]
    #expect(bodies == expected)
  }

  @Test func getSettings() async throws {
    let aws = FakeAWS(
      .xml("<VersioningConfiguration \(xmlns)><Status>Enabled</Status></VersioningConfiguration>"),
      .xml("<VersioningConfiguration \(xmlns)/>"),
      .xml(
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>"
          + "<KMSMasterKeyID>k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>"
          + "<BucketKeyEnabled>true</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"),
      .xml(
        "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>false</IgnorePublicAcls>"
          + "<BlockPublicPolicy>true</BlockPublicPolicy></PublicAccessBlockConfiguration>"),
      .xml("<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>"),
      .xml("<Tagging><TagSet><Tag><Key>k</Key><Value>v&amp;w</Value></Tag></TagSet></Tagging>"),
      .xml(#"{"Version":"2012-10-17"}"#))
    let s3 = S3Client(aws.client)
    #expect(try await s3.getBucketVersioning("buck") == .enabled)
    #expect(try await s3.getBucketVersioning("buck") == .off)
    #expect(try await s3.getBucketEncryption("buck") == .kms(keyID: "k", bucketKey: true))
    #expect(
      try await s3.getPublicAccessBlock("buck")
        == .init(blockPublicACLs: true, ignorePublicACLs: false, blockPublicPolicy: true, restrictPublicBuckets: false))
    #expect(try await s3.getBucketOwnershipControls("buck") == .objectWriter)
    #expect(try await s3.getBucketTagging("buck") == ["k": "v&w"])
    #expect(try await s3.getBucketPolicy("buck") == #"{"Version":"2012-10-17"}"#)
  }

  @Test func missingSettings() async throws {
    let aws = FakeAWS(
      .s3Error("ServerSideEncryptionConfigurationNotFoundError", status: 404),
      .s3Error("NoSuchPublicAccessBlockConfiguration", status: 404),
      .s3Error("OwnershipControlsNotFoundError", status: 404), .s3Error("NoSuchTagSet", status: 404),
      .s3Error("NoSuchBucketPolicy", status: 404), .s3Error("NoSuchLifecycleConfiguration", status: 404),
      .xml(status: 204), .xml(status: 204), .s3Error("NoSuchBucket", status: 404))
    let s3 = S3Client(aws.client)
    #expect(try await s3.getBucketEncryption("buck") == nil)
    #expect(try await s3.getPublicAccessBlock("buck") == nil)
    #expect(try await s3.getBucketOwnershipControls("buck") == nil)
    #expect(try await s3.getBucketTagging("buck") == [:])
    #expect(try await s3.getBucketPolicy("buck") == nil)
    #expect(try await s3.getBucketLifecycle("buck").isEmpty)
    try await s3.deleteBucketPolicy("buck")
    try await s3.putBucketLifecycle("buck", [])
    #expect(aws.requests[6].method == "DELETE")
    #expect(aws.requests[7].method == "DELETE")
    // A missing bucket is something else than a missing setting.
    let error = await awsError { () async throws(AWSError) in try await s3.getBucketTagging("buck") }
    #expect(error.code == "NoSuchBucket")
  }

  @Test func lifecycle() async throws {
    var expire = S3.LifecycleRule(id: "expire & clean", prefix: "logs/")
    expire.expirationDays = 30
    expire.noncurrentVersionExpirationDays = 7
    expire.newerNoncurrentVersions = 3
    expire.abortIncompleteMultipartUploadDays = 1
    expire.transitions = [.init(days: 10, storageClass: "STANDARD_IA")]
    expire.noncurrentVersionTransitions = [.init(days: 2, storageClass: "GLACIER")]
    var tagged = S3.LifecycleRule(id: "tagged", enabled: false, prefix: "x/")
    tagged.tags = ["a": "1", "b": "2"]
    tagged.expiredObjectDeleteMarker = true
    var one = S3.LifecycleRule(id: "one")
    one.tags = ["a": "1"]
    one.expirationDays = 1
    let rules = [expire, tagged, one]
    let put = FakeAWS(.xml())
    try await S3Client(put.client).putBucketLifecycle("buck", rules)
    let text = try put.request().text
    let expected = """
      <Rule><Expiration><Days>30</Days></Expiration><ID>expire &amp; clean</ID><Filter><Prefix>logs/</Prefix></Filter>\
      <Status>Enabled</Status><Transition><Days>10</Days><StorageClass>STANDARD_IA</StorageClass></Transition>\
      <NoncurrentVersionTransition><NoncurrentDays>2</NoncurrentDays><StorageClass>GLACIER</StorageClass>\
      </NoncurrentVersionTransition><NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays>\
      <NewerNoncurrentVersions>3</NewerNoncurrentVersions></NoncurrentVersionExpiration>\
      <AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>
      """
    #expect(text.contains(expected))
    #expect(text.contains("<Filter><Tag><Key>a</Key><Value>1</Value></Tag></Filter>"))
    // What we write we read again.
    let get = FakeAWS(.xml(text))
    #expect(try await S3Client(get.client).getBucketLifecycle("buck") == rules)
  }

  @Test func rulesOfOldHaveAPrefixOnly() async throws {
    let aws = FakeAWS(
      .xml(
        "<LifecycleConfiguration><Rule><ID>o</ID><Prefix>p/</Prefix><Status>Disabled</Status></Rule></LifecycleConfiguration>"
      ))
    let rules = try await S3Client(aws.client).getBucketLifecycle("buck")
    #expect(rules == [S3.LifecycleRule(id: "o", enabled: false, prefix: "p/")])
  }
}
