package import FoundationEssentials
package import Model

/// Who holds the lock: what the lock object says.
package struct LockRecord: Sendable, Hashable, Codable {
  package var user: String
  package var host: String
  package var pid: Int
  /// Names the process for ever, where the machine can do that: no other process on any machine is called so.
  package var process: String?
  /// `mrhealth up`
  package var command: String
  package var since: Date
  /// Of this one holding.
  package var token: String
  /// After this long without a beat, anyone may take over. Seconds.
  package var lease: Double
  /// Seconds between beats.
  package var interval: Double
  /// Counts up; makes every version of the lock object another.
  package var beat: Int

  package init(
    user: String, host: String, pid: Int, process: String? = nil, command: String, since: Date = Date(),
    token: String = Token.make(), lease: Double = 30, interval: Double = 8, beat: Int = 0
  ) {
    self.user = user
    self.host = host
    self.pid = pid
    self.process = process
    self.command = command
    self.since = since.wholeSeconds
    self.token = token
    self.lease = lease
    self.interval = interval
    self.beat = beat
  }

  /// `ana@laptop (pid 4711), mrhealth up, since 2026-11-24T02:46:58Z`
  package var holder: String {
    "\(user)@\(host) (pid \(pid)), \(command), since \(since.formatted(.iso8601))"
  }

  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }

  /// Nil when it is not a lock record; such an object is treated as a lock of someone unknown.
  package static func decode(_ bytes: [UInt8]) -> LockRecord? {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return try? decoder.decode(LockRecord.self, from: Data(bytes))
  }
}

/// Someone else works on the stack. Exit code 11.
package struct LockHeld: Error, Sendable, Hashable, DiagnosticConvertible {
  /// Nil when the lock object cannot be read as one.
  package var holder: LockRecord?
  package var location: String

  package init(holder: LockRecord?, location: String) {
    self.holder = holder
    self.location = location
  }

  package var diagnostic: Diagnostic {
    Diagnostic(
      "The stack is locked",
      detail: "Held by \(holder?.holder ?? "someone unknown"), for \(location).",
      remedy: "Wait for it with --lock-timeout 300 (seconds). A holder that has died is found out by itself; "
        + "`mrhealth state unlock` removes the lock by hand.")
  }
}

/// The lock was ours and is not any more: beats did not get through in time, or it was removed by hand.
package struct LockLost: Error, Sendable, Hashable, DiagnosticConvertible {
  /// Who has it now, if anyone.
  package var holder: LockRecord?

  package init(holder: LockRecord? = nil) {
    self.holder = holder
  }

  package var diagnostic: Diagnostic {
    Diagnostic(
      "The lock was lost",
      detail: holder.map { "It is now held by \($0.holder)." } ?? "It was removed, or could not be renewed in time.",
      remedy: "Nothing new was started. Run the command again: it finds whatever was left unfinished.")
  }
}
