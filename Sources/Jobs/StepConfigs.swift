package import AWS
package import Model

extension StepDeclaration {
  /// The step as AddJobFlowSteps wants it. The run's id is part of its name: EMR has no tags on steps,
  /// and by the name a submission whose answer was lost is found (invariant 2).
  package func config(run: RunID) -> EMR.StepConfig {
    let jar: EMR.HadoopJarStepConfig =
      switch work {
      case .spark(let script, let options):
        EMR.HadoopJarStepConfig(
          jar: "command-runner.jar",
          args: ["spark-submit"] + (Self.namesDeployMode(options) ? [] : ["--deploy-mode", "client"]) + options
            + [script] + arguments)
      case .command(let command): EMR.HadoopJarStepConfig(jar: "command-runner.jar", args: command + arguments)
      case .jar(let jar, let mainClass): EMR.HadoopJarStepConfig(jar: jar, args: arguments, mainClass: mainClass)
      }
    return EMR.StepConfig(
      name: Self.name(name, run: run), actionOnFailure: EMR.ActionOnFailure(onFailure), hadoopJarStep: jar)
  }

  private static func namesDeployMode(_ options: [String]) -> Bool {
    options.contains { $0 == "--deploy-mode" || $0.hasPrefix("--deploy-mode=") }
  }

  package static func name(_ name: String, run: RunID) -> String { "\(name) (run \(run))" }

  /// The same step with its references substituted.
  package func substituting(_ lookup: (Reference) throws -> Value) throws -> StepDeclaration {
    func text(_ template: String) throws -> String {
      let value = try Value.string(template).substituting(lookup)
      guard let text = value.scalarText else {
        throw Diagnostic(
          "Step `\(name)` refers to what is not there yet", detail: "in \"\(template)\"",
          remedy: "Run `mrhealth up` first.", position: position)
      }
      return text
    }
    var copy = self
    copy.arguments = try arguments.map(text)
    switch work {
    case .spark(let script, let options):
      copy.work = .spark(script: try text(script), submitOptions: try options.map(text))
    case .command(let command): copy.work = .command(try command.map(text))
    case .jar(let jar, let mainClass): copy.work = .jar(try text(jar), mainClass: try mainClass.map(text))
    }
    return copy
  }
}
