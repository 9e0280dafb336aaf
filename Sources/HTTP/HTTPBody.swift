/// A body that is made anew for every attempt.
package protocol BodyStream: AnyObject {
  /// Fills the buffer as far as it can; 0 at the end. Called on the network thread, so it must not wait for
  /// long.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

package enum HTTPBody: Sendable {
  case none
  case bytes([UInt8])
  /// A part of a file, read as it is sent.
  case file(path: String, offset: Int64, length: Int64)
  /// Bytes from elsewhere; `make` is called again when they have to be sent again.
  case stream(length: Int64, make: @Sendable () throws -> any BodyStream)

  /// Bytes.
  package var length: Int64 {
    switch self {
    case .none: 0
    case .bytes(let bytes): Int64(bytes.count)
    case .file(_, _, let length), .stream(let length, _): length
    }
  }
}
