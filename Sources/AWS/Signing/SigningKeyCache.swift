import Synchronization

/// Derived signing keys: four HMACs that hold for a day, a region and a service.
package final class SigningKeyCache: Sendable {
  private struct Entry {
    var secret: String
    var day: String
    var region: String
    var service: String
    var key: [UInt8]
  }

  private static let capacity = 32
  private let entries = Mutex<[Entry]>([])

  package init() {}

  func key(secret: String, day: String, region: String, service: String) -> [UInt8] {
    let found = entries.withLock { entries in
      entries.first { $0.service == service && $0.region == region && $0.day == day && $0.secret == secret }?.key
    }
    if let found { return found }
    var key = HMAC.sha256(key: Array("AWS4\(secret)".utf8), day)
    for part in [region, service, "aws4_request"] { key = HMAC.sha256(key: key, part) }
    entries.withLock { entries in
      if entries.count >= Self.capacity { entries.removeFirst() }
      entries.append(Entry(secret: secret, day: day, region: region, service: service, key: key))
    }
    return key
  }
}
