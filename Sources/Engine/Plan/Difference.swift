package import Model

/// Where two values differ.
package enum Difference {
  /// Every differing attribute, in the order of names. Objects are compared member by member; lists of objects
  /// item by item; other lists as a whole. Absent and null are the same. An unknown differs from everything.
  package static func between(_ old: Value?, _ new: Value?) -> [AttributeChange] {
    var changes: [AttributeChange] = []
    collect(old, new, at: [], &changes)
    return changes
  }

  private static func collect(_ old: Value?, _ new: Value?, at path: [String], _ changes: inout [AttributeChange]) {
    if isSame(old, new) { return }
    if case .object(let before) = old ?? [:], case .object(let after) = new ?? [:], old != nil || new != nil,
      path.isEmpty || (old != nil && new != nil)
    {
      for key in Set(before.keys).union(after.keys).sorted() {
        collect(before[key], after[key], at: path + [key], &changes)
      }
    } else if case .list(let before) = old, case .list(let after) = new, areObjects(before), areObjects(after) {
      for index in 0..<max(before.count, after.count) {
        collect(
          index < before.count ? before[index] : nil, index < after.count ? after[index] : nil, at: path + ["\(index)"],
          &changes)
      }
    } else {
      changes.append(AttributeChange(path: path, old: old == .null ? nil : old, new: new == .null ? nil : new))
    }
  }

  private static func areObjects(_ items: [Value]) -> Bool {
    items.allSatisfy { $0.object != nil }
  }

  /// Equal in meaning: null is absent, 1 is 1.0.
  static func isSame(_ old: Value?, _ new: Value?) -> Bool {
    switch (old ?? .null, new ?? .null) {
    case (.unknown, _), (_, .unknown): false
    case (.int(let left), .double(let right)): Double(left) == right
    case (.double(let left), .int(let right)): left == Double(right)
    case (.list(let left), .list(let right)):
      left.count == right.count && zip(left, right).allSatisfy { isSame($0, $1) }
    case (.object(let left), .object(let right)):
      left.allSatisfy { isSame($0.value, right[$0.key]) }
        && right.allSatisfy { left[$0.key] != nil || $0.value == .null }
    case (let left, let right): left == right
    }
  }
}
