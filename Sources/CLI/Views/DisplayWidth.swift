/// How many columns text takes on a terminal: accents combine, East Asian letters and emoji are wide,
/// colour takes none.
///
/// Source: Unicode Standard Annex 11, East Asian Width, in the ranges that matter.
enum DisplayWidth {
  static func of(_ text: String) -> Int {
    var width = 0
    var inEscape = false
    for character in text {
      if character == "\u{1B}" {
        inEscape = true
      } else if inEscape {
        inEscape = !character.isLetter
      } else {
        width += of(character)
      }
    }
    return width
  }

  static func of(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x300..<0x370, 0x200B...0x200F: return 0
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
      0x1FA70...0x1FAFF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }

  static func pad(_ text: String, to width: Int, right: Bool = false) -> String {
    let spaces = String(repeating: " ", count: max(0, width - of(text)))
    return right ? spaces + text : text + spaces
  }

  /// The text cut to a width, with colour switched off at its end.
  static func clip(_ text: String, to width: Int) -> String {
    guard of(text) > width else { return text }
    var result = ""
    var used = 0
    var inEscape = false
    for character in text {
      if character == "\u{1B}" { inEscape = true }
      if inEscape {
        result.append(character)
        if character.isLetter { inEscape = false }
        continue
      }
      let next = of(character)
      if used + next > width - 1 { break }
      used += next
      result.append(character)
    }
    return result + "…" + (text.contains("\u{1B}") ? "\u{1B}[0m" : "")
  }
}
