import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

extension AWSEnvironment {
  private static let maxOutput = 1 << 20

  private enum Ending: Sendable {
    case done(ProcessResult)
    case failed
    case late
  }

  /// Runs a command without a shell. Its errors go nowhere: they may quote secrets.
  package static func runProcess(_ words: [String], timeout: Duration) async throws(AWSError) -> ProcessResult {
    guard let command = words.first else {
      throw AWSError(code: ClientCode.configuration, message: "an empty command")
    }
    let executable: Executable = command.contains("/") ? .path(FilePath(command)) : .name(command)
    let ending = await withTaskGroup(of: Ending.self) { group in
      group.addTask {
        do {
          let record = try await Subprocess.run(
            executable, arguments: Arguments(Array(words.dropFirst())), input: .none,
            output: .bytes(limit: maxOutput), error: .discarded)
          var status: Int32?
          if case .exited(let code) = record.terminationStatus { status = code }
          return .done(ProcessResult(status: status, output: record.standardOutput))
        } catch {
          return .failed
        }
      }
      group.addTask {
        try? await Task.sleep(for: timeout)
        return .late
      }
      // The one that is late is cancelled; for the command that means being killed.
      let first = await group.next() ?? .failed
      group.cancelAll()
      return first
    }
    switch ending {
    case .done(let result): return result
    case .failed:
      throw AWSError(code: ClientCode.credentials, message: "'\(command)' could not be run; is it installed?")
    case .late:
      throw AWSError(
        code: ClientCode.credentials, message: "'\(command)' did not end within \(Int(timeout.seconds)) s")
    }
  }
}
