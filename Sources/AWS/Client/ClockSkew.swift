import FoundationEssentials
import HTTP
import Synchronization

/// How far the local clock is from AWS's, learnt from refusals. AWS accepts 5 minutes (S3: 15).
final class ClockSkew: Sendable {
  /// Less than the limit, since the refusal took its time too.
  private static let tolerance = 240.0
  private static let codes: Set<String> = [
    "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "AuthFailure",
  ]
  private let seconds = Mutex(0.0)

  /// To be added to the local clock.
  var offset: Double { seconds.withLock { $0 } }

  /// Looks whether a refusal is about time; if so learns the new offset and says that trying again is worth it.
  ///
  /// - Parameter offset: the one that the refused request was signed with.
  func learn(from fault: ServiceFault, _ response: HTTPResponse, offset used: Double, clock: any AWSClock) -> Bool {
    // HEAD has no body to name the reason.
    guard Self.codes.contains(fault.code) || (response.status == 403 && response.body.isEmpty) else { return false }
    guard let server = (response.headers["date"] ?? fault.extra["ServerTime"]).flatMap({ AWSTime.parse($0) }) else {
      return false
    }
    let difference = server.timeIntervalSince(clock.now)
    guard abs(difference - used) > Self.tolerance else { return false }
    seconds.withLock { $0 = difference }
    return true
  }
}
