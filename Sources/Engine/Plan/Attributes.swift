import Model

/// What references to one resource give.
struct Attributes: Sendable {
  /// Nil when it does not exist yet.
  var id: String?
  /// Nil when not known before apply.
  var outputs: Value?
  /// Canonical, or as far as known.
  var inputs: Value
  /// Top-level inputs that are about to change: for these the outputs of now are not those of then.
  var changing: Set<String> = []

  /// Nothing is known of it, as when its own inputs are wrong: spares the user errors that follow from others.
  static let unknown = Attributes(id: nil, outputs: nil, inputs: [:])

  /// The value of an attribute: an output, `id`, or an input, whose value is known before the resource exists.
  /// - Throws: `Diagnostic` when the resource has no such attribute.
  func value(of reference: Reference) throws -> Value {
    let path = reference.attribute
    var input = inputs.at(path)
    if input == .null { input = .none }
    guard let outputs else { return input ?? .unknown }
    if let input, let first = path.first, changing.contains(first) { return input }
    if let output = outputs.at(path) { return output }
    if path == ["id"], let id { return .string(id) }
    if let input { return input }
    if let whole = path.first, inputs[whole] == .unknown { return .unknown }
    throw missing(reference)
  }

  private func missing(_ reference: Reference) -> Diagnostic {
    let names = Set(["id"]).union((outputs?.object ?? [:]).keys).union((inputs.object ?? [:]).keys).sorted()
    let wanted = reference.attribute.joined(separator: ".")
    return Diagnostic(
      "\(reference) has no value",
      detail:
        "\(reference.address?.description ?? "It") has no attribute \"\(wanted)\"; it has \(names.joined(separator: ", ")).",
      remedy: Suggestion.nearest(to: wanted, among: names).map { "Did you mean \"\($0)\"?" } ?? "")
  }
}

extension ResourceDeclaration {
  /// The problem, said of this resource, at the input that holds the reference if there is one.
  func locating(_ error: any Error, reference: Reference? = nil) -> Diagnostic {
    var diagnostic = Diagnostic(wrapping: error).at(address)
    guard diagnostic.position == nil else { return diagnostic }
    let path = reference.flatMap { wanted in
      inputs.referencesByPath().first { $0.reference == wanted }?.path
    }
    diagnostic.position = position(of: path ?? [])
    return diagnostic
  }
}
