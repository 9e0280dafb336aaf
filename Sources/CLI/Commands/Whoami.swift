internal import ArgumentParser
internal import AWS
internal import Model

/// `mrhealth whoami`
struct Whoami: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Who AWS says we are.")

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = CommandContext(options)
    let client = try await context.aws(region: (try? StackSession.load(context))?.region)
    let identity = try await STSClient(client).getCallerIdentity()
    struct View: Encodable {
      var account: String
      var arn: String
      var region: String
    }
    if options.json {
      return context.printJSON(View(account: identity.account, arn: identity.arn, region: client.region))
    }
    context.terminal.print("account \(identity.account)\n\(identity.arn)\nregion  \(client.region)")
  }
}
