import FoundationEssentials
package import HTTP

/// What an error answer says, whatever protocol it is written in.
package struct ServiceFault: Sendable, Hashable {
  package var code: String
  package var message: String
  package var requestID: String
  package var extra: [String: String]

  /// Larger than any error of AWS; what is larger is some proxy's page.
  private static let maxBody = 256 << 10
  private static let maxMessage = 2048

  /// Reads an answer of status 300 or more (or an S3 200 that holds an error). Never fails: where the body says nothing,
  /// the code comes from the status.
  package init(_ response: HTTPResponse, wire: Service.Wire) {
    requestID = Self.requestID(response.headers) ?? ""
    extra = [:]
    (code, message) = ("", "")
    if !response.body.isEmpty, response.body.count <= Self.maxBody {
      switch wire {
      case .json, .restJSON: readJSON(response)
      case .restXML, .query, .ec2Query: readXML(response.body)
      }
      // Proxies and emulators answer in the other tongue now and then.
      if code.isEmpty {
        if response.body.first == UInt8(ascii: "{") { readJSON(response) } else { readXML(response.body) }
      }
    } else {
      readErrorHeader(response.headers)
    }
    if let region = response.headers["x-amz-bucket-region"], !region.isEmpty { extra["Region"] = region }
    if code.isEmpty {
      code = Self.code(of: response.status)
      message = Self.explanation(response)
    }
    shorten()
  }

  package static func requestID(_ headers: HTTPHeaders) -> String? {
    headers["x-amzn-requestid"] ?? headers["x-amz-request-id"] ?? headers["x-amzn-request-id"]
  }

  /// S3's members that help a user. Not those that quote the request: a signature mismatch quotes the session token.
  private static let members: Set<String> = [
    "BucketName", "Region", "Endpoint", "Resource", "Key", "VersionId", "UploadId", "ServerTime", "RequestTime",
    "Condition",
    "Method", "ResourceType", "ArgumentName", "ArgumentValue", "Header", "ETag", "PartNumber", "HostId",
  ]

  private mutating func readXML(_ body: [UInt8]) {
    guard let root = try? XMLNode.parse(body, limit: Self.maxBody) else { return }
    // S3 <Error>; query <ErrorResponse><Error>; EC2 <Response><Errors><Error>; old ones <ErrorResponse><Errors><Error>.
    guard let error = root.name == "Error" ? root : root["Error"] ?? root.at("Errors", "Error") else { return }
    code = error.text(of: "Code") ?? ""
    message = error.text(of: "Message") ?? ""
    for child in error.children where Self.members.contains(child.name) && child.children.isEmpty {
      extra[child.name] = child.text
    }
    if requestID.isEmpty {
      requestID =
        error.text(of: "RequestId") ?? root.text(of: "RequestId") ?? root.text(of: "RequestID")
        ?? error.text(of: "RequestID") ?? ""
    }
  }

  private struct JSONBody: Decodable {
    var code: String?
    var message: String?

    private struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      func text(_ names: String...) -> String? {
        for name in names {
          if let text = try? container.decode(String.self, forKey: Key(stringValue: name)) { return text }
        }
        return nil
      }
      code = text("__type", "code", "Code")
      message = text("message", "Message", "errorMessage", "error_description")
    }
  }

  private mutating func readJSON(_ response: HTTPResponse) {
    let body = try? JSONDecoder().decode(JSONBody.self, from: Data(response.body))
    message = body?.message ?? message
    readErrorHeader(response.headers)
    if code.isEmpty, let type = body?.code { code = Self.bare(type) }
  }

  private mutating func readErrorHeader(_ headers: HTTPHeaders) {
    if let type = headers["x-amzn-errortype"] { code = Self.bare(type) }
  }

  /// `com.amazonaws.emr#InvalidRequestException:http://...` is `InvalidRequestException`.
  private static func bare(_ type: String) -> String {
    let beforeColon = type.prefix { $0 != ":" }
    return String(beforeColon.lastIndex(of: "#").map { beforeColon[beforeColon.index(after: $0)...] } ?? beforeColon)
  }

  /// A signature mismatch goes on to quote the canonical request with the session token in it: after its first line.
  private mutating func shorten() {
    if code.contains("Signature") || code == "AuthFailure" {
      message = message.split(maxSplits: 1, whereSeparator: \.isNewline).first.map { String($0) } ?? ""
    }
    if message.utf8.count > Self.maxMessage { message = message.prefix(Self.maxMessage) + "…" }
    if code.utf8.count > 128 { code = String(code.prefix(128)) }
    for (key, value) in extra where value.utf8.count > Self.maxMessage {
      extra[key] = value.prefix(Self.maxMessage) + "…"
    }
  }

  private static func code(of status: Int) -> String {
    switch status {
    case 301: "PermanentRedirect"
    case 302, 307, 308: "TemporaryRedirect"
    case 304: "NotModified"
    case 400: "BadRequest"
    case 401: "Unauthorized"
    case 403: "AccessDenied"
    case 404: "NotFound"
    case 405: "MethodNotAllowed"
    case 408: "RequestTimeout"
    case 409: "Conflict"
    case 412: "PreconditionFailed"
    case 413: "EntityTooLarge"
    case 416: "InvalidRange"
    case 429: "TooManyRequestsException"
    case 500: "InternalError"
    case 501: "NotImplemented"
    case 502: "BadGateway"
    case 503: "ServiceUnavailable"
    case 504: "GatewayTimeout"
    default: "HTTP\(status)"
    }
  }

  private static func explanation(_ response: HTTPResponse) -> String {
    if response.body.isEmpty { return "HTTP status \(response.status) without an explanation" }
    let type = response.headers["content-type"] ?? "no content type"
    return "HTTP status \(response.status) with a body that is not an AWS error (\(type.prefix(80)))"
  }
}
