internal import ArgumentParser
internal import AWS
internal import Jobs

/// `mrhealth runs`
struct Runs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "The last runs and how they ended.")

  @OptionGroup var options: GlobalOptions

  @Option(name: .long, help: ArgumentHelp("How many.", valueName: "n"))
  var limit = 10

  func run() async throws {
    let context = CommandContext(options)
    let session = try await StackSession.open(context)
    let store = RunStore(s3: S3Client(session.client), bucket: session.stateBucket)
    var records: [RunRecord] = []
    for id in try await store.list(limit: limit) {
      if let record = try await store.load(id) { records.append(record) }
    }
    if options.json { return context.printJSON(records) }
    guard !records.isEmpty else { return context.terminal.print("No runs yet") }
    var table = Table(headers: ["RUN", "DATE", "OUTCOME", "ALERTS", "STEPS", "CAUSE"])
    table.rows = records.map { record in
      let steps = record.steps.map { "\($0.name) \($0.state)" }.joined(separator: ", ")
      return [
        record.id.text, record.period, record.outcome.rawValue, record.alerts.map(String.init) ?? "", steps,
        record.cause ?? "",
      ]
    }
    context.terminal.print(table.lines(context.terminal).joined(separator: "\n"))
  }
}
