import AWS
import HTTP
import Testing

struct EndpointTests {
  private func resolver(_ variables: [String: String] = [:], config: String = "", explicit: String? = nil) throws
    -> EndpointResolver
  {
    let environment = machine(variables, files: ["/home/u/.aws/config": config])
    let shared = try SharedConfig.load(environment)
    return EndpointResolver(
      explicit: explicit, environment: environment, config: shared, profile: try shared.profile("default"))
  }

  @Test(arguments: [
    (Service.emr, "us-east-2", "https://elasticmapreduce.us-east-2.amazonaws.com", "us-east-2"),
    (.emr, "cn-north-1", "https://elasticmapreduce.cn-north-1.amazonaws.com.cn", "cn-north-1"),
    (.emr, "us-gov-west-1", "https://elasticmapreduce.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
    (.iam, "sa-east-1", "https://iam.amazonaws.com", "us-east-1"),
    (.iam, "cn-northwest-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
    (.iam, "us-gov-east-1", "https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
    (.s3, "us-east-1", "https://s3.us-east-1.amazonaws.com", "us-east-1"),
    (.sso, "eu-west-1", "https://portal.sso.eu-west-1.amazonaws.com", "eu-west-1"),
  ])
  func ownEndpoints(service: Service, region: String, url: String, signed: String) throws {
    let endpoint = try EndpointResolver().resolve(service, region: region)
    #expect("\(endpoint.scheme)://\(endpoint.host)\(endpoint.basePath)" == url)
    #expect(endpoint.signingRegion == signed)
  }

  @Test(
    arguments: [
      (nil, "lake", "https://lake.s3.us-east-2.amazonaws.com"),
      (nil, "lake.data", "https://s3.us-east-2.amazonaws.com/lake.data"),
      (nil, "Lake_1", "https://s3.us-east-2.amazonaws.com/Lake_1"),
      ("http://127.0.0.1:5000", "lake", "http://127.0.0.1:5000/lake"),
      ("http://localhost:5000/base/", "lake", "http://localhost:5000/base/lake"),
      ("https://minio.corp:443", "lake", "https://minio.corp/lake"),
      ("http://[::1]:80", "lake", "http://[::1]/lake"),
      (
        "https://bucket.vpce-1.s3.us-east-2.vpce.amazonaws.com", "lake",
        "https://lake.bucket.vpce-1.s3.us-east-2.vpce.amazonaws.com"
      ),
    ] as [(String?, String, String)])
  func buckets(custom: String?, bucket: String, url: String) throws {
    let endpoint = try (custom.map { EndpointResolver(url: $0) } ?? EndpointResolver()).resolve(
      .s3, region: "us-east-2", bucket: bucket)
    #expect("\(endpoint.scheme)://\(endpoint.host)\(endpoint.basePath)" == url)
  }

  @Test func theProfileChoosesTheStyle() throws {
    let virtual = try resolver(
      ["AWS_ENDPOINT_URL": "http://s3.local:9000"], config: "[default]\ns3 =\n  addressing_style = virtual")
    #expect(try virtual.resolve(.s3, region: "a", bucket: "lake").host == "lake.s3.local:9000")
    let address = try resolver(
      ["AWS_ENDPOINT_URL": "http://127.0.0.1:9000"], config: "[default]\ns3 =\n  addressing_style = virtual")
    #expect(try address.resolve(.s3, region: "a", bucket: "lake").basePath == "/lake")
    let path = try resolver(config: "[default]\ns3 =\n  addressing_style = path")
    #expect(try path.resolve(.s3, region: "us-east-2", bucket: "lake").basePath == "/lake")
  }

  @Test func iamIsSignedForItsHomeAtCustomEndpointsToo() throws {
    #expect(
      try EndpointResolver(url: "http://127.0.0.1:5000").resolve(.iam, region: "us-east-2").signingRegion == "us-east-1"
    )
  }

  private static let layered = """
    [default]
    endpoint_url = http://profile
    services = mine
    [services mine]
    s3 =
      endpoint_url = http://profile-s3
    secrets_manager =
      endpoint_url = http://profile-sm
    """

  @Test(
    arguments: [
      // what is set, S3's, EMR's
      ([:], nil, "http://profile-s3", "http://profile"),
      (["AWS_ENDPOINT_URL": "http://env"], nil, "http://env", "http://env"),
      (["AWS_ENDPOINT_URL": "http://env", "AWS_ENDPOINT_URL_S3": "http://env-s3"], nil, "http://env-s3", "http://env"),
      (["AWS_ENDPOINT_URL_EMR": "http://env-emr"], nil, "http://profile-s3", "http://env-emr"),
      (
        ["AWS_ENDPOINT_URL": "http://env", "AWS_ENDPOINT_URL_S3": "http://env-s3"], "http://said", "http://said",
        "http://said"
      ),
      (["AWS_ENDPOINT_URL": "http://env", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"], nil, nil, nil),
      (["AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": ""], nil, "http://profile-s3", "http://profile"),
    ] as [([String: String], String?, String?, String?)])
  func order(variables: [String: String], explicit: String?, s3: String?, emr: String?) throws {
    let resolver = try resolver(variables, config: Self.layered, explicit: explicit)
    #expect(resolver.custom(for: .s3) == s3)
    #expect(resolver.custom(for: .emr) == emr)
  }

  @Test(arguments: [
    "", "x", "ftp://h", "http://", "http:///p", "http://h:99999", "http://h:x", "http://user:pw@h", "http://h?q=1",
    "http://:80",
    "http://a b",
  ])
  func badAddresses(url: String) {
    #expect {
      try EndpointResolver(url: url).resolve(.s3, region: "us-east-2")
    } throws: {
      ($0 as? AWSError)?.code == ClientCode.configuration && !"\($0)".contains("pw")
    }
  }

  @Test(arguments: ["", "ab", "a/b", "a?b", "lake#", "../x", "lake@evil", "ção"])
  func badBuckets(name: String) {
    #expect(throws: AWSError.self) { try EndpointResolver().resolve(.s3, region: "us-east-2", bucket: name) }
  }

  @Test(arguments: ["", "us east", "us-east-1.evil.com/", "US-EAST-1", "-a"])
  func badRegions(region: String) {
    #expect(throws: AWSError.self) { try EndpointResolver().resolve(.s3, region: region) }
  }

  // MARK: Region

  @Test(
    arguments: [
      (["AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"], "c", "c"),
      (["AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"], nil, "a"),
      (["AWS_DEFAULT_REGION": "b"], nil, "b"), ([:], nil, "from-profile"),
    ] as [([String: String], String?, String)])
  func regionOrder(variables: [String: String], explicit: String?, expected: String) async throws {
    let setup = try await AWSSetup.load(
      machine(variables, files: ["/home/u/.aws/config": "[default]\nregion = from-profile"]), region: explicit)
    #expect(setup.region == expected)
  }

  @Test func noRegionIsSaidClearly() async {
    do throws(AWSError) {
      _ = try await AWSSetup.load(machine())
      #expect(Bool(false), "it must fail")
    } catch {
      #expect(error.message.contains("AWS_REGION"))
      #expect(error.message.contains("profile 'default'"))
    }
  }

  @Test func theInstanceKnowsItsRegion() async throws {
    let metadata = FakeTransport { request, _ in
      request.method == "PUT"
        ? answer(200, "TOKEN")
        : request.headers["x-aws-ec2-metadata-token"] == "TOKEN" ? answer(200, "sa-east-1") : answer(401)
    }
    #expect(try await AWSSetup.load(machine(transport: metadata)).region == "sa-east-1")
  }

  // MARK: What goes out

  @Test func theURLHasThePathAsSignedAndTheQueryEncoded() async throws {
    let server = FakeTransport([answer(200)])
    _ = try await client(server, endpoints: EndpointResolver(url: "http://127.0.0.1:5000")).send(
      AWSRequest(
        .s3, "GetObject", method: "GET", path: "/" + URLEncoding.path("a b/ção/../+"),
        query: [("versionId", "x/y +"), ("acl", nil)], bucket: "lake"))
    #expect(
      server.requests[0].url == "http://127.0.0.1:5000/lake/a%20b/%C3%A7%C3%A3o/../%2B?versionId=x%2Fy%20%2B&acl")
    // No TLS: hashed even where unsigned would do.
    #expect(server.requests[0].headers["x-amz-content-sha256"] == SHA256.emptyHex)
    #expect(server.requests[0].headers["user-agent"]?.hasPrefix("mrhealth/") == true)
    #expect(server.requests[0].headers["user-agent"]?.contains("region/") == false)
  }

  @Test func integrityHeaders() async throws {
    let server = FakeTransport([answer(200)])
    let body = HTTPBody.bytes(Array("123456789".utf8))
    _ = try await client(server).send(
      AWSRequest(
        .s3, "PutObject", method: "PUT", path: "/k", body: body, bucket: "lake", payload: .unsigned, checksum: .crc32))
    _ = try await client(server).send(
      AWSRequest(.s3, "DeleteObjects", path: "/", query: [("delete", nil)], body: body, bucket: "lake", checksum: .md5))
    #expect(server.requests[0].headers["x-amz-checksum-crc32"] == "y/Q5Jg==")
    #expect(server.requests[0].headers["x-amz-sdk-checksum-algorithm"] == "CRC32")
    #expect(server.requests[0].headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD")
    #expect(server.requests[1].headers["content-md5"] == "JfnnlDI7RTiF9RgfG2JNCw==")
  }

  @Test func protocolHeaders() async throws {
    let server = FakeTransport([answer(200, "<R/>")])
    let client = client(server)
    _ = try await client.query(.iam, "GetRole", ["RoleName": "a b", "Path": nil])
    #expect(server.requests[0].url == "https://iam.amazonaws.com/")
    guard case .bytes(let form) = server.requests[0].body else { return #expect(Bool(false), "a form is bytes") }
    #expect(String(decoding: form, as: UTF8.self) == "Action=GetRole&Version=2010-05-08&RoleName=a%20b")
    #expect(server.requests[0].headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8")
    #expect(server.requests[0].headers["authorization"]?.contains("/us-east-1/iam/") == true)
    _ = try? await client.send(AWSRequest(.emr, "ListClusters", body: .bytes([123, 125])))
    #expect(server.requests[1].headers["x-amz-target"] == "ElasticMapReduce.ListClusters")
    #expect(server.requests[1].headers["content-type"] == "application/x-amz-json-1.1")
  }

  @Test func presigned() async throws {
    let url = try await client(FakeTransport([answer(200)])).presign(
      AWSRequest(.s3, "GetObject", method: "GET", path: "/a%20b", bucket: "lake"), expires: .seconds(60))
    #expect(url.hasPrefix("https://lake.s3.us-east-2.amazonaws.com/a%20b?X-Amz-Algorithm=AWS4-HMAC-SHA256&"))
    #expect(url.contains("&X-Amz-Expires=60&"))
  }
}
