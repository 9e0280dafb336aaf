import AWS
import FoundationEssentials
import HTTP
import Testing

@Suite struct S3ObjectTests {
  private static let oddKeys = [
    "a b+c%20d.txt", "dados/é/ção.csv", "x&y<z>\"'.txt", "a//b/./c/../d", "q?x=1#frag", "日本/🍎", "t\tn\n\r", "~-_.!*()",
  ]

  private func crc(_ text: String) -> String {
    var crc = CRC32()
    crc.update(Array(text.utf8))
    return crc.base64
  }

  @Test func putObject() async throws {
    let aws = FakeAWS(.xml(headers: ["ETag": "\"e\"", "x-amz-version-id": "v"]), .xml(headers: ["ETag": "\"f\""]))
    let s3 = S3Client(aws.client)
    let made = try await s3.putObject(
      bucket: "buck", key: "k/ü.csv", body: .bytes(Array("hello".utf8)), contentType: "text/csv", condition: .ifAbsent,
      metadata: ["Run-ID": "r"], tags: ["a b": "c&d"], md5: "bWQ1")
    #expect(made == .init(etag: "e", versionID: "v"))
    let request = try aws.request()
    #expect(request.line == "PUT buck.s3.us-east-2.amazonaws.com/k/%C3%BC.csv")
    #expect(request.text == "hello")
    #expect(request.headers["If-None-Match"] == "*")
    #expect(request.headers["Content-Type"] == "text/csv")
    #expect(request.headers["x-amz-meta-run-id"] == "r")
    #expect(request.headers["x-amz-tagging"] == "a%20b=c%26d")
    #expect(request.headers["Content-MD5"] == "bWQ1")
    #expect(request.headers["x-amz-checksum-crc32"] == crc("hello"))
    #expect(request.headers["x-amz-sdk-checksum-algorithm"] == "CRC32")
    #expect(request.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD")
    _ = try await s3.putObject(bucket: "buck", key: "k", body: .bytes([]), condition: .ifMatch("e"))
    #expect(aws.requests[1].headers["If-Match"] == "\"e\"")
    #expect(aws.requests[1].headers["If-None-Match"] == nil)
  }

  @Test(arguments: [("PreconditionFailed", 412), ("ConditionalRequestConflict", 409), ("NoSuchKey", 404)])
  func conditionsThatFail(_ code: String, _ status: Int) async throws {
    let aws = FakeAWS(.s3Error(code, status: status), .s3Error(code, status: status), .s3Error(code, status: status))
    let s3 = S3Client(aws.client)
    let error = await awsError { () async throws(AWSError) in
      try await s3.putObject(bucket: "buck", key: "k", body: .bytes([1]), condition: .ifMatch("e"))
    }
    #expect(error.code == code)
    #expect(error.status == status)
    #expect(error.requestID == "r-1")
  }

  @Test func getObject() async throws {
    let headers: HTTPHeaders = [
      "ETag": "\"e\"", "Last-Modified": "Mon, 23 Nov 2026 18:59:43 GMT", "x-amz-version-id": "v", "Content-Length": "5",
      "Content-Type": "text/csv", "X-Amz-Meta-Run": "r", "x-amz-checksum-crc32": crc("hello"),
    ]
    let aws = FakeAWS(
      .xml("hello", headers: headers), .s3Error("NoSuchKey", status: 404), .s3Error("NoSuchVersion", status: 404),
      .s3Error("NoSuchBucket", status: 404))
    let s3 = S3Client(aws.client)
    let object = try #require(try await s3.getObject(bucket: "buck", key: "k", versionID: "v"))
    #expect(object.bytes == Array("hello".utf8))
    #expect(object.etag == "e")
    #expect(object.versionID == "v")
    #expect(object.size == 5)
    #expect(object.metadata == ["run": "r"])
    #expect(object.lastModified == Date(timeIntervalSince1970: 1_795_460_383))
    #expect(aws.requests[0].line == "GET buck.s3.us-east-2.amazonaws.com/k?versionId=v")
    #expect(aws.requests[0].headers["x-amz-checksum-mode"] == "ENABLED")
    #expect(try await s3.getObject(bucket: "buck", key: "k") == nil)
    #expect(try await s3.getObject(bucket: "buck", key: "k", versionID: "w") == nil)
    let error = await awsError { () async throws(AWSError) in try await s3.getObject(bucket: "buck", key: "k") }
    #expect(error.code == "NoSuchBucket")
  }

