extension S3Client {
  package enum PresignedMethod: String, Sendable, Hashable {
    case get = "GET"
    case put = "PUT"
  }

  /// A URL with which anybody may read (or write) the object until it expires, or until our credentials do.
  /// - Parameter expires: 1 s ... 7 days.
  package func presignedURL(
    _ method: PresignedMethod = .get, bucket: String, key: String, expires: Duration = .seconds(3600)
  ) async throws(AWSError) -> String {
    let operation = method == .get ? "GetObject" : "PutObject"
    let request = AWSRequest(
      .s3, operation, method: method.rawValue, path: "/" + URLEncoding.path(key), bucket: bucket)
    return try await client.presign(request, expires: expires)
  }
}
