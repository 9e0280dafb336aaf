internal import ArgumentParser
internal import Cloud
internal import Engine
internal import Model

/// `mrhealth validate`: everything that can be said of a stack without an account.
struct Validate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Check the stack file, offline.")

  @OptionGroup var options: GlobalOptions

  @Flag(name: .customLong("print-schema"), help: "Print the stack file's JSON Schema, for editors.")
  var printsSchema = false

  func run() async throws {
    let context = CommandContext(options)
    if printsSchema {
      return context.printJSON(JSONSchema.document(for: StackFile(kinds: Catalog.definitions)))
    }
    let stack = try StackSession.load(context)
    try StackSession.check(stack, variables: try StackSession.values(of: stack, options.variables))
    let graph = try Graph(stack.resources)
    struct View: Encodable {
      var valid = true
      var stack: String
      var resources: [String]
      var steps: [String]
    }
    let steps = stack.pipeline?.steps.map(\.name) ?? []
    if options.json {
      return context.printJSON(View(stack: stack.name, resources: graph.order.map(\.description), steps: steps))
    }
    context.terminal.print("\(stack.file) is valid: \(graph.order.count) resources, \(steps.count) steps")
  }
}