  @Test func whatArrivesDamagedIsAnError() async throws {
    let aws = FakeAWS(.xml("hellO", headers: ["ETag": "\"e\"", "x-amz-checksum-crc32": crc("hello")]))
    let s3 = S3Client(aws.client)
    let error = await awsError { () async throws(AWSError) in try await s3.getObject(bucket: "buck", key: "k") }
    #expect(error.code == ClientCode.checksum)
  }

  /// Of an object made of parts the sum may be one of sums: it says nothing about the bytes as they came.
  @Test func checksumsOfPartsAreNotCompared() async throws {
    let aws = FakeAWS(
      .xml("x", headers: ["ETag": "\"e\"", "x-amz-checksum-crc32": "AAAAAA==-2"]),
      .xml("x", headers: ["ETag": "\"e\"", "x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-type": "COMPOSITE"]))
    let s3 = S3Client(aws.client)
    #expect(try await s3.getObject(bucket: "buck", key: "k") != nil)
    #expect(try await s3.getObject(bucket: "buck", key: "k") != nil)
  }

  @Test func headObject() async throws {
    let aws = FakeAWS(
      .xml(headers: ["ETag": "\"e\"", "Content-Length": "123456789012", "x-amz-version-id": "v"]), .xml(status: 404),
      .xml(status: 403))
    let s3 = S3Client(aws.client)
    let found = try #require(try await s3.headObject(bucket: "buck", key: "k"))
    #expect(found.size == 123_456_789_012)
    #expect(found.versionID == "v")
    #expect(try await s3.headObject(bucket: "buck", key: "k") == nil)
    let error = await awsError { () async throws(AWSError) in try await s3.headObject(bucket: "buck", key: "k") }
    #expect(error.status == 403)
  }

  @Test func deleteObject() async throws {
    let aws = FakeAWS(.xml(status: 204), .xml(status: 204))
    let s3 = S3Client(aws.client)
    try await s3.deleteObject(bucket: "buck", key: "k", ifMatch: "e")
    try await s3.deleteObject(bucket: "buck", key: "k", versionID: "v+/")
    #expect(aws.requests[0].line == "DELETE buck.s3.us-east-2.amazonaws.com/k")
    #expect(aws.requests[0].headers["If-Match"] == "\"e\"")
    #expect(aws.requests[1].line == "DELETE buck.s3.us-east-2.amazonaws.com/k?versionId=v%2B%2F")
  }

