import HTTP

/// What a body adds to its request: hash, integrity headers, type.
enum Payload {
  private static let piece = 1 << 18

  /// The value of the canonical request's last line.
  static func hash(_ request: AWSRequest, isTLS: Bool) throws(AWSError) -> String {
    switch request.payload {
    case .sha256(let hex): return hex
    case .unsigned where request.service.isS3 && isTLS: return SigV4Signer.unsignedPayload
    case .unsigned, .hashed:
      guard request.isSigned else { return SHA256.emptyHex }
      switch request.body {
      case .none: return SHA256.emptyHex
      case .bytes(let bytes): return SHA256.hex(bytes)
      case .file(let path, let offset, let length):
        return try SHA256.hex(file: path, offset: offset, length: length)
      case .stream:
        let hasher = DigestHasher(.sha256)
        try read(request.body) { hasher.update($0) }
        return Hex.encode(hasher.finish())
      }
    }
  }

  /// Headers that follow from protocol and body; the request's own type wins.
  static func headers(_ request: AWSRequest) throws(AWSError) -> [(String, String)] {
    var headers: [(String, String)] = []
    let hasType = request.headers["content-type"] != nil
    switch request.service.wire {
    case .json(let target):
      headers.append(("x-amz-target", "\(target).\(request.operation)"))
      if !hasType { headers.append(("content-type", "application/x-amz-json-1.1")) }
    case .query, .ec2Query:
      if !hasType { headers.append(("content-type", "application/x-www-form-urlencoded; charset=utf-8")) }
    case .restJSON:
      if !hasType, request.body.length > 0 { headers.append(("content-type", "application/json")) }
    case .restXML: break
    }
    switch request.checksum {
    case .none: break
    case .crc32:
      var sum = CRC32()
      try read(request.body) { sum.update($0) }
      headers.append(("x-amz-checksum-crc32", sum.base64))
      headers.append(("x-amz-sdk-checksum-algorithm", "CRC32"))
    case .crc32Value(let value):
      headers.append(("x-amz-checksum-crc32", value))
      headers.append(("x-amz-sdk-checksum-algorithm", "CRC32"))
    case .md5:
      let hasher = DigestHasher(.md5)
      try read(request.body) { hasher.update($0) }
      headers.append(("content-md5", Base64.encode(hasher.finish())))
    }
    return headers
  }

  /// Hands a body out in pieces, in constant memory.
  private static func read(_ body: HTTPBody, _ take: (UnsafeRawBufferPointer) -> Void) throws(AWSError) {
    switch body {
    case .none: return
    case .bytes(let bytes): bytes.withUnsafeBytes { take($0) }
    case .file(let path, let offset, let length):
      try FileReader.read(path, offset: offset, length: length, take)
    case .stream(_, let make):
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 64)
      defer { buffer.deallocate() }
      do {
        let stream = try make()
        while true {
          let count = try stream.read(into: buffer)
          guard count > 0 else { return }
          take(UnsafeRawBufferPointer(rebasing: buffer[..<min(count, buffer.count)]))
        }
      } catch {
        throw AWSError(code: ClientCode.localFile, message: "the body cannot be read: \(error)")
      }
    }
  }
}
