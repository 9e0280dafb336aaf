import AWS
import HTTP
import Testing

struct STSTests {
  @Test func callerIdentity() async throws {
    let server = FakeTransport([
      answer(
        200,
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>"
          + "<Arn>arn:aws-cn:iam::123456789012:user/x</Arn><UserId>U</UserId><Account>123456789012</Account>"
          + "</GetCallerIdentityResult></GetCallerIdentityResponse>")
    ])
    let identity = try await STSClient(client(server)).getCallerIdentity()
    #expect(identity == .init(account: "123456789012", arn: "arn:aws-cn:iam::123456789012:user/x", userID: "U"))
    #expect(identity.partition == "aws-cn")
    #expect(server.requests[0].url == "https://sts.us-east-2.amazonaws.com/")
  }

  @Test(arguments: ["<R/>", "<R><GetCallerIdentityResult/></R>", "{}", ""])
  func incompleteAnswers(body: String) async {
    await #expect(throws: AWSError.self) {
      try await STSClient(client(FakeTransport([answer(200, body)]))).getCallerIdentity()
    }
  }
}
