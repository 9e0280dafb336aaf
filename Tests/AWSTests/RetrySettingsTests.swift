import AWS
import Testing

struct RetrySettingsTests {
  @Test(
    arguments: [
      ([:], "", 3), (["AWS_RETRY_MODE": "standard"], "", 3), (["AWS_RETRY_MODE": "Adaptive"], "", 3),
      (["AWS_RETRY_MODE": "legacy"], "", 5), (["AWS_RETRY_MODE": "legacy", "AWS_MAX_ATTEMPTS": "2"], "", 2),
      ([:], "max_attempts = 7", 7), (["AWS_MAX_ATTEMPTS": "1"], "max_attempts = 7", 1), ([:], "retry_mode = legacy", 5),
      (["AWS_MAX_ATTEMPTS": ""], "", 3),
    ] as [([String: String], String, Int)])
  func attempts(variables: [String: String], lines: String, expected: Int) async throws {
    let setup = try await AWSSetup.load(
      machine(variables, files: ["/home/u/.aws/config": "[default]\nregion = us-east-2\n\(lines)"]))
    #expect(setup.retry.maxAttempts == expected)
    let isChosen = expected != 3 || variables["AWS_RETRY_MODE"] != nil
    #expect(setup.retry.maxAttemptsWhenAnswered == (isChosen ? expected : 10))
    #expect(setup.retry.capacity == 500)
  }

  @Test(arguments: [
    ("AWS_MAX_ATTEMPTS", "0"), ("AWS_MAX_ATTEMPTS", "many"), ("AWS_MAX_ATTEMPTS", "-1"), ("AWS_RETRY_MODE", "hard"),
  ])
  func mistakes(name: String, value: String) async {
    do throws(AWSError) {
      _ = try await AWSSetup.load(machine([name: value]), region: "us-east-2")
      #expect(Bool(false), "it must fail")
    } catch {
      #expect(error.code == ClientCode.configuration)
      #expect(error.message.contains(name))
      #expect(error.message.contains("'\(value)'"))
    }
  }
}
