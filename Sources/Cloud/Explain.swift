internal import AWS
package import Model

extension Diagnostic {
  /// Any error of a cloud call as what the user needs: what was tried, what AWS answered, what to do.
  package init(explaining error: any Error) {
    switch error {
    case let error as AWSError: self = Diagnostic(error)
    case let error as TransferError: self = Diagnostic(error)
    default: self = Diagnostic(wrapping: error)
    }
  }

  init(_ error: AWSError) {
    let call = error.service.isEmpty ? "" : "\(error.service) \(error.operation)"
    var detail = error.message
    if !error.code.hasPrefix("Client.") { detail = "\(error.code): \(detail)" }
    if !error.requestID.isEmpty { detail += " (request \(error.requestID))" }
    let (summary, remedy) = Self.explanation(of: error, call: call.isEmpty ? "A call of AWS" : call)
    self.init(summary, detail: detail, remedy: remedy)
  }

  private static func explanation(of error: AWSError, call: String) -> (summary: String, remedy: String) {
    switch error.code {
    case ClientCode.credentials:
      return ("No usable AWS credentials", credentialsRemedy)
    case ClientCode.configuration:
      return ("The AWS configuration cannot be used", "Correct it, or name another profile with --profile.")
    case ClientCode.resolve, ClientCode.connect:
      return (
        "No connection to AWS" + (error.service.isEmpty ? "" : " for \(call)"),
        "Check the network, the region (--region) and AWS_ENDPOINT_URL; with --local, `mrhealth local status`."
      )
    case ClientCode.tls:
      return ("No secure connection to AWS", "Check the machine's clock and CA certificates (AWS_CA_BUNDLE).")
    case ClientCode.timeout, ClientCode.reset, ClientCode.transport:
      return (
        "\(call) got no answer",
        error.outcomeUnknown
          ? "It may have been carried out all the same: run the same command again, it looks before it repeats."
          : "Run the same command again."
      )
    case ClientCode.localFile:
      return ("A local file could not be read or written", "Check the path, its permissions and the free space.")
    case ClientCode.decoding:
      return (
        "\(call) answered with something that is not AWS's protocol", "Check AWS_ENDPOINT_URL and any proxy on the way."
      )
    case ClientCode.cancelled:
      return ("Interrupted", "Run the same command again; it goes on where it stopped.")
    case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
      return (
        "The AWS credentials have expired", "Get fresh ones (e.g. `aws sso login`) and run the same command again."
      )
    case "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure":
      return ("AWS does not know the access key", credentialsRemedy)
    case "SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed":
      return ("AWS refused the signature", "Check the secret key, the machine's clock, and the region.")
    case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException",
      "AuthorizationError":
      return (
        "Not allowed: \(call)", "Ask for the permission that the message names, or use another profile (--profile)."
      )
    case "AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException":
      let region = error.extra["Region"].map { ": it is in \($0)" } ?? ""
      return ("The bucket is in another region\(region)", "Set the stack's `region`, or --region, to the bucket's.")
    case "NoSuchBucket":
      return ("The bucket does not exist", "Run `mrhealth up` first.")
    case "MalformedPolicyDocument", "MalformedPolicy":
      return ("AWS refused the policy document", "Correct the policy in the stack file.")
    case "LimitExceeded", "ServiceQuotaExceededException", "TooManyBuckets", "VcpuLimitExceeded":
      return (
        "A quota of the account is used up (\(call))", "Ask for more in Service Quotas, or delete what is not needed."
      )
    default:
      return ("\(call) failed", "")
    }
  }

  private static let credentialsRemedy =
    "Set AWS_PROFILE or --profile, run `aws sso login`, or try everything without an account: --local."

  init(_ error: TransferError) {
    if case .service(let cause) = error.kind {
      self = Diagnostic(cause)
      if !error.path.isEmpty { detail = "\(error.path): \(detail)" }
    } else if error.kind == .cancelled {
      self = Diagnostic(AWSError(code: ClientCode.cancelled, message: error.message))
    } else {
      self.init(
        "A file could not be transferred", detail: "\(error.path): \(error.message)",
        remedy: "Check the file, its permissions and the free space, then run the same command again.")
    }
  }
}
