internal import Glibc

/// Takes an answer in from libcurl: status, header fields, body. Trusts none of it.
final class AnswerSink {
  /// No answer of AWS comes near these.
  private static let headerLimit = 256 << 10
  private static let fieldLimit = 1000
  /// What is kept of an error for a caller who wanted a file, and how much may follow that is thrown away.
  private static let errorLimit = 64 << 10
  private static let drainLimit: Int64 = 16 << 20

  private let target: ResponseTarget
  private(set) var status = 0
  private(set) var headers = HTTPHeaders()
  private(set) var body: [UInt8] = []
  private(set) var received: Int64 = 0
  /// Why the transfer was stopped from here.
  private(set) var failure: HTTPError?
  private var headerBytes = 0
  private var isHeadComplete = false
  private var descriptor: Int32 = -1

  init(_ target: ResponseTarget) {
    self.target = target
  }

  deinit {
    if descriptor >= 0 { Glibc.close(descriptor) }
  }

  /// One line of the head; false to stop.
  func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
    headerBytes += bytes.count
    guard headerBytes <= Self.headerLimit, headers.count < Self.fieldLimit else {
      failure = HTTPError(kind: .tooLarge, message: "the head of the answer is too long")
      return false
    }
    // What follows a body is a trailer, in which nothing may count.
    guard received == 0 else { return true }
    let line = Self.trimmed(bytes[...])
    if line.starts(with: "HTTP/".utf8) {
      // Of several heads (after 100 Continue) the last one counts.
      headers = HTTPHeaders()
      isHeadComplete = false
      status = Self.status(line)
      return true
    }
    if line.isEmpty { isHeadComplete = true }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return true }
    headers.add(
      String(decoding: line[..<colon], as: UTF8.self),
      String(decoding: Self.trimmed(line[(colon + 1)...]), as: UTF8.self))
    return true
  }

  /// A piece of the body; false to stop.
  func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
    received += Int64(bytes.count)
    switch target {
    case .file(let path) where status < 300:
      return write(bytes, to: path)
    case .file:
      body.append(contentsOf: bytes.prefix(Self.errorLimit - body.count))
      return received <= Self.drainLimit || isTooLarge(Int(Self.drainLimit))
    case .memory(let limit):
      let limit = status < 300 ? limit : max(limit, Self.errorLimit)
      guard bytes.count <= limit - body.count else { return isTooLarge(limit) }
      body.append(contentsOf: bytes)
      return true
    }
  }

  /// Ends the file, or makes it when the body was empty; false when that fails or the answer is not whole.
  func finish() -> Bool {
    // libcurl takes the end of a connection within the head for the end of an answer without a body.
    guard isHeadComplete, status >= 200 else {
      failure = HTTPError(kind: .reset, message: "the head of the answer was cut short")
      return false
    }
    guard case .file(let path) = target, status < 300 else { return true }
    guard open(path) else { return false }
    defer { descriptor = -1 }
    // Some file systems tell of a full disk only now.
    guard Glibc.close(descriptor) == 0 else { return fail(path, errno) }
    return true
  }

  private func isTooLarge(_ limit: Int) -> Bool {
    failure = HTTPError(kind: .tooLarge, message: "the answer is longer than \(limit) bytes")
    return false
  }

  private func open(_ path: String) -> Bool {
    if descriptor >= 0 { return true }
    descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    return descriptor >= 0 || fail(path, errno)
  }

  private func write(_ bytes: UnsafeRawBufferPointer, to path: String) -> Bool {
    guard open(path) else { return false }
    var rest = bytes
    while !rest.isEmpty {
      let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if written > 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      } else if written == 0 || errno != EINTR {
        return fail(path, written == 0 ? EIO : errno)
      }
    }
    return true
  }

  private func fail(_ path: String, _ code: Int32) -> Bool {
    failure = HTTPError(kind: .write, message: "\(path): \(String(cString: strerror(code)))")
    return false
  }

  private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
    let isSpace: (UInt8) -> Bool = { $0 == 32 || $0 == 9 || $0 == 13 || $0 == 10 }
    let start = bytes.drop(while: isSpace)
    guard let last = start.lastIndex(where: { !isSpace($0) }) else { return start }
    return start[...last]
  }

  /// Of `HTTP/1.1 200 OK`; 0 when there is none.
  private static func status(_ line: Slice<UnsafeRawBufferPointer>) -> Int {
    let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
    guard words.count > 1, words[1].count == 3 else { return 0 }
    return Int(String(decoding: words[1], as: UTF8.self)) ?? 0
  }
}
