import Model

/// What differs between the wanted form of a resource and the one AWS has, and whether that can be mended in
/// place. Three-way: what the user wrote, what the state recorded, what AWS says.
struct Comparison {
  var attributes: [AttributeChange]
  var forcesReplacement: Bool { attributes.contains(where: \.forcesReplacement) }

  /// All is known: canonical against canonical.
  init(canonical: Value, observed: Observation, provider: any ResourceProvider) {
    attributes = Comparison.mark(
      Difference.between(observed.inputs, canonical), provider, from: observed.inputs, to: canonical)
  }

  /// Something is not known yet, so there is no canonical form. What the user writes now is compared with what
  /// the user wrote then: the parts that are known show a difference only where the user made one. What was
  /// changed outside in other inputs is set back to what was recorded.
  init(partial: Value, record: StateResource, observed: Observation, provider: any ResourceProvider) {
    let names = Set((partial.object ?? [:]).keys)
    let before = record.written ?? .object((observed.inputs.object ?? [:]).filter { names.contains($0.key) })
    var changes = Difference.between(before, partial)
    let changed = Set(changes.compactMap(\.path.first))
    changes += Difference.between(observed.inputs, record.inputs).filter { change in
      change.path.first.map { !changed.contains($0) } ?? false
    }
    var target = observed.inputs.object ?? [:]
    for name in Set(changes.compactMap(\.path.first)) {
      target[name] = changed.contains(name) ? partial[name] : record.inputs[name]
    }
    attributes = Comparison.mark(changes, provider, from: observed.inputs, to: .object(target))
  }

  private static func mark(
    _ changes: [AttributeChange], _ provider: any ResourceProvider, from old: Value, to new: Value
  ) -> [AttributeChange] {
    guard !changes.isEmpty else { return [] }
    let forcing = Set(provider.replacementInputs(from: old, to: new))
    return changes.map { change in
      var marked = change
      marked.forcesReplacement = change.path.first.map(forcing.contains) ?? false
      return marked
    }
  }
}
