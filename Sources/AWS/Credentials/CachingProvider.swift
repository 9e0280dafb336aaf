import FoundationEssentials
import Synchronization

/// Keeps credentials until shortly before they expire, and fetches new ones once, however many callers wait.
///
/// From 15 minutes before expiry the first caller starts a fetch in the background and all go on with the old ones; from
/// 10 minutes before, all wait for it. When it fails, what has not expired is still used: a call that works beats an
/// error about one that might not.
package final class CachingProvider: CredentialsProvider {
  private static let advisory = 15.0 * 60
  private static let mandatory = 10.0 * 60

  private typealias Fetch = Task<Result<Credentials, AWSError>, Never>

  private struct State {
    var current: Credentials?
    var fetch: Fetch?
    /// Counts invalidations: a fetch that began before one must not bring the refused credentials back.
    var generation = 0
  }

  private enum Step {
    case use(Credentials)
    case wait(Fetch, fallback: Credentials?)
  }

  private let base: any CredentialsProvider
  private let clock: any AWSClock
  private let state = Mutex(State())

  package init(_ base: any CredentialsProvider, clock: any AWSClock = SystemClock()) {
    self.base = base
    self.clock = clock
  }

  package func credentials() async throws(AWSError) -> Credentials {
    let now = clock.now
    let step: Step = state.withLock { state in
      guard let current = state.current else { return .wait(start(&state), fallback: nil) }
      guard let left = current.expiration?.timeIntervalSince(now), left <= Self.advisory else { return .use(current) }
      let fetch = start(&state)
      if left > Self.mandatory { return .use(current) }
      return .wait(fetch, fallback: left > 0 ? current : nil)
    }
    switch step {
    case .use(let credentials): return credentials
    case .wait(let fetch, let fallback):
      switch await fetch.value {
      case .success(let credentials): return credentials
      case .failure(let error):
        if let fallback { return fallback }
        throw error
      }
    }
  }

  package func invalidate(_ refused: Credentials) async {
    state.withLock { state in
      // Another caller was refused with the same ones and new ones are here already.
      guard let current = state.current, current == refused else { return }
      state.current = nil
      state.fetch = nil
      state.generation += 1
    }
    await base.invalidate(refused)
  }

  /// The fetch under way, or a new one. It belongs to nobody, so that a cancelled caller does not take it from the others.
  private func start(_ state: inout State) -> Fetch {
    if let fetch = state.fetch { return fetch }
    let generation = state.generation
    let fetch = Fetch { [self] in
      let result: Result<Credentials, AWSError>
      do throws(AWSError) {
        result = .success(try await base.credentials())
      } catch {
        result = .failure(error)
      }
      self.state.withLock { state in
        guard state.generation == generation else { return }
        state.fetch = nil
        if case .success(let credentials) = result { state.current = credentials }
      }
      return result
    }
    state.fetch = fetch
    return fetch
  }
}
