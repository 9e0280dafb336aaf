/// The exit codes that scripts rely on.
package enum ExitStatus: Int32, Sendable {
  case done = 0
  case error = 1
  /// `plan --detailed-exitcode`: there are changes.
  case changesPending = 2
  case runFailed = 3
  case partlyApplied = 4
  case locked = 11
  /// sysexits' EX_USAGE, as swift-argument-parser has it.
  case usage = 64
  /// 128 + SIGINT.
  case interrupted = 130
}

/// Ends a command with a status after everything has been said.
struct Exit: Error {
  var status: ExitStatus
}
