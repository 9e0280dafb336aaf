internal import ArgumentParser

/// What every command takes.
struct GlobalOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("The stack file, or the folder that holds stack.yaml.", valueName: "path"))
  var stack: String?

  @Option(name: .long, help: ArgumentHelp("A profile of ~/.aws/config.", valueName: "name"))
  var profile: String?

  @Option(name: .long, help: ArgumentHelp("AWS region.", valueName: "name"))
  var region: String?

  @Option(name: .customLong("var"), help: ArgumentHelp("Sets a variable of the stack.", valueName: "key=value"))
  var variables: [String] = []

  @Flag(name: .long, help: "Work on the embedded AWS; starts it when it is not running.")
  var local = false

  @Flag(name: .long, help: "Print one JSON document.")
  var json = false

  @Flag(name: .customLong("no-color"), help: "No colours; so does NO_COLOR.")
  var noColor = false

  @Flag(name: .shortAndLong, help: "Log every AWS call.")
  var verbose = false
}
