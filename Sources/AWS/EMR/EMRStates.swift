extension EMR {
  /// Where a cluster is in its life. Terminated is a normal end, not a missing cluster.
  package enum ClusterState: OpenEnum {
    /// EMR is asking EC2 for instances.
    case starting
    /// The bootstrap actions run.
    case bootstrapping
    /// A step runs.
    case running
    /// Up, with no step to run.
    case waiting
    /// On its way down; takes no more steps.
    case terminating
    /// Ended as it was told to.
    case terminated
    /// Ended by a failure: a bootstrap action, a step with TERMINATE_CLUSTER, lost instances, ...
    case terminatedWithErrors
    case other(String)

    package static let known: [ClusterState] = [
      .starting, .bootstrapping, .running, .waiting, .terminating, .terminated, .terminatedWithErrors,
    ]
    /// The states of a cluster that costs money.
    package static let active: [ClusterState] = [.starting, .bootstrapping, .running, .waiting, .terminating]
    /// The states of a cluster that AddJobFlowSteps accepts.
    package static let usable: [ClusterState] = [.starting, .bootstrapping, .running, .waiting]

    package init(_ text: String) {
      self = Self.known.first { $0.text == text } ?? .other(text)
    }

    package var text: String {
      switch self {
      case .starting: "STARTING"
      case .bootstrapping: "BOOTSTRAPPING"
      case .running: "RUNNING"
      case .waiting: "WAITING"
      case .terminating: "TERMINATING"
      case .terminated: "TERMINATED"
      case .terminatedWithErrors: "TERMINATED_WITH_ERRORS"
      case .other(let text): text
      }
    }

    /// No further state can follow.
    package var isTerminal: Bool { self == .terminated || self == .terminatedWithErrors }
    /// Not ended yet. An unknown state counts as active: better to look again than to forget a cluster.
    package var isActive: Bool { !isTerminal }
    /// Steps can be added.
    package var acceptsSteps: Bool { Self.usable.contains(self) }
    /// Its instances are up.
    package var isReady: Bool { self == .running || self == .waiting }
  }

  /// Where a step is in its life.
  package enum StepState: OpenEnum {
    /// Waits for its turn.
    case pending
    /// CancelSteps was accepted; the step has not stopped yet.
    case cancelPending
    case running
    case completed
    /// Cancelled by the user, or because an earlier step failed or the cluster was terminated.
    case cancelled
    case failed
    /// The cluster went away while the step ran.
    case interrupted
    case other(String)

    package static let known: [StepState] = [
      .pending, .cancelPending, .running, .completed, .cancelled, .failed, .interrupted,
    ]

    package init(_ text: String) {
      self = Self.known.first { $0.text == text } ?? .other(text)
    }

    package var text: String {
      switch self {
      case .pending: "PENDING"
      case .cancelPending: "CANCEL_PENDING"
      case .running: "RUNNING"
      case .completed: "COMPLETED"
      case .cancelled: "CANCELLED"
      case .failed: "FAILED"
      case .interrupted: "INTERRUPTED"
      case .other(let text): text
      }
    }

    /// No further state can follow.
    package var isTerminal: Bool {
      switch self {
      case .completed, .cancelled, .failed, .interrupted: true
      case .pending, .cancelPending, .running, .other: false
      }
    }

    package var isActive: Bool { !isTerminal }
    package var succeeded: Bool { self == .completed }
  }
}
