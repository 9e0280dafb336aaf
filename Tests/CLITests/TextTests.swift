import Model
import Synchronization
import Testing

@testable import CLI

/// A terminal whose output a test can read.
final class Screen: Sendable {
  private let written = Mutex<[(text: String, descriptor: Int32)]>([])

  func terminal(
    _ environment: [String: String] = [:], noColour: Bool = false, isTerminal: Bool = false
  ) -> Terminal {
    Terminal(environment: environment, noColour: noColour, isTerminal: isTerminal, write: write)
  }

  var write: @Sendable (String, Int32) -> Void {
    { text, descriptor in self.written.withLock { $0.append((text, descriptor)) } }
  }

  var out: String { text(1) }
  var err: String { text(2) }
  private func text(_ descriptor: Int32) -> String {
    written.withLock { $0.filter { $0.descriptor == descriptor }.map(\.text).joined() }
  }
}

let plain = Screen().terminal()
let coloured = Screen().terminal(isTerminal: true)

@Suite struct DisplayWidthTests {
  @Test(arguments: [
    ("", 0), ("abc", 3), ("ação", 4), ("ac\u{327}a\u{303}o", 4), ("日本", 4), ("é日x", 4), ("🚀", 2), ("😀", 2), ("한", 2),
    ("ｱ", 1), ("\u{1B}[31mabc\u{1B}[0m", 3), ("\u{1B}[1;31m\u{1B}[0m", 0), ("a\u{200B}b", 2),
  ])
  func `columns of a text`(_ text: String, _ width: Int) {
    #expect(DisplayWidth.of(text) == width)
  }

  @Test func `padding counts columns`() {
    #expect(DisplayWidth.pad("日本", to: 6) == "日本  ")
    #expect(DisplayWidth.pad("ção", to: 5, right: true) == "  ção")
    #expect(DisplayWidth.pad("toolong", to: 3) == "toolong")
    #expect(DisplayWidth.pad("\u{1B}[1mab\u{1B}[0m", to: 3) == "\u{1B}[1mab\u{1B}[0m ")
  }

  @Test func `clipping keeps within the width and switches colour off`() {
    #expect(DisplayWidth.clip("abcdef", to: 6) == "abcdef")
    #expect(DisplayWidth.clip("abcdef", to: 5) == "abcd…")
    #expect(DisplayWidth.clip("日本語", to: 5) == "日本…")
    #expect(DisplayWidth.clip("日本語", to: 4) == "日…", "half a letter is none")
    let clipped = DisplayWidth.clip("\u{1B}[31mabcdef\u{1B}[0m", to: 4)
    #expect(clipped == "\u{1B}[31mabc…\u{1B}[0m")
    #expect(DisplayWidth.of(clipped) == 4)
    let mixed = DisplayWidth.clip("ab\u{1B}[31mcd\u{1B}[0mefgh", to: 5)
    #expect(mixed == "ab\u{1B}[31mcd\u{1B}[0m…\u{1B}[0m")
  }
}

@Suite struct TableTests {
  @Test func `columns stand in line, whatever the letters`() {
    let table = Table(
      headers: ["name", "state", "note"],
      rows: [["São João", "ok", "x"], ["日本", "waiting", ""], ["\u{1B}[32ma\u{1B}[0m", "b", "last is not padded"]])
    #expect(
      table.lines(plain) == [
        "name      state    note", "São João  ok       x", "日本      waiting  ",
        "\u{1B}[32ma\u{1B}[0m         b        last is not padded",
      ])
  }

  @Test func `a table of headers alone`() {
    #expect(Table(headers: ["a", "b"]).lines(plain) == ["a  b"])
    #expect(Table(headers: ["a"]).lines(coloured) == ["\u{1B}[1ma\u{1B}[0m"])
  }
}

@Suite struct ElapsedTests {
  @Test(arguments: [
    (0, "0.0 s"), (449, "0.4 s"), (9_949, "9.9 s"), (9_950, "10 s"), (12_400, "12 s"), (59_499, "59 s"),
    (60_000, "1 min 0 s"), (200_000, "3 min 20 s"), (3_600_000, "1 h 0 min"), (3_900_000, "1 h 5 min"),
    (90_000_000, "25 h 0 min"),
  ])
  func `times in words`(_ milliseconds: Int, _ text: String) {
    #expect(Elapsed.text(.milliseconds(milliseconds)) == text)
  }

  @Test(arguments: [(59_500, "1 min 0 s"), (59_999, "1 min 0 s"), (3_599_999, "1 h 0 min")])
  func `rounding does not say sixty`(_ milliseconds: Int, _ text: String) {
    #expect(Elapsed.text(.milliseconds(milliseconds)) == text)
  }
}

@Suite struct BusinessDateTests {
  @Test(arguments: ["2024-11-20", "2024-02-29", "2000-02-29", "1900-01-01", "2024-12-31", "2023-02-28"])
  func `days of the calendar`(_ text: String) throws {
    #expect(try BusinessDate.check(text) == text)
  }

  @Test(arguments: [
    "", "today", "2024-11-31", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-01-00", "20-11-2024",
    "2024/11/20", "2024-11-20 ", "2024-1-20", "1899-12-31", "-024-11-20", "２０２４-11-20", "2024-11-2a",
  ])
  func `what is no day is refused with how to write one`(_ text: String) {
    let found = #expect(throws: Diagnostic.self) { try BusinessDate.check(text) }
    #expect(found?.summary == "`\(text)` is not a date")
    #expect(found?.remedy == "Write it as 2024-11-20.")
  }

  @Test(arguments: ["2024-+1-01", "2024-1-011", "2024-011-1", "+2024-1-01"])
  func `digits are counted and signs are none`(_ text: String) {
    #expect(throws: Diagnostic.self) { try BusinessDate.check(text) }
  }

  @Test func `yesterday is a day`() throws {
    for zone in [nil, "America/Sao_Paulo"] {
      #expect(throws: Never.self) { try BusinessDate.check(BusinessDate.yesterday(zone: zone)) }
    }
  }
}
