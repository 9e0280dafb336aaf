/// What a run does: which cluster, which data, which steps, whom to tell. Never infrastructure.
package struct Pipeline: Sendable {
  /// An `emr.cluster` of the stack.
  package var cluster: Address
  /// The folder of input data and the `s3://` prefix (a template) it is uploaded to.
  package var data: DataFolder?
  package var steps: [StepDeclaration]
  /// An `sns.topic` of the stack.
  package var notify: Address?
  /// Where the steps leave what the mail tells of the day: an `s3://` URL, a template.
  package var report: String?
}

package struct DataFolder: Sendable {
  /// Relative to the stack's folder.
  package var from: String
  package var to: String
}

/// One EMR step. Strings are templates: `${run.date}` and the like are known only when a run starts.
package struct StepDeclaration: Sendable {
  package enum Work: Sendable {
    /// `spark-submit OPTIONS SCRIPT ARGS` through `command-runner.jar`.
    case spark(script: String, submitOptions: [String])
    /// Any command on the primary node, through `command-runner.jar`.
    case command([String])
    /// A jar of one's own.
    case jar(String, mainClass: String?)
  }

  package var name: String
  package var work: Work
  package var arguments: [String]
  /// EMR's ActionOnFailure.
  package var onFailure: String
  package var position: SourcePosition?
}

extension Pipeline {
  static let fields: [Field] = [
    Field("cluster", .string, required: true, "The cluster that runs the steps, e.g. `emr.cluster.main`."),
    Field(
      "data",
      .object([
        Field("from", .string(.folder), required: true, "Folder of input files, relative to the stack file."),
        Field("to", .string, required: true, "The s3:// prefix that the files go to, keeping their paths."),
      ]), "Input data that a run uploads first; `run --data` names another folder."),
    Field("steps", .list(of: .object(StepDeclaration.fields)), required: true, "The steps, in order."),
    Field("notify", .string, "The topic that is told how a run ended, e.g. `sns.topic.alerts`."),
    Field(
      "report", .string,
      "The s3:// URL of a JSON object that the steps leave for the mail: `numeros`, `alertas`, `recomendacoes`."),
  ]
}

extension StepDeclaration {
  static let fields: [Field] = [
    Field("name", .string, required: true, "The step's name, unique in the pipeline."),
    Field("script", .string(.uploadedFile), "A PySpark script: a file that an upload covers, or an s3:// URL."),
    Field("submit", .list(of: .string), "Options of spark-submit that stand before the script."),
    Field("py_files", .list(of: .string(.uploadedFile)), "Python modules that the script imports (--py-files)."),
    Field("command", .list(of: .string), "A command for the primary node, instead of a script."),
    Field("jar", .string, "A jar to run, instead of a script."),
    Field("main_class", .string, "The jar's main class, when its manifest names none."),
    Field("args", .list(of: .string), "Arguments of the script or jar."),
    Field(
      "on_failure", .string(.oneOf(["CANCEL_AND_WAIT", "CONTINUE", "TERMINATE_CLUSTER"])),
      "What EMR does with the cluster when the step fails; CANCEL_AND_WAIT when left out."),
  ]
}
