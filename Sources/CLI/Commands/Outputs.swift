internal import ArgumentParser
internal import Engine
internal import Model

/// `mrhealth outputs`
struct Outputs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "What references can name: ARNs, ids, names.")

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = CommandContext(options)
    let session = try await StackSession.open(context)
    let state = try await session.state()
    let outputs = (state?.resources ?? [:]).map { ($0.key.description, $0.value.outputs) }.sorted { $0.0 < $1.0 }
    if options.json {
      return context.printJSON(Dictionary(outputs, uniquingKeysWith: { $1 }))
    }
    var table = Table(headers: ["REFERENCE", "VALUE"])
    for (address, value) in outputs {
      for (name, scalar) in (value.object ?? [:]).sorted(by: { $0.key < $1.key }) {
        if let text = scalar.scalarText { table.rows.append(["\(address).\(name)", text]) }
      }
    }
    guard !table.rows.isEmpty else { return context.terminal.print("Nothing is made yet") }
    context.terminal.print(table.lines(context.terminal).joined(separator: "\n"))
  }
}
