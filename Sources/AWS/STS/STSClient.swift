import FoundationEssentials

/// AWS Security Token Service.
package struct STSClient: Sendable {
  /// Who AWS says we are.
  package struct Identity: Sendable, Hashable {
    package var account: String
    package var arn: String
    package var userID: String

    package init(account: String, arn: String, userID: String) {
      self.account = account
      self.arn = arn
      self.userID = userID
    }

    /// `aws`, `aws-cn` or `aws-us-gov`, for making ARNs.
    package var partition: String {
      let parts = arn.split(separator: ":", omittingEmptySubsequences: false)
      return parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : "aws"
    }
  }

  private let client: AWSClient

  package init(_ client: AWSClient) { self.client = client }

  package func getCallerIdentity() async throws(AWSError) -> Identity {
    let operation = "GetCallerIdentity"
    let root = try await client.query(.sts, operation)
    guard let result = root["GetCallerIdentityResult"], let account = result.text(of: "Account"),
      let arn = result.text(of: "Arn")
    else { throw incomplete(operation) }
    return Identity(account: account, arn: arn, userID: result.text(of: "UserId") ?? "")
  }

  /// - Parameter duration: seconds, 900 ... the role's own maximum; nil for AWS's hour.
  package func assumeRole(
    roleARN: String, sessionName: String, externalID: String? = nil, duration: Int? = nil
  ) async throws(AWSError) -> Credentials {
    var form = QueryForm()
    form.add("RoleArn", roleARN)
    form.add("RoleSessionName", sessionName)
    form.add("ExternalId", externalID)
    form.add("DurationSeconds", duration)
    return try credentials(await client.query(.sts, "AssumeRole", form), "AssumeRole")
  }

  /// Unsigned: the token is the proof.
  package func assumeRoleWithWebIdentity(
    roleARN: String, sessionName: String, token: String, duration: Int? = nil
  ) async throws(AWSError) -> Credentials {
    var form = QueryForm()
    form.add("RoleArn", roleARN)
    form.add("RoleSessionName", sessionName)
    form.add("WebIdentityToken", token)
    form.add("DurationSeconds", duration)
    let operation = "AssumeRoleWithWebIdentity"
    return try credentials(await client.query(.sts, operation, form, isSigned: false), operation)
  }

  private func credentials(_ root: XMLNode, _ operation: String) throws(AWSError) -> Credentials {
    guard let result = root["\(operation)Result"]?["Credentials"], let key = result.text(of: "AccessKeyId"),
      let secret = result.text(of: "SecretAccessKey"), let token = result.text(of: "SessionToken"),
      let expiration = result.text(of: "Expiration").flatMap({ AWSTime.parse($0) })
    else { throw incomplete(operation) }
    return Credentials(
      accessKeyID: key, secretAccessKey: secret, sessionToken: token, expiration: expiration, source: "STS \(operation)"
    )
  }

  private func incomplete(_ operation: String) -> AWSError {
    AWSError(
      service: Service.sts.id, operation: operation, code: ClientCode.decoding,
      message: "the answer lacks what STS promises for \(operation)")
  }
}
