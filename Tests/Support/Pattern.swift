internal import Glibc

/// Bytes that are known by their place, to make and to check large bodies without holding them.
package enum Pattern {
  package static let block: [UInt8] = {
    var (state, bytes) = (UInt64(0x9e37_79b9_7f4a_7c15), [UInt8]())
    // A prime length: no two blocks of a reader are alike.
    for _ in 0..<((1 << 20) - 3) {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      bytes.append(UInt8(truncatingIfNeeded: state >> 56))
    }
    return bytes
  }()

  package static func piece(at place: Int64, atMost length: Int64) -> ArraySlice<UInt8> {
    let start = Int(place % Int64(block.count))
    return block[start..<Int(min(Int64(block.count), Int64(start) + length))]
  }

  package static func matches(_ bytes: Slice<UnsafeRawBufferPointer>, at place: Int64) -> Bool {
    var (rest, place) = (bytes, place)
    while !rest.isEmpty {
      let expected = piece(at: place, atMost: Int64(rest.count))
      let isSame = expected.withUnsafeBytes { left in
        guard let left = left.baseAddress, let right = rest.base.baseAddress else { return false }
        return memcmp(left, right + rest.startIndex, expected.count) == 0
      }
      guard isSame else { return false }
      rest = rest.dropFirst(expected.count)
      place += Int64(expected.count)
    }
    return true
  }
}
