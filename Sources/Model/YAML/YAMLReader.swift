internal import CYAML

/// Reads one YAML document through libyaml's event parser.
///
/// Only what a stack file needs: one document, text keys, no tags of its own. Aliases and `<<` merges
/// work, but the whole may not have more than `nodeLimit` nodes, so that a few lines of aliases cannot
/// fill the memory.
struct YAMLReader {
  static let nodeLimit = 200_000
  static let depthLimit = 100

  /// - Throws: `Diagnostic` with the position of what cannot be read.
  static func read(_ bytes: [UInt8], file: String) throws(Diagnostic) -> YAMLNode? {
    let source = EventSource(bytes, file: file)
    var reader = YAMLReader(source: source)
    return try reader.document()
  }

  private let source: EventSource
  private var anchors: [String: YAMLNode] = [:]
  private var nodes = 0

  private init(source: EventSource) {
    self.source = source
  }

  private mutating func document() throws(Diagnostic) -> YAMLNode? {
    var root: YAMLNode?
    while true {
      let event = try source.next()
      switch event.kind {
      case .streamEnd: return root
      case .ignorable: continue
      default:
        guard root == nil else {
          throw Diagnostic(
            "A second document in the file", remedy: "Keep one document: remove the line with `---`.",
            position: event.position)
        }
        root = try node(from: event, depth: 0)
      }
    }
  }

  private mutating func node(from event: EventSource.Event, depth: Int) throws(Diagnostic) -> YAMLNode {
    guard depth < Self.depthLimit else {
      throw Diagnostic("Nested too deeply", detail: "more than \(Self.depthLimit) levels", position: event.position)
    }
    var result: YAMLNode
    switch event.kind {
    case .scalar(let text, let plain):
      result = YAMLNode(content: .scalar(text, plain: plain), position: event.position)
    case .listStart: result = YAMLNode(content: .list(try items(depth)), position: event.position)
    case .mapStart: result = YAMLNode(content: .map(try entries(depth)), position: event.position)
    case .alias(let name):
      guard let known = anchors[name] else {
        throw Diagnostic(
          "Unknown alias `*\(name)`", detail: "no `&\(name)` stands before it",
          position: event.position)
      }
      nodes += count(known)
      result = known
      result.position = event.position
    case .ignorable, .streamEnd, .listEnd, .mapEnd:
      throw Diagnostic("Unexpected end", position: event.position)
    }
    nodes += 1
    guard nodes <= Self.nodeLimit else {
      throw Diagnostic(
        "The file is too large", detail: "more than \(Self.nodeLimit) values once its aliases are followed",
        position: event.position)
    }
    if let anchor = event.anchor { anchors[anchor] = result }
    return result
  }

  private mutating func items(_ depth: Int) throws(Diagnostic) -> [YAMLNode] {
    var items: [YAMLNode] = []
    while true {
      let event = try source.next()
      if case .listEnd = event.kind { return items }
      items.append(try node(from: event, depth: depth + 1))
    }
  }

  private mutating func entries(_ depth: Int) throws(Diagnostic) -> [YAMLNode.Entry] {
    var entries: [YAMLNode.Entry] = []
    var seen: [String: SourcePosition] = [:]
    var merged: [YAMLNode.Entry] = []
    while true {
      let event = try source.next()
      if case .mapEnd = event.kind { break }
      guard case .scalar(let key, _) = event.kind else {
        throw Diagnostic("A key must be text", position: event.position)
      }
      let value = try node(from: try source.next(), depth: depth + 1)
      if key == "<<" {
        guard case .map(let other) = value.content else {
          throw Diagnostic("`<<` merges a map", detail: "found \(value.value.typeName)", position: value.position)
        }
        merged += other
        continue
      }
      if let first = seen[key] {
        throw Diagnostic(
          "Key `\(key)` stands twice", detail: "first on line \(first.line)",
          remedy: "Remove one of them.", position: event.position)
      }
      seen[key] = event.position
      entries.append(.init(key: key, keyPosition: event.position, value: value))
    }
    return entries + merged.filter { seen[$0.key] == nil }
  }

  private func count(_ node: YAMLNode) -> Int {
    switch node.content {
    case .scalar: 1
    case .list(let items): items.reduce(1) { $0 + count($1) }
    case .map(let entries): entries.reduce(1) { $0 + count($1.value) }
    }
  }
}

/// Owns libyaml's parser and the bytes that it reads.
private final class EventSource {
  struct Event {
    enum Kind {
      case scalar(String, plain: Bool)
      case alias(String)
      case listStart, listEnd, mapStart, mapEnd
      case streamEnd
      case ignorable
    }
    var kind: Kind
    var anchor: String?
    var position: SourcePosition
  }

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>
  private let file: String

  init(_ bytes: [UInt8], file: String) {
    self.file = file
    input = .allocate(capacity: max(bytes.count, 1))
    _ = input.initialize(from: bytes)
    parser = .allocate(capacity: 1)
    parser.initialize(to: yaml_parser_t())
    yaml_parser_initialize(parser)
    yaml_parser_set_input_string(parser, UnsafePointer(input.baseAddress), bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    input.deallocate()
  }

  func next() throws(Diagnostic) -> Event {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
    defer { yaml_event_delete(&event) }
    let position = position(event.start_mark)
    switch event.type {
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      return Event(
        kind: .scalar(String(decoding: bytes, as: UTF8.self), plain: scalar.style == YAML_PLAIN_SCALAR_STYLE),
        anchor: text(scalar.anchor), position: position)
    case YAML_SEQUENCE_START_EVENT:
      return Event(kind: .listStart, anchor: text(event.data.sequence_start.anchor), position: position)
    case YAML_MAPPING_START_EVENT:
      return Event(kind: .mapStart, anchor: text(event.data.mapping_start.anchor), position: position)
    case YAML_ALIAS_EVENT:
      return Event(kind: .alias(text(event.data.alias.anchor) ?? ""), anchor: nil, position: position)
    case YAML_SEQUENCE_END_EVENT: return Event(kind: .listEnd, anchor: nil, position: position)
    case YAML_MAPPING_END_EVENT: return Event(kind: .mapEnd, anchor: nil, position: position)
    case YAML_STREAM_END_EVENT: return Event(kind: .streamEnd, anchor: nil, position: position)
    default: return Event(kind: .ignorable, anchor: nil, position: position)
    }
  }

  private func failure() -> Diagnostic {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "it cannot be read"
    let context = parser.pointee.context.map { String(cString: $0) + ", " } ?? ""
    let hasMark = parser.pointee.problem_mark.line > 0 || parser.pointee.problem_mark.column > 0
    // Errors of encoding carry a byte offset instead of a mark.
    let position =
      hasMark ? position(parser.pointee.problem_mark) : offsetPosition(Int(clamping: parser.pointee.problem_offset))
    return Diagnostic(
      "The file is not valid YAML", detail: context + problem,
      remedy: "Look at this line and the one above it: indentation, quotes and colons.", position: position)
  }

  private func offsetPosition(_ offset: Int) -> SourcePosition {
    let before = input.prefix(max(0, min(offset, input.count)))
    let line = before.count { $0 == UInt8(ascii: "\n") }
    let column = before.reversed().prefix { $0 != UInt8(ascii: "\n") }.count
    return SourcePosition(file: file, line: line + 1, column: column + 1)
  }

  private func position(_ mark: yaml_mark_t) -> SourcePosition {
    SourcePosition(file: file, line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
  }

  private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: $0) }
  }
}
