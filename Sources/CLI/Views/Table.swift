/// Aligned columns; accents and wide letters keep their place.
struct Table {
  var headers: [String]
  var rows: [[String]] = []

  func lines(_ terminal: Terminal) -> [String] {
    let all = [headers] + rows
    let widths = headers.indices.map { column in
      all.map { column < $0.count ? DisplayWidth.of($0[column]) : 0 }.max() ?? 0
    }
    return all.enumerated().map { index, row in
      let cells = row.enumerated().map { column, text in
        column == row.count - 1 ? text : DisplayWidth.pad(text, to: widths[column])
      }
      let line = cells.joined(separator: "  ")
      return index == 0 ? terminal.styled(line, .bold) : line
    }
  }
}
