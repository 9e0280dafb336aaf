/// Does `work` for each item, at most `limit` at once. The first failure cancels the rest and is thrown.
/// - Returns: the results in the items' order.
package func concurrently<Item: Sendable, Value: Sendable, Failure: Error>(
  _ items: [Item], limit: Int, _ work: @escaping @Sendable (Item) async throws(Failure) -> Value
) async throws(Failure) -> [Value] {
  let outcome = await withTaskGroup(
    of: (Int, Result<Value, Failure>).self, returning: Result<[Value], Failure>.self
  ) { group in
    var values = [Value?](repeating: nil, count: items.count)
    var failure: Failure?
    func collect() async {
      guard let (index, result) = await group.next() else { return }
      switch result {
      case .success(let value): values[index] = value
      case .failure(let error):
        // What fails afterwards only fails because it was cancelled.
        if failure == nil { failure = error }
        group.cancelAll()
      }
    }
    var running = 0
    for (index, item) in items.enumerated() where failure == nil {
      if running >= max(1, limit) {
        await collect()
        running -= 1
        if failure != nil { break }
      }
      group.addTask {
        do throws(Failure) {
          return (index, .success(try await work(item)))
        } catch {
          return (index, .failure(error))
        }
      }
      running += 1
    }
    while running > 0 {
      await collect()
      running -= 1
    }
    if let failure { return .failure(failure) }
    return .success(values.compactMap { $0 })
  }
  return try outcome.get()
}
