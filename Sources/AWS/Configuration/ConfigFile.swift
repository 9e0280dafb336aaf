/// One file in the format of `~/.aws/config` and `~/.aws/credentials`.
/// Source: AWS SDKs and Tools reference guide, "Shared config and credentials files".
struct ConfigFile: Sendable {
  struct Section: Sendable {
    /// The word before the name (`profile`, `sso-session`, `services`), empty where there is none.
    var kind: String
    var name: String
    /// `file:line` of its heading.
    var place: String
    var values: [String: String] = [:]
    /// Properties below a property: `s3 =`, then indented `addressing_style = path`.
    var nested: [String: [String: String]] = [:]
  }

  private(set) var sections: [Section] = []

  /// - Throws: `Client.Configuration` with file and line for a line that is neither heading, property nor comment.
  ///   Messages never quote a line: it may hold a secret.
  init(_ bytes: [UInt8], path: String) throws(AWSError) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw AWSError(code: ClientCode.configuration, message: "\(path) is not UTF-8 text")
    }
    var key: String?
    // By bytes: to Swift a carriage return and a line feed are one character.
    let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, bytes) in lines.enumerated() {
      var line = Substring(bytes)
      if line.hasSuffix("\r") { line = line.dropLast() }
      if index == 0, line.hasPrefix("\u{FEFF}") { line = line.dropFirst() }
      let place = "\(path):\(index + 1)"
      let content = Self.trim(line)
      guard let first = content.first, first != "#", first != ";" else { continue }
      if line.first == " " || line.first == "\t" {
        try continuation(content, of: key, place)
      } else if first == "[" {
        sections.append(try Self.heading(content, place))
        key = nil
      } else {
        key = try property(content, place)
      }
    }
  }

  private mutating func property(_ line: Substring, _ place: String) throws(AWSError) -> String {
    guard !sections.isEmpty else {
      throw AWSError(code: ClientCode.configuration, message: "\(place): a property before the first [section]")
    }
    let (name, value) = try Self.assignment(line, place)
    sections[sections.count - 1].values[name] = value
    return name
  }

  /// Below an empty property: a property of it. Below any other: more of its value.
  private mutating func continuation(_ line: Substring, of key: String?, _ place: String) throws(AWSError) {
    let last = sections.count - 1
    // botocore and the SDKs take an indented heading or first property for what it looks like.
    guard last >= 0 else {
      throw AWSError(code: ClientCode.configuration, message: "\(place): an indented line before the first [section]")
    }
    guard let key else {
      _ = try property(line, place)
      return
    }
    if let value = sections[last].values[key], !value.isEmpty {
      sections[last].values[key] = value + "\n" + line
      return
    }
    let (name, value) = try Self.assignment(line, place)
    sections[last].nested[key, default: [:]][name] = value
  }

  private static func assignment(_ line: Substring, _ place: String) throws(AWSError) -> (String, String) {
    guard let equals = line.firstIndex(of: "=") else {
      throw AWSError(
        code: ClientCode.configuration, message: "\(place): expected [section], a comment or name = value")
    }
    let name = trim(line[..<equals]).lowercased()
    guard !name.isEmpty else {
      throw AWSError(code: ClientCode.configuration, message: "\(place): a name is missing before '='")
    }
    return (name, String(trim(withoutComment(trim(line[line.index(after: equals)...])))))
  }

  /// A comment inside a line starts with white space and `#` or `;`.
  private static func withoutComment(_ value: Substring) -> Substring {
    var isAfterSpace = true
    for index in value.indices {
      let character = value[index]
      if isAfterSpace, character == "#" || character == ";" { return value[..<index] }
      isAfterSpace = character == " " || character == "\t"
    }
    return value
  }

  private static func heading(_ line: Substring, _ place: String) throws(AWSError) -> Section {
    guard let close = line.firstIndex(of: "]") else {
      throw AWSError(code: ClientCode.configuration, message: "\(place): ']' is missing")
    }
    let words = CommandWords.split(String(line[line.index(after: line.startIndex)..<close]))
    guard let words, let first = words.first, words.count <= 2 else {
      throw AWSError(
        code: ClientCode.configuration,
        message: "\(place): expected [default], [profile NAME], [sso-session NAME] "
          + "or [services NAME]")
    }
    return words.count == 2
      ? Section(kind: first, name: words[1], place: place) : Section(kind: "", name: first, place: place)
  }

  private static func trim(_ text: Substring) -> Substring {
    var rest = text.drop { $0 == " " || $0 == "\t" }
    while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
    return rest
  }
}

/// Splits a command line as a POSIX shell does, without expanding anything.
enum CommandWords {
  /// Nil when a quote is not closed.
  static func split(_ text: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var isEscaped = false
    for character in text {
      if isEscaped {
        // Inside double quotes a backslash only escapes what is special there.
        if quote == "\"", character != "\"", character != "\\", character != "$", character != "`" {
          word = (word ?? "") + "\\"
        }
        word = (word ?? "") + String(character)
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if let open = quote {
        if character == open { quote = nil } else { word = (word ?? "") + String(character) }
      } else if character == "'" || character == "\"" {
        quote = character
        word = word ?? ""
      } else if character == " " || character == "\t" || character == "\n" {
        if let done = word { words.append(done) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    guard quote == nil, !isEscaped else { return nil }
    if let word { words.append(word) }
    return words
  }
}
