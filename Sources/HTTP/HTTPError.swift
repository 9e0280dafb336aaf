package struct HTTPError: Error, Sendable {
  package enum Kind: Sendable, Hashable {
    /// The request cannot be sent as it is: its URL, method, a header or the length of its body.
    case invalidURL
    case resolve
    /// Also when a proxy refuses the connection.
    case connect
    case tls
    /// Any of the three limits of time.
    case timeout
    /// The connection broke, or the answer was cut short or was no HTTP.
    case reset
    /// The answer is longer than allowed.
    case tooLarge
    /// A local file could not be written.
    case write
    /// The request's body could not be read.
    case read
    case cancelled
    /// libcurl's own code; 0 when libcurl cannot be used at all.
    case other(Int32)
  }

  package var kind: Kind
  /// In words, without the URL's path and query and without any header: those hold names and signatures.
  package var message: String
  /// And port, if the URL names one.
  package var host: String
  /// A byte of the request may have left, so the server may have done what was asked: what is unsafe to
  /// repeat must be looked up, not sent again. False only when the server certainly knows nothing.
  package var mayHaveBeenProcessed: Bool

  package init(kind: Kind, message: String, host: String = "", mayHaveBeenProcessed: Bool = false) {
    self.kind = kind
    self.message = message
    self.host = host
    self.mayHaveBeenProcessed = mayHaveBeenProcessed
  }
}
