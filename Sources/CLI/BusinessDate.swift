internal import FoundationEssentials
internal import Glibc
internal import Model

/// The day a run is for, YYYY-MM-DD.
enum BusinessDate {
  /// - Throws: `Diagnostic` for what is no day of the calendar.
  static func check(_ text: String) throws(Diagnostic) -> String {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    if parts.map(\.utf8.count) == [4, 2, 2],
      text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || (48...57).contains($0) }),
      let year = Int(parts[0]), let month = Int(parts[1]),
      let day = Int(parts[2]),
      year >= 1900, (1...12).contains(month), (1...days(year, month)).contains(day)
    {
      return text
    }
    throw Diagnostic("`\(text)` is not a date", remedy: "Write it as 2024-11-20.")
  }

  private static func days(_ year: Int, _ month: Int) -> Int {
    switch month {
    case 2: (year.isMultiple(of: 4) && !year.isMultiple(of: 100)) || year.isMultiple(of: 400) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// The day before, in the stack's zone: units send yesterday's sales after midnight.
  static func yesterday(zone: String?) -> String {
    // The C library knows the zones' rules; Foundation's need ICU.
    setenv("TZ", zone ?? "UTC", 1)
    tzset()
    var moment = time(nil)
    var local = tm()
    localtime_r(&moment, &local)
    local.tm_mday -= 1
    local.tm_hour = 12
    local.tm_isdst = -1
    mktime(&local)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(Int(local.tm_year) + 1900)-\(two(local.tm_mon + 1))-\(two(local.tm_mday))"
  }
}
