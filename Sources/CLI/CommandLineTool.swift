internal import ArgumentParser
internal import Cloud
internal import Engine
internal import Glibc
internal import Model

/// The program: parses, runs a command, and maps what went wrong to text and exit code, in this one place.
package enum CommandLineTool {
  package static func main() async {
    // A closed connection or pipe is an error of the call that meets it, not the end of the program.
    signal(SIGPIPE, SIG_IGN)
    let status = await run(Array(CommandLine.arguments.dropFirst()))
    exit(status)
  }

  static func run(_ arguments: [String]) async -> Int32 {
    let terminal = Terminal(
      environment: [
        "NO_COLOR": getenv("NO_COLOR").map { String(cString: $0) } ?? "",
        "TERM": getenv("TERM").map { String(cString: $0) } ?? "",
      ], noColour: arguments.contains("--no-color"))
    do {
      var command = try MRHealth.parseAsRoot(arguments)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      return ExitStatus.done.rawValue
    } catch {
      return report(error, arguments, terminal)
    }
  }

  private static func report(_ error: any Error, _ arguments: [String], _ terminal: Terminal) -> Int32 {
    let view = DiagnosticView(terminal)
    switch error {
    case let exit as Exit: return exit.status.rawValue
    case let several as Diagnostics:
      view.show(several.all)
      return ExitStatus.error.rawValue
    case let held as LockHeld:
      view.show([held.diagnostic])
      return ExitStatus.locked.rawValue
    case is CancellationError: return ExitStatus.interrupted.rawValue
    default: break
    }
    // Help, version and usage are the parser's own.
    let code = MRHealth.exitCode(for: error)
    if code == .success || code == .validationFailure {
      let message = MRHealth.fullMessage(for: error)
      if code == .success { terminal.print(message) } else { terminal.note(message + suggestion(arguments)) }
      return code.rawValue
    }
    view.show([Diagnostic(explaining: error)])
    return ExitStatus.error.rawValue
  }
}

extension CommandLineTool {
  /// For a misspelt command, which the parser only calls an unexpected argument.
  private static func suggestion(_ arguments: [String]) -> String {
    let commands = MRHealth.configuration.subcommands.compactMap { $0._commandName }
    guard !arguments.contains(where: commands.contains) else { return "" }
    let words = arguments.filter { !$0.hasPrefix("-") }
    guard let near = words.lazy.compactMap({ Suggestion.nearest(to: $0, among: commands) }).first else { return "" }
    return "\n  Did you mean `mrhealth \(near)`?"
  }
}

struct MRHealth: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mrhealth",
    abstract: "Provisions and runs daily Spark pipelines on Amazon EMR.",
    discussion: "Begin with `mrhealth --local up`, which needs no AWS account.",
    version: Version.current,
    subcommands: [
      Validate.self, Whoami.self, PlanCommand.self, Up.self, Run.self, Runs.self, Status.self, Outputs.self,
      Destroy.self, StateCommand.self, Adopt.self, LocalCommand.self,
    ])

  /// So that global options may stand before the command, as in `mrhealth --local up`.
  @OptionGroup var options: GlobalOptions
}