  @Test func deleteObjects() async throws {
    let aws = FakeAWS(
      .xml(status: 204),
      .xml(
        "<DeleteResult><Error><Key>k0</Key><VersionId>v</VersionId><Code>AccessDenied</Code><Message>m</Message></Error></DeleteResult>"
      ),
      .xml("<DeleteResult/>"))
    let s3 = S3Client(aws.client)
    var objects = (0..<1001).map { S3.ObjectID("k\($0)", versionID: $0 == 0 ? "v" : nil) }
    // XML cannot carry this key, an address can.
    objects.append(S3.ObjectID("\u{1}", versionID: "w"))
    let failures = try await s3.deleteObjects(bucket: "buck", objects)
    #expect(failures.map(\.key) == ["k0"])
    #expect(failures.map(\.versionID) == ["v"])
    #expect(failures.map(\.code) == ["AccessDenied"])
    #expect(
      aws.requests.map(\.method) == ["DELETE", "POST", "POST"])
    #expect(aws.requests[0].line == "DELETE buck.s3.us-east-2.amazonaws.com/%01?versionId=w")
    let batch = aws.requests[1]
    #expect(
      batch.text.contains(
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>k0</Key><VersionId>v</VersionId></Object><Object><Key>k1</Key></Object>"
      ))
    #expect(batch.text.hasSuffix("<Quiet>true</Quiet></Delete>"))
    #expect(batch.headers["x-amz-checksum-crc32"] == crc(batch.text))
    #expect(aws.requests[2].text.contains("<Key>k1000</Key>"))
  }

  @Test func copyObject() async throws {
    let aws = FakeAWS(
      .xml("<CopyObjectResult><ETag>&quot;e&quot;</ETag></CopyObjectResult>", headers: ["x-amz-version-id": "v"]))
    let made = try await S3Client(aws.client).copyObject(
      from: (bucket: "source", key: "x y+é"), to: (bucket: "buck", key: "k"), condition: .ifAbsent)
    #expect(made == .init(etag: "e", versionID: "v"))
    #expect(try aws.request().headers["x-amz-copy-source"] == "source/x%20y%2B%C3%A9")
  }

  @Test(arguments: [true, false]) func oddKeysInListings(_ spaceAsPlus: Bool) async throws {
    let contents = Self.oddKeys.map { key in
      var encoded = URLEncoding.encode(key)
      if spaceAsPlus { encoded = encoded.replacing("%20", with: "+") }
      return "<Contents><Key>\(encoded)</Key><LastModified>2026-11-23T18:59:43.000Z</LastModified>"
        + "<ETag>&quot;e&quot;</ETag><Size>7</Size><StorageClass>STANDARD</StorageClass></Contents>"
    }
    let aws = FakeAWS(
      .xml(
        "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
          + "<NextContinuationToken>1/+=</NextContinuationToken>\(contents.joined())</ListBucketResult>"),
      .xml(
        "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
          + "<CommonPrefixes><Prefix>p%2Bq/</Prefix></CommonPrefixes></ListBucketResult>"))
    var pages = S3Client(aws.client).objectPages("buck", prefix: "a b/", startAfter: "ü", delimiter: "/")
    let first = try #require(try await pages.next())
    #expect(first.objects.map(\.key) == Self.oddKeys)
    #expect(first.objects.first?.size == 7)
    #expect(first.objects.first?.etag == "e")
    #expect(try await pages.next()?.commonPrefixes == ["p+q/"])
    #expect(try await pages.next() == nil)
    #expect(
      aws.requests.map(\.query) == [
        [
          "delimiter=%2F", "encoding-type=url", "list-type=2", "max-keys=1000", "prefix=a%20b%2F", "start-after=%C3%BC",
        ],
        [
          "continuation-token=1%2F%2B%3D", "delimiter=%2F", "encoding-type=url", "list-type=2", "max-keys=1000",
          "prefix=a%20b%2F",
        ],
      ])
  }

  @Test(arguments: oddKeys) func oddKeysInAddresses(_ key: String) async throws {
    let aws = FakeAWS(.xml(headers: ["ETag": "\"e\""]))
    _ = try await S3Client(aws.client).putObject(bucket: "buck", key: key, body: .bytes([]))
    let path = try aws.request().path
    #expect(URLEncoding.decode(path) == "/" + key)
    #expect(!path.contains("?") && !path.contains("#") && !path.contains(" "))
  }

  @Test func listObjectVersions() async throws {
    let aws = FakeAWS(
      .xml(
        "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
          + "<NextKeyMarker>a%20b</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>"
          + "<DeleteMarker><Key>a%20b</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest></DeleteMarker>"
          + "<Version><Key>a%20b</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest><ETag>\"e\"</ETag><Size>3</Size></Version>"
          + "</ListVersionsResult>"),
      .xml(
        "<ListVersionsResult><IsTruncated>false</IsTruncated><Version><Key>c</Key><VersionId>null</VersionId>"
          + "<IsLatest>true</IsLatest><Size>1</Size></Version></ListVersionsResult>"))
    let found = try await S3Client(aws.client).listObjectVersions("buck", prefix: "p")
    #expect(found.map(\.key) == ["a b", "a b", "c"])
    #expect(found.map(\.versionID) == ["v2", "v1", "null"])
    #expect(found.map(\.isDeleteMarker) == [true, false, false])
    #expect(found.map(\.isLatest) == [true, false, true])
    #expect(found.map(\.size) == [0, 3, 1])
    #expect(aws.requests[1].query.contains("key-marker=a%20b"))
    #expect(aws.requests[1].query.contains("version-id-marker=v1"))
  }

  @Test func multipart() async throws {
    let aws = FakeAWS(
      .xml("<InitiateMultipartUploadResult><UploadId>u+/1</UploadId></InitiateMultipartUploadResult>"),
      .xml(headers: ["ETag": "\"p2\""]),
      .xml(
        "<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag></CompleteMultipartUploadResult>",
        headers: ["x-amz-version-id": "v"]),
      .s3Error("NoSuchUpload", status: 404))
    let s3 = S3Client(aws.client)
    let id = try await s3.createMultipartUpload(bucket: "buck", key: "k", contentType: "text/csv")
    #expect(id == "u+/1")
    #expect(aws.requests[0].headers["x-amz-checksum-algorithm"] == "CRC32")
    #expect(aws.requests[0].headers["x-amz-checksum-type"] == "FULL_OBJECT")
    #expect(aws.requests[0].headers["Content-Type"] == "text/csv")
    let part = try await s3.uploadPart(
      bucket: "buck", key: "k", uploadID: id, number: 2, body: .bytes([1, 2]), crc32: "AAAAAA==")
    #expect(part == .init(number: 2, etag: "p2", crc32: "AAAAAA=="))
    #expect(aws.requests[1].line == "PUT buck.s3.us-east-2.amazonaws.com/k?partNumber=2&uploadId=u%2B%2F1")
    #expect(aws.requests[1].headers["x-amz-checksum-crc32"] == "AAAAAA==")
    let made = try await s3.completeMultipartUpload(
      bucket: "buck", key: "k", uploadID: id, parts: [part, .init(number: 1, etag: "p1", crc32: nil)],
      condition: .ifAbsent,
      crc32: "BBBBBB==", size: 3)
    #expect(made == .init(etag: "e-2", versionID: "v"))
    let complete = aws.requests[2]
    #expect(complete.line == "POST buck.s3.us-east-2.amazonaws.com/k?uploadId=u%2B%2F1")
    #expect(complete.headers["If-None-Match"] == "*")
    #expect(complete.headers["x-amz-checksum-crc32"] == "BBBBBB==")
    #expect(complete.headers["x-amz-checksum-type"] == "FULL_OBJECT")
    #expect(complete.headers["x-amz-mp-object-size"] == "3")
    #expect(
      complete.text.hasSuffix(
        "<Part><ETag>&quot;p1&quot;</ETag><PartNumber>1</PartNumber></Part>"
          + "<Part><ETag>&quot;p2&quot;</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32><PartNumber>2</PartNumber></Part>"
          + "</CompleteMultipartUpload>"))
    try await s3.abortMultipartUpload(bucket: "buck", key: "k", uploadID: id)
    #expect(aws.requests[3].method == "DELETE")
  }

  /// S3 says 200 first and finds out afterwards.
  @Test func errorsInsideASuccess() async throws {
    let failed = "<?xml version=\"1.0\"?>\n<Error><Code>InvalidPart</Code><Message>m</Message></Error>"
    let aws = FakeAWS(.xml(failed), .xml(failed), .xml(failed))
    let s3 = S3Client(aws.client)
    let error = await awsError { () async throws(AWSError) in
      try await s3.completeMultipartUpload(bucket: "buck", key: "k", uploadID: "u", parts: [])
    }
    #expect(error.code == "InvalidPart")
  }

  @Test func listMultipartUploads() async throws {
    let aws = FakeAWS(
      .xml(
        "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
          + "<NextKeyMarker>a+b</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker>"
          + "<Upload><Key>a+b</Key><UploadId>u1</UploadId><Initiated>2026-11-23T18:59:43.000Z</Initiated></Upload></ListMultipartUploadsResult>"
      ),
      .xml(
        "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>c</Key><UploadId>u2</UploadId></Upload></ListMultipartUploadsResult>"
      ))
    let found = try await S3Client(aws.client).listMultipartUploads("buck")
    #expect(found.map(\.key) == ["a b", "c"])
    #expect(found.map(\.uploadID) == ["u1", "u2"])
    #expect(
      aws.requests[1].query == [
        "encoding-type=url", "key-marker=a%20b", "max-uploads=1000", "upload-id-marker=u1", "uploads",
      ])
  }

  @Test func presignedURLs() async throws {
    let aws = FakeAWS()
    let url = try await S3Client(aws.client).presignedURL(bucket: "buck", key: "k ü", expires: .seconds(60))
    #expect(url.hasPrefix("https://buck.s3.us-east-2.amazonaws.com/k%20%C3%BC?"))
    #expect(url.contains("X-Amz-Expires=60"))
    #expect(aws.requests.isEmpty)
  }

  @Test func xmlEscapes() {
    #expect(!XMLWriter.canCarry("a\u{1}b"))
    #expect(!XMLWriter.canCarry("\u{FFFE}"))
    #expect(XMLWriter.canCarry("a\r\n\t<&>\"é🍎"))
    var writer = XMLWriter()
    writer.element("Key", "a\r\n<&>\"")
    #expect(writer.text.hasSuffix("<Key>a&#13;&#10;&lt;&amp;&gt;&quot;</Key>"))
  }
}
