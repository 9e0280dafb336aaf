package import HTTP

/// What the client sends requests through: libcurl in the product, a script in tests.
package protocol HTTPTransport: Sendable {
  func execute(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse
}

extension HTTPClient: HTTPTransport {}
