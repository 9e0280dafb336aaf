import AWS
import FoundationEssentials
import HTTP
import Synchronization

/// An S3 in memory that checks what real S3 checks: checksums, conditions, parts. One bucket, versioned.
final class FakeS3: HTTPTransport, Sendable {
  struct Version: Sendable {
    var id: String
    var bytes: [UInt8]
    var etag: String
    var isMarker = false
  }

  struct Upload: Sendable {
    var key: String
    var parts: [Int: [UInt8]] = [:]
  }

  struct State: Sendable {
    /// Newest first.
    var objects: [String: [Version]] = [:]
    var uploads: [String: Upload] = [:]
    var counter = 0
    var log: [String] = []
    var running = 0
    var mostRunning = 0
    /// Objects whose deletion S3 refuses, with the code and how often.
    var refusals: [String: (code: String, times: Int)] = [:]
  }

  let state = Mutex(State())
  private let isKMS: Bool
  private let hook: @Sendable (FakeAWS.Request) -> HTTPResponse?

  /// - Parameters:
  ///   - isKMS: ETags are no MD5s.
  ///   - hook: answers in its place.
  init(isKMS: Bool = false, hook: @escaping @Sendable (FakeAWS.Request) -> HTTPResponse? = { _ in nil }) {
    self.isKMS = isKMS
    self.hook = hook
  }

  var s3: S3Client { S3Client(FakeAWS.client(self)) }
  var log: [String] { state.withLock { $0.log } }
  var mostRunning: Int { state.withLock { $0.mostRunning } }

  func bytes(_ key: String) -> [UInt8]? {
    state.withLock { state in state.objects[key]?.first.flatMap { $0.isMarker ? nil : $0.bytes } }
  }

  var keys: [String] {
    state.withLock { state in state.objects.filter { $0.value.first?.isMarker == false }.keys.sorted() }
  }

  func put(_ key: String, _ text: String) { state.withLock { _ = store(&$0, key, Array(text.utf8)) } }

  func refuse(_ key: String, code: String, times: Int) { state.withLock { $0.refusals[key] = (code, times) } }

  @discardableResult
  private func store(_ state: inout State, _ key: String, _ bytes: [UInt8], etag: String? = nil) -> Version {
    state.counter += 1
    let version = Version(
      id: "v\(state.counter)", bytes: bytes, etag: isKMS ? "kms-\(state.counter)" : etag ?? MD5.hex(bytes))
    state.objects[key, default: []].insert(version, at: 0)
    return version
  }

  func execute(_ sent: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let request = FakeAWS.Request(sent)
    let key = URLEncoding.decode(String(request.path.dropFirst()))
    state.withLock { state in
      state.log.append("\(request.method) \(key)\(request.query.first { !$0.hasPrefix("x-") }.map { "?\($0)" } ?? "")")
      state.running += 1
      state.mostRunning = max(state.mostRunning, state.running)
    }
    defer { state.withLock { $0.running -= 1 } }
    await Task.yield()
    var query: [String: String] = [:]
    for item in request.query {
      let parts = item.split(separator: "=", maxSplits: 1).map { URLEncoding.decode(String($0)) }
      query[parts[0]] = parts.count > 1 ? parts[1] : ""
    }
    if Task.isCancelled { throw HTTPError(kind: .cancelled, message: "cancelled") }
    let parameters = query
    let answer = hook(request) ?? state.withLock { self.answer(&$0, request, key, parameters) }
    if case .file(let path) = sent.target, answer.status < 300 {
      _ = FileManager.default.createFile(atPath: path, contents: Data(answer.body))
      return HTTPResponse(
        status: answer.status, headers: answer.headers, body: [], bytesReceived: Int64(answer.body.count))
    }
    return answer
  }

  private func answer(
    _ state: inout State, _ request: FakeAWS.Request, _ key: String, _ query: [String: String]
  ) -> HTTPResponse {
    switch (request.method, key.isEmpty) {
    case ("GET", true): return list(state, query)
    case ("POST", true): return deleteBatch(&state, request)
    case ("PUT", false): return put(&state, request, key, query)
    case ("POST", false): return multipart(&state, request, key, query)
    case ("DELETE", false):
      if let upload = query["uploadId"] {
        return state.uploads.removeValue(forKey: upload) == nil
          ? .s3Error("NoSuchUpload", status: 404) : .xml(status: 204)
      }
      delete(&state, key, query["versionId"])
      return .xml(status: 204)
    case ("GET", false), ("HEAD", false):
      guard let version = state.objects[key]?.first, !version.isMarker else {
        return .s3Error("NoSuchKey", status: 404)
      }
      let headers: HTTPHeaders = [
        "ETag": "\"\(version.etag)\"", "Content-Length": "\(version.bytes.count)",
        "x-amz-checksum-crc32": CRC32.base64(CRC32.of(version.bytes)),
      ]
      return HTTPResponse(
        status: 200, headers: headers, body: request.method == "GET" ? version.bytes : [],
        bytesReceived: Int64(version.bytes.count))
    default: return .s3Error("MethodNotAllowed", status: 405)
    }
  }

