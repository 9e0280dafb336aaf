internal import Glibc

/// Reads a request's body for libcurl, from its start or from any place again.
final class BodySource {
  private let body: HTTPBody
  private var position: Int64 = 0
  private var descriptor: Int32 = -1
  private var stream: (any BodyStream)?

  init(_ body: HTTPBody) {
    self.body = body
  }

  deinit {
    if descriptor >= 0 { Glibc.close(descriptor) }
  }

  /// - Returns: how many bytes are now in the buffer; 0 at the end.
  /// - Throws: `HTTPError.read`
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(HTTPError) -> Int {
    let room = Int(min(Int64(buffer.count), body.length - position))
    guard room > 0 else { return 0 }
    let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<room])
    let got: Int
    switch body {
    case .none: return 0
    case .bytes(let bytes):
      bytes.withUnsafeBytes { all in
        piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[Int(position)..<Int(position) + room]))
      }
      got = room
    case .file(let path, let offset, _):
      got = try readFile(path, at: offset + position, into: piece)
    case .stream(_, let make):
      got = try readStream(make, into: piece)
    }
    position += Int64(got)
    return got
  }

  /// False when that place cannot be reached again.
  func seek(to place: Int64) -> Bool {
    guard place >= 0, place <= body.length else { return false }
    if case .stream = body {
      guard place == 0 else { return false }
      stream = nil
    }
    position = place
    return true
  }

  private func readFile(
    _ path: String, at place: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(HTTPError) -> Int {
    if descriptor < 0 { descriptor = open(path, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw Self.failure(path, errno) }
    while true {
      let got = pread(descriptor, buffer.baseAddress, buffer.count, off_t(place))
      if got > 0 { return got }
      if got == 0 { throw HTTPError(kind: .read, message: "\(path) is shorter than it was said to be") }
      if errno != EINTR { throw Self.failure(path, errno) }
    }
  }

  private func readStream(
    _ make: @Sendable () throws -> any BodyStream, into buffer: UnsafeMutableRawBufferPointer
  ) throws(HTTPError) -> Int {
    do {
      let source = try stream ?? make()
      stream = source
      let got = try source.read(into: buffer)
      guard got > 0, got <= buffer.count else {
        throw HTTPError(kind: .read, message: "the body is shorter than it was said to be")
      }
      return got
    } catch let error as HTTPError {
      throw error
    } catch {
      throw HTTPError(kind: .read, message: "the body cannot be read: \(error)")
    }
  }

  private static func failure(_ path: String, _ code: Int32) -> HTTPError {
    HTTPError(kind: .read, message: "\(path): \(String(cString: strerror(code)))")
  }
}
