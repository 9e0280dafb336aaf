internal import AWS
internal import Model

extension EMRLogs {
  /// Why a cluster ended instead of becoming ready: EMR's reason, and for a failed bootstrap action the
  /// end of its own error output.
  func launchFailure(_ cluster: EMR.Cluster) async -> Diagnostic {
    let reason = cluster.status.stateChangeReason
    let code = reason?.code ?? ""
    var detail = [code, reason?.message ?? ""].filter { !$0.isEmpty }.joined(separator: ": ")
    for error in cluster.status.errorDetails ?? [] {
      detail += "\n\(error.errorCode ?? ""): \(error.errorMessage ?? "")"
    }
    if code == "BOOTSTRAP_FAILURE", let uri = cluster.logUri {
      // Without its log the reason alone has to do.
      if let log = (try? await bootstrap(of: cluster.id, logUri: uri)).flatMap({ $0 }) {
        let lines = log.split(separator: "\n").suffix(8)
        detail += "\n" + lines.map { "  | \($0)" }.joined(separator: "\n")
      }
    }
    return Diagnostic(Self.summary(code, cluster.id), detail: detail, remedy: Self.remedy(code, cluster))
  }

  private static func summary(_ code: String, _ id: String) -> String {
    switch code {
    case "BOOTSTRAP_FAILURE": "A bootstrap action failed; cluster \(id) has ended"
    case "VALIDATION_ERROR": "EMR refused the cluster's configuration; cluster \(id) has ended"
    case "INSTANCE_FAILURE", "INSTANCE_FLEET_TIMEOUT":
      "EMR could not get or keep the instances; cluster \(id) has ended"
    case "USER_REQUEST": "Cluster \(id) was terminated while it started"
    default: "Cluster \(id) ended before it was ready"
    }
  }

  private static func remedy(_ code: String, _ cluster: EMR.Cluster) -> String {
    switch code {
    case "BOOTSTRAP_FAILURE":
      "Correct the script and run `mrhealth up` again." + wholeLog(cluster)
    case "VALIDATION_ERROR": "Correct what the message names in the stack file, then run `mrhealth up` again."
    case "INSTANCE_FAILURE", "INSTANCE_FLEET_TIMEOUT":
      "Try another instance type, zone or on-demand capacity, then run `mrhealth up` again."
    default: "Run `mrhealth up` again."
    }
  }

  private static func wholeLog(_ cluster: EMR.Cluster) -> String {
    guard let uri = cluster.logUri, !uri.isEmpty else { return "" }
    return " Its whole log: \(uri)\(uri.hasSuffix("/") ? "" : "/")\(cluster.id)/node/"
  }
}
