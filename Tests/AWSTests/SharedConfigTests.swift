import AWS
import Testing

struct SharedConfigTests {
  private func load(config: String = "", credentials: String = "") throws -> SharedConfig {
    try SharedConfig.load(machine(files: ["/home/u/.aws/config": config, "/home/u/.aws/credentials": credentials]))
  }

  @Test func everyKindOfLine() throws {
    let config = try load(
      config: """
        \u{FEFF}# comment
        ; comment

        [default]
        region=us-east-2
        OUTPUT = json ; why not
          # an indented comment
        [profile  "data team" ] # team
        region = sa-east-1 # São Paulo
        role_arn=arn:aws:iam::1:role/a#b
        s3 =
          addressing_style = path
          # comment
          max_concurrent_requests=3
        credential_process = "/usr/local/my tool" --flag 'a b'
        empty =
        [sso-session corp]
        sso_region = us-east-1
        sso_start_url = https://corp.awsapps.com/start#/
        [services local]
        s3 =
          endpoint_url = http://127.0.0.1:9000
        secrets_manager =
          endpoint_url = http://127.0.0.1:5000
        [plugins]
        cli = x
        [profile data\\ team]
        output = text
        """)
    let normal = try config.profile("default")
    #expect(normal["region"] == "us-east-2")
    #expect(normal["output"] == "json")
    let team = try config.profile("data team")
    #expect(team["region"] == "sa-east-1")
    #expect(team["role_arn"] == "arn:aws:iam::1:role/a#b")
    #expect(team["output"] == "text")
    #expect(team["empty"] == nil)
    #expect(team["credential_process"] == "\"/usr/local/my tool\" --flag 'a b'")
    #expect(team.nested["s3"] == ["addressing_style": "path", "max_concurrent_requests": "3"])
    #expect(config.ssoSessions["corp"]?["sso_start_url"] == "https://corp.awsapps.com/start#/")
    #expect(config.services["local"]?["s3"]?["endpoint_url"] == "http://127.0.0.1:9000")
    #expect(config.services["local"]?["secrets_manager"]?["endpoint_url"] == "http://127.0.0.1:5000")
    #expect(config.profiles.keys.sorted() == ["data team", "default"])
  }

  @Test func carriageReturnsAndContinuedValues() throws {
    let config = try load(config: "[default]\r\nregion = eu-west-1\r\na = one\r\n  two\r\n")
    #expect(try config.profile("default")["region"] == "eu-west-1")
    #expect(try config.profile("default")["a"] == "one\ntwo")
  }

  @Test func bothFilesMakeOneProfileAndCredentialsWin() throws {
    let config = try load(
      config: "[profile a]\nregion = r1\naws_access_key_id = FROMCONFIG\n[b]\nregion = ignored",
      credentials: "[a]\naws_access_key_id = FROMCREDENTIALS\n[c]\naws_access_key_id = C\n[profile d]\nx = y")
    #expect(try config.profile("a")["aws_access_key_id"] == "FROMCREDENTIALS")
    #expect(try config.profile("a")["region"] == "r1")
    #expect(try config.profile("c")["aws_access_key_id"] == "C")
    #expect(config.profiles.keys.sorted() == ["a", "c"])
  }

  @Test func profileDefaultHidesDefault() throws {
    let config = try load(config: "[profile default]\nregion = one\n[default]\nregion = two\noutput = text")
    #expect(try config.profile("default")["region"] == "one")
    #expect(try config.profile("default")["output"] == nil)
  }

  @Test(arguments: [
    ("region = x", "/home/u/.aws/config:1: a property before the first [section]"),
    ("[default]\nregion", "/home/u/.aws/config:2: expected [section], a comment or name = value"),
    ("# c\n\n[default\n", "/home/u/.aws/config:3: ']' is missing"),
    ("[default]\n= x", "/home/u/.aws/config:2: a name is missing before '='"),
    ("[]", "/home/u/.aws/config:1: expected [default], [profile NAME], [sso-session NAME] or [services NAME]"),
    (
      "[profile a b]",
      "/home/u/.aws/config:1: expected [default], [profile NAME], [sso-session NAME] or [services NAME]"
    ),
    ("  x = y", "/home/u/.aws/config:1: an indented line before the first [section]"),
    (
      "[profile \"a]",
      "/home/u/.aws/config:1: expected [default], [profile NAME], [sso-session NAME] or [services NAME]"
    ),
  ])
  func mistakesAreFoundByFileAndLine(text: String, message: String) {
    do {
      _ = try load(config: text)
      #expect(Bool(false), "it must fail")
    } catch {
      #expect((error as? AWSError)?.message == message)
      #expect((error as? AWSError)?.code == ClientCode.configuration)
    }
  }

  @Test func aLineWithASecretIsNotQuoted() {
    do {
      _ = try load(credentials: "[default]\naws_secret_access_key abcSECRETdef")
      #expect(Bool(false), "it must fail")
    } catch {
      #expect(!"\(error)".contains("SECRET"))
    }
  }

  @Test func otherPathsAndTilde() throws {
    let config = try SharedConfig.load(
      machine(
        ["AWS_CONFIG_FILE": "~/c", "AWS_SHARED_CREDENTIALS_FILE": "/k"],
        files: ["/home/u/c": "[default]\nregion = a", "/k": "[default]\naws_access_key_id = b"]))
    #expect(try config.profile("default")["region"] == "a")
    #expect(try config.profile("default")["aws_access_key_id"] == "b")
    #expect(config.paths == ["/home/u/c", "/k"])
  }

  @Test func aMissingProfileNamesTheOthers() throws {
    let config = try load(config: "[profile dev]\n[profile prod]\n")
    do throws(AWSError) {
      _ = try config.profile("pord")
      #expect(Bool(false), "it must fail")
    } catch {
      #expect(
        error.message
          == "the profile 'pord' is not in /home/u/.aws/config or /home/u/.aws/credentials; there are: dev, prod")
    }
    #expect(try config.profile("default")["region"] == nil)
  }

  @Test func profileDescriptionsHideValues() throws {
    let profile = try load(credentials: "[a]\naws_secret_access_key = SECRET").profile("a")
    var dumped = ""
    dump(profile, to: &dumped)
    #expect(!"\(profile) \([profile]) \(dumped)".contains("SECRET"))
  }
}
