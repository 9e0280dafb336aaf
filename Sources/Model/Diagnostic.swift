/// Where something stands in a file; line and column count from 1, columns in characters.
package struct SourcePosition: Sendable, Hashable, Codable, CustomStringConvertible {
  package var file: String
  package var line: Int
  package var column: Int

  package init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  package var description: String { "\(file):\(line):\(column)" }
}

/// What happened, where, why, and what to do about it: the one form in which anything that
/// went wrong reaches the user.
package struct Diagnostic: Error, Sendable, Hashable, Codable {
  package enum Severity: String, Sendable, Hashable, Codable {
    case error
    case warning
  }

  package var severity: Severity
  /// One line without a full stop: what is wrong.
  package var summary: String
  /// The cause: what was found and what was expected. May be empty.
  package var detail: String
  /// What to do next, with the command to type where there is one. May be empty.
  package var remedy: String
  /// The resource it concerns.
  package var address: Address?
  package var position: SourcePosition?

  package init(
    _ summary: String, detail: String = "", remedy: String = "", address: Address? = nil,
    position: SourcePosition? = nil, severity: Severity = .error
  ) {
    self.severity = severity
    self.summary = summary
    self.detail = detail
    self.remedy = remedy
    self.address = address
    self.position = position
  }

  /// The same, said of a resource; an address that is already there stays.
  package func at(_ address: Address?) -> Diagnostic {
    var copy = self
    copy.address = copy.address ?? address
    return copy
  }
}

/// Several at once, so that a user mends a file in one go.
package struct Diagnostics: Error, Sendable, Hashable {
  package var all: [Diagnostic]

  package init(_ all: [Diagnostic]) {
    self.all = all
  }
}

/// An error that knows how to tell the user about itself.
package protocol DiagnosticConvertible: Error {
  var diagnostic: Diagnostic { get }
}

extension Diagnostic {
  /// Any error as a diagnostic; one of unknown origin keeps its own description as the detail.
  package init(wrapping error: any Error) {
    switch error {
    case let diagnostic as Diagnostic: self = diagnostic
    case let convertible as any DiagnosticConvertible: self = convertible.diagnostic
    case let several as Diagnostics where !several.all.isEmpty: self = several.all[0]
    case is CancellationError: self = Diagnostic("Interrupted")
    default: self = Diagnostic("Unexpected error", detail: "\(error)")
    }
  }
}
