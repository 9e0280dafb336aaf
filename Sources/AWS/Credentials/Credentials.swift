package import FoundationEssentials

/// What a request is signed with. Its description never shows the secret or the token.
package struct Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
  package var accessKeyID: String
  package var secretAccessKey: String
  package var sessionToken: String?
  package var expiration: Date?
  /// Where they came from, in words for the user, e.g. `profile 'dev' (SSO)`.
  package var source: String
  /// The account, when the source says it.
  package var accountID: String?

  package init(
    accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expiration: Date? = nil,
    source: String, accountID: String? = nil
  ) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
    self.expiration = expiration
    self.source = source
    self.accountID = accountID
  }

  package var description: String { "Credentials(\(accessKeyID.prefix(4))…, from \(source))" }
  package var debugDescription: String { description }
  /// `dump` and string interpolation of containers go through the mirror: an empty one shows nothing.
  package var customMirror: Mirror { Mirror(self, children: ["source": source]) }
}

/// Something that can produce credentials. `CachingProvider` wraps the ones that cost time.
package protocol CredentialsProvider: Sendable {
  func credentials() async throws(AWSError) -> Credentials
  /// AWS refused these: fetch anew next time, unless that was done already.
  func invalidate(_ refused: Credentials) async
}

extension CredentialsProvider {
  package func invalidate(_ refused: Credentials) async {}
}

/// Keys that never change: tests, and profiles that hold them.
package struct StaticCredentialsProvider: CredentialsProvider {
  private let value: Credentials

  package init(_ value: Credentials) { self.value = value }

  package func credentials() async throws(AWSError) -> Credentials { value }
}
