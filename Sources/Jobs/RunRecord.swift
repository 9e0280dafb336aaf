package import FoundationEssentials

/// What a run did: kept as `runs/<run id>.json` in the lake bucket, written when the run begins and
/// whenever it gets further.
package struct RunRecord: Sendable, Codable, Equatable {
  package static let version = 1

  package enum Outcome: String, Sendable, Codable {
    case running, succeeded, failed, cancelled
  }

  package struct Step: Sendable, Codable, Equatable {
    package var name: String
    /// EMR's id, once it has been submitted.
    package var id: String?
    /// EMR's step state.
    package var state: String
    package var started: Date?
    package var ended: Date?
  }

  package struct Upload: Sendable, Codable, Equatable {
    package var uploaded: Int
    package var unchanged: Int
    package var removed: Int
    package var bytes: Int64
  }

  package var version = RunRecord.version
  package var id: RunID
  package var stack: String
  /// The business date, YYYY-MM-DD; of a period its last day.
  package var date: String
  /// The first day of a period.
  package var from: String?
  package var startedBy: String
  package var started: Date
  package var ended: Date?
  package var outcome: Outcome
  package var cluster: String?
  package var data: Upload?
  package var steps: [Step]
  /// Why it failed.
  package var cause: String?
  /// How many alerts the steps' own report has.
  package var alerts: Int?

  /// `2024-11-20`, or `2024-11-01 a 2024-11-20`.
  package var period: String { from.map { "\($0) a \(date)" } ?? date }

  package init(
    id: RunID, stack: String, date: String, from: String? = nil, startedBy: String, started: Date, steps: [Step]
  ) {
    self.id = id
    self.stack = stack
    self.date = date
    self.from = from
    self.startedBy = startedBy
    self.started = started
    self.outcome = .running
    self.steps = steps
  }
}
