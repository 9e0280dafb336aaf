import HTTP
import Synchronization

/// How often and how fast a call is repeated: the SDKs' standard mode with the figures of November 2026.
/// Source: SDK reference, "Retry behavior"; botocore/retries/standard.py; see AWS.md 3.2.
package struct RetryPolicy: Sendable {
  /// Why an attempt failed, as far as repeating goes.
  package enum Cause: Sendable, Hashable {
    /// A hiccup of the network or the service: repeat soon.
    case transient
    /// Asked too often: repeat later. The service did not carry it out.
    case throttled
  }

  /// What is tried, unless the user says otherwise, with a service that answers, if only with errors: a plan of a
  /// hundred calls must not fail for one of them that met a bad minute.
  static let patientAttempts = 10

  /// The first one included.
  package var maxAttempts: Int
  /// The same with a service that has answered before: `maxAttempts`, if the user has chosen that.
  package var maxAttemptsWhenAnswered: Int
  /// Tokens that a client has for retries; when they are used up, failures are reported at once.
  package var capacity: Int
  /// Numbers in 0..<1.
  package var random: @Sendable () -> Double

  package init(
    maxAttempts: Int = 3, capacity: Int = 500,
    random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
  ) {
    self.maxAttempts = maxAttempts
    maxAttemptsWhenAnswered = maxAttempts
    self.capacity = capacity
    self.random = random
  }

  /// From `AWS_RETRY_MODE` and `AWS_MAX_ATTEMPTS`, or the profile's `retry_mode` and `max_attempts`. All modes are treated
  /// as standard; `legacy` has five attempts. Where neither is set, three as the SDKs have it, and ten with a service
  /// that answers: one that cannot be reached is reported soon, one that is busy is waited for.
  package init(environment: AWSEnvironment, profile: SharedConfig.Profile) throws(AWSError) {
    self.init()
    maxAttemptsWhenAnswered = Self.patientAttempts
    if let mode = environment.variable("AWS_RETRY_MODE") ?? profile["retry_mode"] {
      switch mode.lowercased() {
      case "standard", "adaptive": maxAttemptsWhenAnswered = maxAttempts
      case "legacy": (maxAttempts, maxAttemptsWhenAnswered) = (5, 5)
      default:
        throw AWSError(
          code: ClientCode.configuration,
          message: "'\(mode)' is not a retry mode: AWS_RETRY_MODE and retry_mode take standard, adaptive or legacy")
      }
    }
    if let text = environment.variable("AWS_MAX_ATTEMPTS") ?? profile["max_attempts"] {
      guard let number = Int(text), (1...100).contains(number) else {
        throw AWSError(
          code: ClientCode.configuration,
          message: "'\(text)' is not a number of attempts: AWS_MAX_ATTEMPTS and max_attempts take 1 to 100")
      }
      (maxAttempts, maxAttemptsWhenAnswered) = (number, number)
    }
  }

  static let cap = 20.0
  static let transientBase = 0.05
  static let throttledBase = 1.0

  static func cost(_ cause: Cause) -> Int { cause == .transient ? 14 : 5 }

  /// Seconds before retry number `retry` (from 1).
  ///
  /// - Parameter retryAfter: what the answer asked for, in seconds. Never shortens the pause, and adds at most 5 s.
  func delay(_ cause: Cause, retry: Int, retryAfter: Double?) -> Double {
    let base = cause == .transient ? Self.transientBase : Self.throttledBase
    var step = base
    for _ in 1..<max(1, min(retry, 16)) { step *= 2 }
    let pause = random() * min(step, Self.cap)
    guard let retryAfter else { return pause }
    return max(pause, min(retryAfter, pause + 5))
  }

  private static let throttlingCodes: Set<String> = [
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "TooManyRequestsException",
    "ProvisionedThroughputExceededException", "TransactionInProgressException", "RequestLimitExceeded",
    "BandwidthLimitExceeded", "LimitExceededException", "RequestThrottled", "SlowDown", "PriorRequestNotComplete",
    "EC2ThrottledException",
  ]
  private static let transientCodes: Set<String> = [
    "RequestTimeout", "RequestTimeoutException", "IDPCommunicationError", "InternalError",
  ]
  private static let transientStatuses: Set<Int> = [408, 500, 502, 503, 504]

  /// Why an answer may be asked for again; nil when asking again is no use.
  static func cause(code: String, status: Int) -> Cause? {
    if throttlingCodes.contains(code) || status == 429 { return .throttled }
    if transientCodes.contains(code) || transientStatuses.contains(status) { return .transient }
    return nil
  }

  static func cause(_ kind: HTTPError.Kind) -> Cause? {
    switch kind {
    case .resolve, .connect, .tls, .timeout, .reset: .transient
    // Anything libcurl has no better word for happened between us and the server.
    case .other: .transient
    case .invalidURL, .tooLarge, .write, .read, .cancelled: nil
    }
  }

  /// The answer proves that nothing was done: refused at the door (4xx), or told to come back.
  static func isCertainlyNotDone(code: String, status: Int) -> Bool {
    status < 500 || throttlingCodes.contains(code)
  }
}

/// The tokens for retries of one client: an outage must not multiply the load.
final class RetryQuota: Sendable {
  private let capacity: Int
  private let available: Mutex<Int>

  init(capacity: Int) {
    self.capacity = capacity
    available = Mutex(capacity)
  }

  var tokens: Int { available.withLock { $0 } }

  /// False when there are not enough.
  func take(_ cost: Int) -> Bool {
    available.withLock { tokens in
      guard tokens >= cost else { return false }
      tokens -= cost
      return true
    }
  }

  /// After a success: what its last retry cost, or 1 for a call that needed none.
  func give(_ amount: Int) {
    available.withLock { $0 = min(capacity, $0 + amount) }
  }
}
