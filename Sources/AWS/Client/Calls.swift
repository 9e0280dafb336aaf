import HTTP

/// The two protocols in which a call is nothing but an operation and a body.
extension AWSClient {
  /// A call of a JSON 1.1 service.
  ///
  /// - Throws: also `Client.Encoding`, and `Client.Decoding` when the answer does not have the promised form.
  package func json<Input: Encodable, Output: Decodable>(
    _ service: Service, _ operation: String, _ input: Input, as type: Output.Type = Output.self,
    resend: AWSRequest.Resend = .safe
  ) async throws(AWSError) -> Output {
    let body: [UInt8]
    do {
      body = try AWSJSON.encode(input)
    } catch {
      throw AWSError(
        service: service.id, operation: operation, code: ClientCode.encoding,
        message: "the request cannot be written as JSON")
    }
    let response = try await send(AWSRequest(service, operation, body: .bytes(body), resend: resend))
    do {
      return try AWSJSON.decode(type, from: response.body.isEmpty ? Array("{}".utf8) : response.body)
    } catch {
      throw response.undecodable(service, operation, resend: resend)
    }
  }

  /// A call of a query or EC2 service; answers the root of the XML, e.g. `<GetRoleResponse>`. `Action` and `Version` are
  /// added here.
  package func query(
    _ service: Service, _ operation: String, _ form: QueryForm = QueryForm(), resend: AWSRequest.Resend = .safe,
    isSigned: Bool = true
  ) async throws(AWSError) -> XMLNode {
    var full = QueryForm()
    full.add("Action", operation)
    switch service.wire {
    case .query(let version), .ec2Query(let version): full.add("Version", version)
    default: break
    }
    for item in form.items { full.add(item.name, item.value) }
    let response = try await send(
      AWSRequest(service, operation, body: .bytes(full.body), resend: resend, isSigned: isSigned))
    do {
      return try XMLNode.parse(response.body)
    } catch {
      throw response.undecodable(service, operation, resend: resend)
    }
  }
}

extension AWSResponse {
  /// A 2xx whose body is not what the operation promises: a proxy's page, or a cut answer. The call itself was carried
  /// out, so for one that must not be repeated the outcome (an id, say) is unknown.
  package func undecodable(_ service: Service, _ operation: String, resend: AWSRequest.Resend = .safe) -> AWSError {
    AWSError(
      service: service.id, operation: operation, code: ClientCode.decoding,
      message: "the answer of \(body.count) bytes is not what \(service.id) promises for \(operation)", status: status,
      requestID: requestID, attempts: attempts, outcomeUnknown: resend == .never)
  }
}
