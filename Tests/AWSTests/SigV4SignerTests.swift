import AWS
import FoundationEssentials
import HTTP
import Testing

struct SigV4SignerTests {
  // MARK: Examples of AWS's documentation

  private static let example = Credentials(
    accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", source: "test")
  private static let s3Example = Credentials(
    accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", source: "test")

  private func signature(_ request: SignableRequest, service: String, date: String) throws -> String {
    let headers = SigV4Signer(service: service, region: "us-east-1").sign(
      request, credentials: service == "s3" ? Self.s3Example : Self.example,
      date: try #require(AWSTime.parse(date)))
    let value = try #require(headers["authorization"])
    return String(value.suffix(64))
  }

  @Test(
    arguments: [
      ("GET", [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
      (
        "GET", [("Param2", "value2"), ("Param1", "value1")],
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
      ),
      ("POST", [], "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ] as [(String, [(String, String)], String)])
  func testSuiteOfAWS(method: String, query: [(String, String)], expected: String) throws {
    let request = SignableRequest(
      method: method, host: "example.amazonaws.com", path: "/", query: query.map { ($0.0, $0.1) })
    #expect(try signature(request, service: "service", date: "20150830T123600Z") == expected)
  }

  @Test func listUsersOfTheIAMGuide() throws {
    let request = SignableRequest(
      method: "GET", host: "iam.amazonaws.com", path: "/", query: [("Action", "ListUsers"), ("Version", "2010-05-08")],
      headers: ["Content-Type": "application/x-www-form-urlencoded; charset=utf-8"])
    #expect(
      try signature(request, service: "iam", date: "20150830T123600Z")
        == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
  }

  @Test func getObjectOfTheS3Reference() throws {
    let request = SignableRequest(
      method: "GET", host: "examplebucket.s3.amazonaws.com", path: "/test.txt", headers: ["Range": "bytes=0-9"])
    #expect(
      try signature(request, service: "s3", date: "20130524T000000Z")
        == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
  }

  @Test func presignedURLOfTheS3Reference() throws {
    let query = SigV4Signer(service: "s3", region: "us-east-1").presign(
      SignableRequest(method: "GET", host: "examplebucket.s3.amazonaws.com", path: "/test.txt"),
      credentials: Self.s3Example, date: try #require(AWSTime.parse("20130524T000000Z")), expires: 86400)
    #expect(query.hasSuffix("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"))
  }

  // MARK: botocore

  private struct Vector: Decodable {
    var number: Int
    var service: String
    var region: String
    var method: String
    var host: String
    var path: String
    var query: [[String?]]
    var headers: [[String]]
    var accessKeyID: String
    var secretAccessKey: String
    var sessionToken: String?
    var date: Double
    var payloadHash: String
    var expires: Int?
    var signature: String?
    var authorization: String?
  }

  @Test func agreesWithBotocore() throws {
    let path = AWSEnvironment.processVariables()["MRHEALTH_SIGNING_VECTORS"] ?? fixture("signing-vectors.json")
    let bytes = try #require(try AWSEnvironment.readLocalFile(path))
    let vectors = try AWSJSON.decode([Vector].self, from: bytes, keys: .asWritten)
    #expect(vectors.count >= 200)
    let keys = SigningKeyCache()
    for vector in vectors {
      var headers = HTTPHeaders()
      for item in vector.headers { headers.add(item[0], item[1]) }
      let request = SignableRequest(
        method: vector.method, host: vector.host, path: vector.path, query: vector.query.map { ($0[0] ?? "", $0[1]) },
        headers: headers, payloadHash: vector.payloadHash)
      let credentials = Credentials(
        accessKeyID: vector.accessKeyID, secretAccessKey: vector.secretAccessKey, sessionToken: vector.sessionToken,
        source: "test")
      let signer = SigV4Signer(service: vector.service, region: vector.region, keys: keys)
      let date = Date(timeIntervalSince1970: vector.date)
      if let expires = vector.expires {
        let query = signer.presign(request, credentials: credentials, date: date, expires: expires)
        #expect(String(query.suffix(64)) == vector.signature, "vector \(vector.number)")
      } else {
        let signed = signer.sign(request, credentials: credentials, date: date)
        #expect(signed["authorization"] == vector.authorization, "vector \(vector.number)")
      }
    }
  }

  @Test func aSecondSigningReplacesTheFirst() throws {
    let signer = SigV4Signer(service: "s3", region: "us-east-1")
    var withToken = Self.s3Example
    withToken.sessionToken = "old"
    var request = SignableRequest(method: "GET", host: "h", path: "/")
    request.headers = signer.sign(request, credentials: withToken, date: Date(timeIntervalSince1970: 1e9))
    let second = signer.sign(request, credentials: Self.s3Example, date: Date(timeIntervalSince1970: 1.1e9))
    #expect(second.values("authorization").count == 1)
    #expect(second["x-amz-security-token"] == nil)
    #expect(second["x-amz-date"] == "20041109T113320Z")
  }
}
