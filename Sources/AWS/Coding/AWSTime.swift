package import FoundationEssentials

/// The three ways in which AWS writes times. Proleptic Gregorian, UTC; no formatter, which would bring ICU in.
package enum AWSTime {
  /// `20260131T235959Z`: signatures.
  package static func compact(_ date: Date) -> String {
    let f = fields(date)
    return "\(pad(f.year, 4))\(pad(f.month))\(pad(f.day))T\(pad(f.hour))\(pad(f.minute))\(pad(f.second))Z"
  }

  /// `2026-01-31T23:59:59Z`.
  package static func iso8601(_ date: Date) -> String {
    let f = fields(date)
    return "\(pad(f.year, 4))-\(pad(f.month))-\(pad(f.day))T\(pad(f.hour)):\(pad(f.minute)):\(pad(f.second))Z"
  }

  /// Reads ISO 8601 (`2026-01-31T23:59:59.123Z`, an offset instead of `Z`, or the compact form), RFC 1123
  /// (`Sat, 31 Jan 2026 23:59:59 GMT`) and seconds since 1970; nil for anything else.
  package static func parse(_ text: String) -> Date? {
    let bytes = Array(text.utf8.drop { $0 == UInt8(ascii: " ") })
    guard bytes.count <= 64 else { return nil }
    var reader = Reader(bytes: bytes)
    return reader.iso8601() ?? reader.rfc1123() ?? reader.epoch()
  }

  private static func fields(_ date: Date) -> (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
    // Dates beyond year 9999 do not occur in signatures; the clamp keeps a foreign number from trapping.
    let total = Int(max(-62_135_596_800, min(253_402_300_799, date.timeIntervalSince1970.rounded(.down))))
    let days = total >= 0 ? total / 86400 : (total - 86399) / 86400
    let rest = total - days * 86400
    // Howard Hinnant's civil_from_days.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1,
      rest / 3600, rest / 60 % 60, rest % 60
    )
  }

  private static func pad(_ number: Int, _ width: Int = 2) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}

/// Takes a time apart, character by character.
private struct Reader {
  let bytes: [UInt8]
  var at = 0

  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func number(_ digits: Int) -> Int? {
    guard at + digits <= bytes.count else { return nil }
    var value = 0
    for byte in bytes[at..<at + digits] {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
    }
    at += digits
    return value
  }

  private mutating func skip(_ character: Character) -> Bool {
    guard at < bytes.count, bytes[at] == character.asciiValue else { return false }
    at += 1
    return true
  }

  mutating func iso8601() -> Date? {
    at = 0
    guard let year = number(4) else { return nil }
    let isExtended = skip("-")
    guard let month = number(2), !isExtended || skip("-"), let day = number(2), skip("T") || skip(" ") || skip("t"),
      let hour = number(2), !isExtended || skip(":"), let minute = number(2), !isExtended || skip(":"),
      let second = number(2)
    else { return nil }
    var fraction = 0.0
    if skip(".") {
      var unit = 0.1
      while let digit = number(1) {
        fraction += Double(digit) * unit
        unit /= 10
      }
    }
    var offset = 0
    if at < bytes.count, !skip("Z"), !skip("z") {
      if bytes[at...].elementsEqual("UTC".utf8) {
        at = bytes.count
      } else {
        let sign = skip("+") ? 1 : skip("-") ? -1 : 0
        guard sign != 0, let hours = number(2) else { return nil }
        _ = skip(":")
        offset = sign * (hours * 3600 + (number(2) ?? 0) * 60)
      }
    }
    guard at == bytes.count else { return nil }
    return date(year, month, day, hour, minute, second)?.addingTimeInterval(fraction - Double(offset))
  }

  mutating func rfc1123() -> Date? {
    at = 0
    guard let comma = bytes.firstIndex(of: UInt8(ascii: ",")) else { return nil }
    at = comma + 1
    guard skip(" "), let day = number(2), skip(" "), at + 3 <= bytes.count,
      let month = Self.months.firstIndex(of: String(decoding: bytes[at..<at + 3], as: UTF8.self))
    else { return nil }
    at += 3
    guard skip(" "), let year = number(4), skip(" "), let hour = number(2), skip(":"), let minute = number(2),
      skip(":"), let second = number(2)
    else { return nil }
    return date(year, month + 1, day, hour, minute, second)
  }

  func epoch() -> Date? {
    guard let seconds = Double(String(decoding: bytes, as: UTF8.self)), seconds.isFinite, abs(seconds) < 1e12 else {
      return nil
    }
    return Date(timeIntervalSince1970: seconds)
  }

  private func date(_ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int) -> Date? {
    guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60 else { return nil }
    // Howard Hinnant's days_from_civil.
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    return Date(timeIntervalSince1970: Double(days * 86400 + hour * 3600 + minute * 60 + second))
  }
}
