import CCrypto
import Synchronization

/// A hash function of libcrypto, fetched once: OpenSSL 3 looks algorithms up under locks when `EVP_sha256()` and its
/// kind are used, which costs more than hashing a small request.
package struct DigestAlgorithm: Sendable {
  package static let sha256 = DigestAlgorithm("SHA2-256", length: 32)
  package static let sha1 = DigestAlgorithm("SHA1", length: 20)
  package static let md5 = DigestAlgorithm("MD5", length: 16)

  /// Bytes of a digest.
  package let length: Int
  // The EVP_MD, which is immutable and reference counted by libcrypto and never freed here, as a number: pointers are
  // not Sendable.
  private let address: UInt
  private let pool = ContextPool()

  private init(_ name: String, length: Int) {
    self.length = length
    guard let md = EVP_MD_fetch(nil, name, nil) else {
      // Only a libcrypto without its default provider gets here; nothing could be signed with it.
      fatalError("libcrypto offers no \(name); check the OpenSSL configuration (OPENSSL_CONF)")
    }
    address = UInt(bitPattern: md)
  }

  /// A context ready for `update`.
  fileprivate func begin() -> OpaquePointer {
    let context = pool.take()
    guard EVP_DigestInit_ex2(context, OpaquePointer(bitPattern: address), nil) == 1 else {
      // A fetched digest and a fresh context: only a lack of memory is left as a reason.
      fatalError("libcrypto cannot start a digest")
    }
    return context
  }

  fileprivate func end(_ context: OpaquePointer) -> [UInt8] {
    defer { pool.give(context) }
    return [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
      var written: UInt32 = 0
      EVP_DigestFinal_ex(context, buffer.baseAddress, &written)
      count = Int(written)
    }
  }

  fileprivate func abandon(_ context: OpaquePointer) { pool.give(context) }

  package func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    let context = begin()
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    return end(context)
  }

  package func hash(_ bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { hash($0) } }

  package func hash(_ text: String) -> [UInt8] {
    var text = text
    return text.withUTF8 { hash(UnsafeRawBufferPointer($0)) }
  }
}

/// Idle digest contexts. Making one costs as much as hashing a kilobyte.
private final class ContextPool: Sendable {
  private static let keep = 16
  // Addresses, since pointers are not Sendable; each is in the list or with exactly one user.
  private let idle = Mutex<[UInt]>([])

  func take() -> OpaquePointer {
    if let address = idle.withLock({ $0.popLast() }), let context = OpaquePointer(bitPattern: address) {
      return context
    }
    guard let context = EVP_MD_CTX_new() else { fatalError("out of memory") }
    return context
  }

  func give(_ context: OpaquePointer) {
    let address = UInt(bitPattern: context)
    let isKept = idle.withLock { idle in
      if idle.count < Self.keep { idle.append(address) }
      return idle.last == address
    }
    if !isKept { EVP_MD_CTX_free(context) }
  }
}

/// Hashes what comes in pieces. Owns its libcrypto context; not for use from two threads.
package final class DigestHasher {
  private let algorithm: DigestAlgorithm
  private var context: OpaquePointer?

  package init(_ algorithm: DigestAlgorithm) {
    self.algorithm = algorithm
    context = algorithm.begin()
  }

  deinit {
    if let context { algorithm.abandon(context) }
  }

  package func update(_ bytes: UnsafeRawBufferPointer) {
    guard let context, bytes.count > 0 else { return }
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  package func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// The digest. The hasher is used up: a second call answers the empty array.
  package func finish() -> [UInt8] {
    guard let context else { return [] }
    self.context = nil
    return algorithm.end(context)
  }
}