  private func put(
    _ state: inout State, _ request: FakeAWS.Request, _ key: String, _ query: [String: String]
  ) -> HTTPResponse {
    let body = request.body
    guard request.headers["x-amz-checksum-crc32"] == CRC32.base64(CRC32.of(body)),
      request.headers["Content-MD5"].map({ $0 == Base64.encode(MD5.hash(body)) }) != false
    else { return .s3Error("BadDigest", status: 400) }
    if let upload = query["uploadId"], let number = query["partNumber"].flatMap({ Int($0) }) {
      guard state.uploads[upload] != nil else { return .s3Error("NoSuchUpload", status: 404) }
      state.uploads[upload]?.parts[number] = body
      return .xml(headers: ["ETag": "\"\(isKMS ? "part\(number)" : MD5.hex(body))\""])
    }
    if request.headers["If-None-Match"] == "*", state.objects[key]?.first?.isMarker == false {
      return .s3Error("PreconditionFailed", status: 412)
    }
    let version = store(&state, key, body)
    return .xml(headers: ["ETag": "\"\(version.etag)\"", "x-amz-version-id": version.id])
  }

  private func multipart(
    _ state: inout State, _ request: FakeAWS.Request, _ key: String, _ query: [String: String]
  ) -> HTTPResponse {
    guard let id = query["uploadId"] else {
      state.counter += 1
      state.uploads["u\(state.counter)"] = Upload(key: key)
      return .xml("<R><UploadId>u\(state.counter)</UploadId></R>")
    }
    guard let upload = state.uploads.removeValue(forKey: id) else { return .s3Error("NoSuchUpload", status: 404) }
    let parts = upload.parts.sorted { $0.key < $1.key }.map(\.value)
    let whole = parts.flatMap { $0 }
    guard request.headers["x-amz-checksum-crc32"] == CRC32.base64(CRC32.of(whole)),
      request.headers["x-amz-mp-object-size"] == "\(whole.count)"
    else { return .s3Error("BadDigest", status: 400) }
    let etag = "\(MD5.hex(parts.flatMap { MD5.hash($0) }))-\(parts.count)"
    let version = store(&state, key, whole, etag: etag)
    return .xml("<R><ETag>&quot;\(version.etag)&quot;</ETag></R>", headers: ["x-amz-version-id": version.id])
  }

  private func delete(_ state: inout State, _ key: String, _ version: String?) {
    if let version {
      state.objects[key]?.removeAll { $0.id == version }
      if state.objects[key]?.isEmpty == true { state.objects[key] = nil }
    } else {
      state.counter += 1
      state.objects[key, default: []].insert(.init(id: "v\(state.counter)", bytes: [], etag: "", isMarker: true), at: 0)
    }
  }

  private func deleteBatch(_ state: inout State, _ request: FakeAWS.Request) -> HTTPResponse {
    guard let xml = try? XMLNode.parse(request.body) else { return .s3Error("MalformedXML", status: 400) }
    var errors = ""
    for object in xml.all("Object") {
      let key = object.text(of: "Key") ?? ""
      if let refusal = state.refusals[key], refusal.times > 0 {
        state.refusals[key] = (refusal.code, refusal.times - 1)
        errors +=
          "<Error><Key>\(key)</Key><VersionId>\(object.text(of: "VersionId") ?? "")</VersionId>"
          + "<Code>\(refusal.code)</Code><Message>m</Message></Error>"
      } else {
        delete(&state, key, object.text(of: "VersionId"))
      }
    }
    return .xml("<DeleteResult>\(errors)</DeleteResult>")
  }

  private func list(_ state: State, _ query: [String: String]) -> HTTPResponse {
    let prefix = query["prefix"] ?? ""
    if query["uploads"] != nil {
      let uploads = state.uploads.filter { $0.value.key.hasPrefix(prefix) }.map {
        "<Upload><Key>\(URLEncoding.encode($0.value.key))</Key><UploadId>\($0.key)</UploadId></Upload>"
      }
      return .xml("<R><EncodingType>url</EncodingType>\(uploads.joined())<IsTruncated>false</IsTruncated></R>")
    }
    let limit = query["max-keys"].flatMap { Int($0) } ?? 1000
    let isVersions = query["versions"] != nil
    var rows: [(mark: String, xml: String)] = []
    for (key, versions) in state.objects.sorted(by: { $0.key < $1.key }) where key.hasPrefix(prefix) {
      for version in versions where isVersions || (version.id == versions[0].id && !version.isMarker) {
        let name = isVersions ? (version.isMarker ? "DeleteMarker" : "Version") : "Contents"
        rows.append(
          (
            "\(key)|\(version.id)",
            "<\(name)><Key>\(URLEncoding.encode(key))</Key><VersionId>\(version.id)</VersionId><ETag>\"\(version.etag)\"</ETag>"
              + "<Size>\(version.bytes.count)</Size></\(name)>"
          ))
      }
    }
    let after =
      isVersions ? query["key-marker"].map { "\($0)|\(query["version-id-marker"] ?? "")" } : query["continuation-token"]
    // Deleted while it was listed: go on behind the key that was last.
    var start = 0
    if let after {
      let key = after.split(separator: "|")[0]
      start =
        rows.firstIndex { $0.mark == after }.map { $0 + 1 }
        ?? rows.firstIndex { $0.mark.split(separator: "|")[0] > key } ?? rows.count
    }
    let page = rows[start..<min(rows.count, start + limit)]
    var more = "<IsTruncated>false</IsTruncated>"
    if let last = page.last, start + page.count < rows.count {
      let parts = last.mark.split(separator: "|").map { URLEncoding.encode(String($0)) }
      more =
        "<IsTruncated>true</IsTruncated><NextContinuationToken>\(last.mark)</NextContinuationToken>"
        + "<NextKeyMarker>\(parts[0])</NextKeyMarker><NextVersionIdMarker>\(parts[1])</NextVersionIdMarker>"
    }
    return .xml("<R><EncodingType>url</EncodingType>\(more)\(page.map(\.xml).joined())</R>")
  }
}
