import AWS
import FoundationEssentials
import HTTP
import Synchronization
import Testing

/// The chain as a whole: machine in, identity or explanation out.
struct CredentialChainTests {
  struct Scenario: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var variables: [String: String] = [:]
    var config = ""
    var credentials = ""
    var files: [String: String] = [:]
    var profile: String?
    var process = FakeProcess(isMissing: true)
    /// What the access key id must be; nil when it must fail.
    var key: String?
    /// Part of the source, or of the error.
    var says: String
  }

  static let scenarios: [Scenario] = [
    Scenario(testDescription: "environment", variables: keys("ENV"), key: "ENV", says: "environment"),
    Scenario(
      testDescription: "environment before AWS_PROFILE", variables: keys("ENV", ["AWS_PROFILE": "a"]),
      credentials: fixed("a", "PROFILE"), key: "ENV", says: "environment"),
    Scenario(
      testDescription: "environment with an AWS_PROFILE that does not exist",
      variables: keys("ENV", ["AWS_PROFILE": "x"]),
      key: "ENV", says: "environment"),
    Scenario(
      testDescription: "a profile named explicitly beats the environment", variables: keys("ENV"),
      credentials: fixed("a", "PROFILE"), profile: "a", key: "PROFILE", says: "profile 'a'"),
    Scenario(
      testDescription: "half a key", variables: ["AWS_ACCESS_KEY_ID": "X"], says: "AWS_SECRET_ACCESS_KEY is not"),
    Scenario(
      testDescription: "AWS_PROFILE before AWS_DEFAULT_PROFILE",
      variables: ["AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": "b"], credentials: fixed("a", "A") + fixed("b", "B"),
      key: "A", says: "profile 'a'"),
    Scenario(testDescription: "default", credentials: fixed("default", "DEFAULT"), key: "DEFAULT", says: "'default'"),
    Scenario(
      testDescription: "credentials file before process before config",
      config: "[default]\ncredential_process = p\n"
        + "aws_access_key_id = CONFIG\naws_secret_access_key = s", credentials: fixed("default", "FILE"), key: "FILE",
      says: "'default'"),
    Scenario(
      testDescription: "keys in the config file",
      config: "[default]\naws_access_key_id = CONFIG\naws_secret_access_key = s",
      key: "CONFIG", says: "'default'"),
    Scenario(
      testDescription: "half a key in a file", credentials: "[default]\naws_access_key_id = X",
      says: "no aws_secret_access_key"),
    Scenario(testDescription: "a profile that does not exist", profile: "x", says: "the profile 'x' is not in"),
    // Processes
    Scenario(
      testDescription: "process", config: "[default]\ncredential_process = tool --x 'a b'",
      process: FakeProcess(
        output: #"{"Version":1,"AccessKeyId":"PROC","SecretAccessKey":"s","Expiration":"2030-01-01T00:00:00Z"}"#),
      key: "PROC", says: "credential_process"),
    Scenario(
      testDescription: "process that fails", config: "[default]\ncredential_process = tool",
      process: FakeProcess(status: 3, output: "PRIVATE"), says: "exit status 3"),
    Scenario(
      testDescription: "process that prints something else", config: "[default]\ncredential_process = tool",
      process: FakeProcess(output: "PRIVATE"), says: "did not answer with the JSON"),
    Scenario(
      testDescription: "process of another version", config: "[default]\ncredential_process = tool",
      process: FakeProcess(output: #"{"Version":2,"AccessKeyId":"PRIVATE","SecretAccessKey":"PRIVATE"}"#),
      says: "Version that is not 1"),
    Scenario(
      testDescription: "process with expired credentials", config: "[default]\ncredential_process = tool",
      process: FakeProcess(
        output: #"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"PRIVATE","Expiration":"2020-01-01T00:00:00Z"}"#),
      says: "have expired"),
    Scenario(
      testDescription: "process that is missing", config: "[default]\ncredential_process = tool",
      says: "could not be run"),
    Scenario(
      testDescription: "process with an open quote", config: "[default]\ncredential_process = tool 'a",
      says: "a quote that is not closed"),
    // Roles
    Scenario(
      testDescription: "role by source_profile", config: role("a", "source_profile = b\nexternal_id = X1"),
      credentials: fixed("b", "BASE"), profile: "a", key: "ROLE-BASE-X1", says: "role, by profile 'b'"),
    Scenario(
      testDescription: "role by a role by keys",
      config: role("a", "source_profile = b") + role("b", "source_profile = c"),
      credentials: fixed("c", "BASE"), profile: "a", key: "ROLE-ROLE-BASE", says: "role, by profile 'b' (role"),
    Scenario(
      testDescription: "a profile that is its own source", config: role("a", "source_profile = a"),
      credentials: fixed("a", "SELF"), profile: "a", key: "ROLE-SELF", says: "role"),
    Scenario(
      testDescription: "a circle", config: role("a", "source_profile = b") + role("b", "source_profile = a"),
      profile: "a",
      says: "in a circle: a -> b -> a"),
    Scenario(
      testDescription: "a source that does not exist", config: role("a", "source_profile = nobody"), profile: "a",
      says: "source_profile of profile 'a'"),
    Scenario(
      testDescription: "a source without credentials", config: role("a", "source_profile = b") + "[profile b]\n",
      profile: "a", says: "holds no credentials"),
    Scenario(
      testDescription: "role by the environment", variables: keys("ENV"),
      config: role("a", "credential_source = Environment"),
      profile: "a", key: "ROLE-ENV", says: "by environment"),
    Scenario(
      testDescription: "role by an unknown source", config: role("a", "credential_source = Moon"), profile: "a",
      says: "must be Environment, Ec2InstanceMetadata or EcsContainer"),
    Scenario(
      testDescription: "role with two sources",
      config: role("a", "credential_source = Environment\nsource_profile = b"), profile: "a", says: "one is enough"),
    Scenario(
      testDescription: "role without a source", config: role("a", ""), profile: "a", says: "neither source_profile"),
    Scenario(
      testDescription: "role with MFA", config: role("a", "source_profile = b\nmfa_serial = arn:x"),
      credentials: fixed("b", "BASE"), profile: "a", says: "needs an MFA code"),
    Scenario(
      testDescription: "role with a bad duration", config: role("a", "source_profile = b\nduration_seconds = 10"),
      credentials: fixed("b", "BASE"), profile: "a", says: "duration_seconds"),
    // Web identity
    Scenario(
      testDescription: "web identity of the environment",
      variables: ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:r"], files: ["/token": "JWT\n"],
      key: "WEB-JWT", says: "web identity"),
    Scenario(
      testDescription: "web identity of a profile",
      config: "[profile a]\nrole_arn = arn:r\nweb_identity_token_file = ~/t", files: ["/home/u/t": "JWT2"],
      profile: "a",
      key: "WEB-JWT2", says: "profile 'a' (web identity)"),
    Scenario(
      testDescription: "web identity without its file",
      variables: ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:r"], says: "/token does not exist"),
    Scenario(
      testDescription: "web identity without a role", variables: ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token"],
      says: "AWS_ROLE_ARN is not"),
    // SSO
    Scenario(
      testDescription: "SSO with a session", config: sso, files: ssoCache("corp", expires: "2030-01-01T00:00:00Z"),
      profile: "s", key: "SSO-TOKEN-Admin-111122223333", says: "(SSO)"),
    Scenario(
      testDescription: "SSO of the old kind",
      config: "[profile s]\nsso_start_url = https://u\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = R",
      files: ssoCache("https://u", expires: "2030-01-01T00:00:00UTC"), profile: "s", key: "SSO-TOKEN-R-1", says: "(SSO)"
    ),
    Scenario(
      testDescription: "SSO that has expired", config: sso, files: ssoCache("corp", expires: "2020-01-01T00:00:00Z"),
      profile: "s", says: "has expired; run: aws sso login --profile s"),
    Scenario(
      testDescription: "SSO that was never logged in", config: sso, profile: "s", says: "run: aws sso login --profile s"
    ),
    Scenario(
      testDescription: "SSO with a broken cache", config: sso,
      files: ["/home/u/.aws/sso/cache/\(SHA1.hex("corp")).json": "{"], profile: "s", says: "cannot be read"),
    Scenario(
      testDescription: "SSO that AWS refuses", config: sso,
      files: ssoCache("corp", expires: "2030-01-01T00:00:00Z", token: "BAD"), profile: "s",
      says: "does not accept the SSO session"),
    Scenario(
      testDescription: "SSO with an unknown session", config: "[profile s]\nsso_session = x\nsso_account_id = 1",
      profile: "s",
      says: "names the sso-session 'x'"),
    Scenario(
      testDescription: "role by SSO", config: sso + role("a", "source_profile = s"),
      files: ssoCache("corp", expires: "2030-01-01T00:00:00Z"), profile: "a", key: "ROLE-SSO-TOKEN-Admin-111122223333",
      says: "(SSO)"),
    // Containers
    Scenario(
      testDescription: "container, relative", variables: ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/creds"],
      key: "CONTAINER-", says: "container"),
    Scenario(
      testDescription: "container, full, with a token file",
      variables: [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/pod", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "other",
      ], files: ["/pod": "POD\n"], key: "CONTAINER-POD", says: "container"),
    Scenario(
      testDescription: "container with a token that would be two headers",
      variables: [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/c", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nHost: b",
      ], says: "no header may have"),
    Scenario(
      testDescription: "container elsewhere without TLS",
      variables: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://evil.com/c"], says: "must be https"),
    // Instances
    Scenario(
      testDescription: "instance", variables: ["IMDS": "2"], key: "INSTANCE", says: "EC2 instance role"),
    Scenario(testDescription: "old instance", variables: ["IMDS": "1"], key: "INSTANCE", says: "EC2 instance role"),
    Scenario(
      testDescription: "old instance where that is refused",
      variables: ["IMDS": "1", "AWS_EC2_METADATA_V1_DISABLED": "true"], says: "V1_DISABLED forbids it"),
    Scenario(
      testDescription: "instance switched off", variables: ["IMDS": "2", "AWS_EC2_METADATA_DISABLED": "true"],
      says: "switched off"),
    Scenario(testDescription: "instance without a role", variables: ["IMDS": "none"], says: "no role is attached"),
    Scenario(testDescription: "nothing at all", says: "EC2 instance metadata: no answer"),
  ]

  private static func keys(_ id: String, _ more: [String: String] = [:]) -> [String: String] {
    more.merging(["AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": "PRIVATE"]) { $1 }
  }

  private static func fixed(_ name: String, _ id: String) -> String {
    "[\(name)]\naws_access_key_id = \(id)\naws_secret_access_key = PRIVATE\n"
  }

  private static func role(_ name: String, _ lines: String) -> String {
    "[profile \(name)]\nrole_arn = arn:aws:iam::111122223333:role/\(name)\n\(lines)\n"
  }

  private static let sso = """
    [profile s]
    sso_session = corp
    sso_account_id = 111122223333
    sso_role_name = Admin
    [sso-session corp]
    sso_region = eu-west-1
    sso_start_url = https://corp\n
    """

  private static func ssoCache(_ name: String, expires: String, token: String = "TOKEN") -> [String: String] {
    [
      "/home/u/.aws/sso/cache/\(SHA1.hex(name)).json":
        #"{"startUrl":"https://x","region":"eu-west-1","accessToken":"\#(token)","expiresAt":"\#(expires)"}"#
    ]
  }

  /// STS, SSO, container agent and instance metadata in one.
  private static func world(imds: String?) -> FakeTransport {
    FakeTransport { request, _ in
      let url = request.url
      func document(_ key: String) -> FakeTransport.Answer {
        answer(
          200,
          #"{"Code":"Success","AccessKeyId":"\#(key)","SecretAccessKey":"PRIVATE","Token":"t","Expiration":"2030-01-01T00:00:00Z"}"#
        )
      }
      if url.hasPrefix("https://sts.") {
        guard case .bytes(let bytes) = request.body else { return answer(400) }
        let form = String(decoding: bytes, as: UTF8.self).split(separator: "&").reduce(into: [String: String]()) {
          let pair = $1.split(separator: "=", maxSplits: 1)
          $0[String(pair[0])] = pair.count == 2 ? URLEncoding.decode(String(pair[1])) : ""
        }
        let action = form["Action"] ?? ""
        var key = "WEB-\(form["WebIdentityToken"] ?? "")"
        if action == "AssumeRole" {
          let signer = request.headers["authorization"]?.split(separator: "=")[1].prefix { $0 != "/" } ?? "?"
          key = "ROLE-\(signer)" + (form["ExternalId"].map { "-\($0)" } ?? "")
        } else if request.headers["authorization"] != nil {
          return answer(400, "<ErrorResponse><Error><Code>MustBeUnsigned</Code></Error></ErrorResponse>")
        }
        return answer(
          200,
          "<R><\(action)Result><Credentials><AccessKeyId>\(key)</AccessKeyId><SecretAccessKey>PRIVATE</SecretAccessKey>"
            + "<SessionToken>t</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></\(action)Result></R>"
        )
      }
      if url.hasPrefix("https://portal.sso.") {
        let token = request.headers["x-amz-sso_bearer_token"] ?? ""
        guard token == "TOKEN", request.headers["authorization"] == nil else {
          return answer(
            401, #"{"message":"Session token not found or invalid"}"#, ["x-amzn-ErrorType": "UnauthorizedException"])
        }
        let query = url.split(separator: "?")[1].split(separator: "&").map { $0.split(separator: "=")[1] }
        return answer(
          200,
          #"{"roleCredentials":{"accessKeyId":"SSO-\#(token)-\#(query[0])-\#(query[1])","secretAccessKey":"PRIVATE","#
            + #""sessionToken":"t","expiration":1900000000000}}"#)
      }
      if url.hasPrefix("http://169.254.170.") { return document("CONTAINER-\(request.headers["authorization"] ?? "")") }
      guard url.hasPrefix("http://169.254.169.254/latest/"), let imds else {
        return broken(.timeout, afterSending: false)
      }
      if url.hasSuffix("/api/token") { return imds == "1" ? answer(404) : answer(200, "IMDSTOKEN") }
      guard imds == "1" || request.headers["x-aws-ec2-metadata-token"] == "IMDSTOKEN" else { return answer(401) }
      if url.hasSuffix("/security-credentials/") { return imds == "none" ? answer(404) : answer(200, "my-role") }
      return url.hasSuffix("/security-credentials/my-role") ? document("INSTANCE") : answer(404)
    }
  }

  @Test(arguments: scenarios)
  func chain(scenario: Scenario) async {
    let files = scenario.files.merging([
      "/home/u/.aws/config": scenario.config, "/home/u/.aws/credentials": scenario.credentials,
    ]) { $1 }
    let environment = machine(
      scenario.variables, files: files, transport: Self.world(imds: scenario.variables["IMDS"]),
      process: scenario.process)
    do throws(AWSError) {
      let setup = try await AWSSetup.load(environment, profile: scenario.profile, region: "us-east-2")
      let found = try await setup.credentials.credentials()
      #expect(found.accessKeyID == scenario.key)
      #expect(found.source.contains(scenario.says))
      #expect(!"\(found) \([found]) \(setup)".contains("PRIVATE"))
    } catch {
      #expect(scenario.key == nil, "\(error)")
      #expect(error.message.contains(scenario.says), "\(error)")
      #expect(!"\(error)".contains("PRIVATE"))
      #expect(error.code.hasPrefix("Client."))
    }
  }

  @Test func aRefusedRoleNamesProfileAndRole() async throws {
    let server = FakeTransport([
      answer(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")
    ])
    let files = [
      "/home/u/.aws/config": Self.role("a", "source_profile = b"), "/home/u/.aws/credentials": Self.fixed("b", "B"),
    ]
    do throws(AWSError) {
      let setup = try await AWSSetup.load(machine(files: files, transport: server), profile: "a", region: "us-east-2")
      // Asked for by a call of another service.
      _ = try await setup.client().send(AWSRequest(.emr, "ListClusters"))
      #expect(Bool(false), "it must fail")
    } catch {
      #expect(
        error.description.hasPrefix(
          "STS AssumeRole: AccessDenied: profile 'a' (/home/u/.aws/config:1) cannot assume "
            + "arn:aws:iam::111122223333:role/a with the credentials of the profile 'b': no"))
      #expect(!error.outcomeUnknown)
    }
  }

  @Test func nothingFoundListsWhatWasTried() async throws {
    do throws(AWSError) {
      _ = try await AWSSetup.load(machine(), region: "us-east-2").credentials.credentials()
      #expect(Bool(false), "it must fail")
    } catch {
      for name in [
        "environment: AWS_ACCESS_KEY_ID", "role of the profile", "web identity", "SSO", "shared credentials file",
        "credential_process", "config file", "container", "EC2 instance metadata", "--profile",
      ] {
        #expect(error.message.contains(name), "\(name)")
      }
    }
  }

  @Test(arguments: [
    ("https://any.where/x", true), ("http://localhost:80/x", true), ("http://127.0.0.1/x", true),
    ("http://127.9.8.7:1234/x", true), ("http://[::1]:9/x", true), ("http://[fd00:ec2::23]/v1", true),
    ("http://169.254.170.2/x", true), ("http://169.254.170.23/x", true), ("http://169.254.169.254/x", false),
    ("http://127.0.0.1.evil.com/x", false), ("http://localhost@evil.com/x", false),
    ("http://127.0.0.1@evil.com", false),
    ("http://127.evil.0.1/", false), ("http://evil.com#localhost", false), ("ftp://localhost/", false), ("", false),
    ("https://", false), ("http://[::1", false),
  ])
  func containerAddresses(url: String, isAllowed: Bool) async {
    let environment = machine(
      ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url.isEmpty ? "-" : url],
      transport: FakeTransport([answer(200, #"{"AccessKeyId":"K","SecretAccessKey":"s"}"#)]))
    let found = try? await AWSSetup.load(environment, region: "us-east-2").credentials.credentials()
    #expect((found?.accessKeyID == "K") == isAllowed)
  }

  @Test func theInstanceKeepsItsCredentialsWhileTheServiceIsDown() async throws {
    let clock = FakeClock()
    let isDown = Mutex(false)
    let server = FakeTransport { request, _ in
      if isDown.withLock({ $0 }) { return broken(.timeout, afterSending: false) }
      if request.method == "PUT" { return answer(200, "T") }
      if request.url.hasSuffix("/") { return answer(200, "r") }
      // Expired already: IMDS itself has trouble.
      return answer(
        200,
        #"{"Code":"Success","AccessKeyId":"I","SecretAccessKey":"s","Token":"t","Expiration":"2020-01-01T00:00:00Z"}"#)
    }
    let setup = try await AWSSetup.load(machine(transport: server, clock: clock), region: "us-east-2")
    let first = try await setup.credentials.credentials()
    #expect(first.expiration == clock.now.addingTimeInterval(900))
    isDown.withLock { $0 = true }
    clock.advance(3600)
    let second = try await setup.credentials.credentials()
    #expect(second.accessKeyID == "I")
    #expect(second.expiration == clock.now.addingTimeInterval(900))
  }
}

struct CachingProviderTests {
  /// Counts; each answer lives for an hour.
  private final class Source: CredentialsProvider {
    let clock: FakeClock
    private let state = Mutex((count: 0, fails: false))
    init(_ clock: FakeClock) { self.clock = clock }
    var count: Int { state.withLock { $0.count } }
    func fail(_ value: Bool) { state.withLock { $0.fails = value } }

    func credentials() async throws(AWSError) -> Credentials {
      try? await Task.sleep(for: .milliseconds(5))
      let (count, fails) = state.withLock { state in
        state.count += 1
        return state
      }
      if fails { throw AWSError(code: "Down", message: "m") }
      return Credentials(
        accessKeyID: "K\(count)", secretAccessKey: "s", expiration: clock.now.addingTimeInterval(3600), source: "test")
    }
  }

  private func settle(_ source: Source, until count: Int) async {
    for _ in 0..<200 where source.count < count { try? await Task.sleep(for: .milliseconds(5)) }
    try? await Task.sleep(for: .milliseconds(20))
  }

  @Test func oneFetchForManyCallers() async throws {
    let source = Source(FakeClock())
    let provider = CachingProvider(source, clock: source.clock)
    let keys = await withTaskGroup(of: String?.self) { group in
      for _ in 0..<50 { group.addTask { try? await provider.credentials().accessKeyID } }
      return await group.reduce(into: Set<String?>()) { $0.insert($1) }
    }
    #expect(keys == ["K1"])
    #expect(source.count == 1)
  }

  @Test func refreshesInTheBackgroundAndThenInTheForeground() async throws {
    let source = Source(FakeClock())
    let provider = CachingProvider(source, clock: source.clock)
    #expect(try await provider.credentials().accessKeyID == "K1")
    source.clock.advance(3600 - 901)
    #expect(try await provider.credentials().accessKeyID == "K1")
    #expect(source.count == 1)
    source.clock.advance(2)
    #expect(try await provider.credentials().accessKeyID == "K1")
    await settle(source, until: 2)
    #expect(try await provider.credentials().accessKeyID == "K2")
    source.clock.advance(3600 - 599)
    #expect(try await provider.credentials().accessKeyID == "K3")
  }

  @Test func whatStillHoldsIsUsedWhenTheSourceIsDown() async throws {
    let source = Source(FakeClock())
    let provider = CachingProvider(source, clock: source.clock)
    _ = try await provider.credentials()
    source.fail(true)
    source.clock.advance(3600 - 60)
    #expect(try await provider.credentials().accessKeyID == "K1")
    source.clock.advance(60)
    await #expect(throws: AWSError.self) { try await provider.credentials() }
    source.fail(false)
    #expect(try await provider.credentials().accessKeyID == "K4")
  }

  @Test func refusedOnesAreDroppedOnce() async throws {
    let source = Source(FakeClock())
    let provider = CachingProvider(source, clock: source.clock)
    let first = try await provider.credentials()
    await provider.invalidate(first)
    let second = try await provider.credentials()
    #expect(second.accessKeyID == "K2")
    // A slower caller was refused with the first ones too.
    await provider.invalidate(first)
    #expect(try await provider.credentials() == second)
    #expect(source.count == 2)
  }
}
