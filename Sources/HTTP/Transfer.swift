internal import CCurl
internal import Glibc

/// One request under way. Lives on the network thread only; libcurl's callbacks find it by its address, so
/// the event loop keeps it until libcurl has let go of the handle.
final class Transfer {
  let call: Call
  let origin: String
  let easy: EasyHandle
  private let source: BodySource
  private let sink: AnswerSink
  private var bodyFailure: HTTPError?
  /// How often libcurl had a connection ready and was about to send the request.
  private var sendings = 0
  private var reported: (sent: Int64, received: Int64) = (0, 0)

  /// - Throws: `invalidURL`, or `other` when libcurl lacks an option.
  init(_ call: Call, origin: String, configuration: HTTPConfiguration) throws(HTTPError) {
    self.call = call
    self.origin = origin
    easy = try EasyHandle()
    source = BodySource(call.request.body)
    sink = AnswerSink(call.request.target)
    setTransport(configuration)
    setTimeouts()
    try setMethod()
    easy.set(headers: try HeaderLines.make(call.request, userAgent: configuration.userAgent))
    setCallbacks()
    guard easy.refusal == CURLE_OK else {
      let words = easy.description(of: easy.refusal)
      throw HTTPError(kind: .other(Int32(easy.refusal.rawValue)), message: "this libcurl lacks an option: \(words)")
    }
  }

  // MARK: Options

  private func setTransport(_ configuration: HTTPConfiguration) {
    let request = call.request
    easy.set(CURLOPT_NOSIGNAL, 1)
    easy.set(CURLOPT_URL, request.url)
    easy.set(CURLOPT_PATH_AS_IS, 1)
    easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    easy.set(CURLOPT_FOLLOWLOCATION, 0)
    easy.set(CURLOPT_HTTP_CONTENT_DECODING, 0)
    easy.set(CURLOPT_TCP_KEEPALIVE, 1)
    easy.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    easy.set(CURLOPT_SSL_VERIFYPEER, 1)
    easy.set(CURLOPT_SSL_VERIFYHOST, 2)
    // What is meant for AWS does not go to the proxy, nor the proxy's answer to the caller.
    easy.set(CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
    easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    if let caBundle = configuration.caBundle { easy.set(CURLOPT_CAINFO, caBundle) }
    easy.note(mrh_easy_close_sockets_on_exec(easy.pointer))
    // A connection of its own is not a reused one, and only on those libcurl sends again by itself.
    if !request.allowsReconnect { easy.set(CURLOPT_FRESH_CONNECT, 1) }
    // Large buffers for large bodies alone: libcurl makes them anew for every request.
    if case .file = request.target { easy.set(CURLOPT_BUFFERSIZE, 256 << 10) }
    if request.body.length > 64 << 10 { easy.set(CURLOPT_UPLOAD_BUFFERSIZE, 256 << 10) }
  }

  private func setTimeouts() {
    easy.set(CURLOPT_CONNECTTIMEOUT_MS, max(1, call.request.connectTimeout.wholeMilliseconds))
    easy.set(CURLOPT_LOW_SPEED_LIMIT, 1)
    easy.set(CURLOPT_LOW_SPEED_TIME, max(1, call.request.idleTimeout.wholeMilliseconds / 1000))
    if let left = call.timeLeft { easy.set(CURLOPT_TIMEOUT_MS, max(1, left.wholeMilliseconds)) }
  }

  private func setMethod() throws(HTTPError) {
    let (method, length) = (call.request.method, call.request.body.length)
    guard HeaderLines.isToken(method) else { throw HTTPError(kind: .invalidURL, message: "there is no such method") }
    guard length >= 0, method != "HEAD" || length == 0 else {
      throw HTTPError(kind: .invalidURL, message: "a \(method) with a body of \(length) bytes cannot be sent")
    }
    if method == "HEAD" { return easy.set(CURLOPT_NOBODY, 1) }
    easy.set(CURLOPT_CUSTOMREQUEST, method)
    guard length > 0 || ["PUT", "POST", "PATCH"].contains(method) else { return }
    // Whatever the method, an upload is what libcurl calls a body that is read as it is sent. An empty one
    // makes it say Content-Length: 0, which S3 asks for.
    easy.set(CURLOPT_UPLOAD, 1)
    easy.set(CURLOPT_INFILESIZE_LARGE, offset: length)
    // For how long it waits for 100 Continue, see `HeaderLines`.
    easy.set(CURLOPT_EXPECT_100_TIMEOUT_MS, 1000)
  }

  private func setCallbacks() {
    let this = Unmanaged.passUnretained(self).toOpaque()
    for option in [
      CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_READDATA, CURLOPT_SEEKDATA, CURLOPT_PREREQDATA,
      CURLOPT_XFERINFODATA,
    ] { easy.set(option, pointer: this) }
    easy.note(
      mrh_easy_set_data(easy.pointer, CURLOPT_HEADERFUNCTION) { bytes, size, count, this in
        let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
        return Transfer.at(this)?.sink.takeHeader(line) == true ? line.count : 0
      })
    easy.note(
      mrh_easy_set_data(easy.pointer, CURLOPT_WRITEFUNCTION) { bytes, size, count, this in
        let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
        return Transfer.at(this)?.sink.takeBody(piece) == true ? piece.count : 0
      })
    easy.note(
      mrh_easy_set_data(easy.pointer, CURLOPT_READFUNCTION) { bytes, size, count, this in
        let room = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
        return Transfer.at(this)?.readBody(into: room) ?? Int(CURL_READFUNC_ABORT)
      })
    easy.note(
      mrh_easy_set_seek(easy.pointer) { this, place, origin in
        guard origin == SEEK_SET, let transfer = Transfer.at(this) else { return CURL_SEEKFUNC_CANTSEEK }
        return transfer.source.seek(to: Int64(place)) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
      })
    easy.note(
      mrh_easy_set_prerequest(easy.pointer) { this, _, _, _, _ in
        Transfer.at(this)?.maySend() == true ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
      })
    guard call.request.progress != nil else { return }
    easy.set(CURLOPT_NOPROGRESS, 0)
    easy.note(
      mrh_easy_set_progress(easy.pointer) { this, _, received, _, sent in
        Transfer.at(this)?.report(sent: Int64(sent), received: Int64(received))
        return 0
      })
  }

  private static func at(_ pointer: UnsafeMutableRawPointer?) -> Transfer? {
    pointer.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
  }

  // MARK: Called by libcurl

  /// Called when a connection is ready, TLS and proxy included, before each sending of the request.
  private func maySend() -> Bool {
    guard !call.ticket.isCancelled else { return false }
    // Should a later libcurl find another reason to send again.
    guard sendings == 0 || call.request.allowsReconnect else { return false }
    sendings += 1
    return true
  }

  private func readBody(into room: UnsafeMutableRawBufferPointer) -> Int {
    do throws(HTTPError) {
      return try source.read(into: room)
    } catch {
      bodyFailure = error
      return Int(CURL_READFUNC_ABORT)
    }
  }

  private func report(sent: Int64, received: Int64) {
    guard (sent, received) != reported else { return }
    reported = (sent, received)
    call.request.progress?(sent, received)
  }

  // MARK: End

  var connectionsOpened: Int { easy.number(CURLINFO_NUM_CONNECTS) }

  func finish(_ code: CURLcode) {
    if code == CURLE_OK, sink.finish() {
      let response = HTTPResponse(
        status: sink.status, headers: sink.headers, body: sink.body, bytesReceived: sink.received)
      return call.continuation.resume(returning: .success(response))
    }
    abandon(sink.failure ?? bodyFailure ?? error(code))
  }

  /// Ends the call; the handle must have been removed from the multi handle.
  func abandon(_ error: HTTPError) {
    var error = error
    error.host = Target(call.request.url)?.authority ?? ""
    error.mayHaveBeenProcessed = sendings > 0
    call.continuation.resume(returning: .failure(error))
  }

  private func error(_ code: CURLcode) -> HTTPError {
    if code == CURLE_ABORTED_BY_CALLBACK, call.ticket.isCancelled {
      return HTTPError(kind: .cancelled, message: "cancelled")
    }
    var kind = HTTPError.Kind(code)
    // Before the request itself only a proxy is spoken to.
    if kind == .reset, sendings == 0 { kind = .connect }
    // What answers is no HTTP/1 server.
    if kind == .invalidURL, sendings > 0 { kind = .reset }
    return HTTPError(kind: kind, message: easy.description(of: code))
  }
}

extension HTTPError.Kind {
  fileprivate init(_ code: CURLcode) {
    self =
      switch code {
      case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .invalidURL
      case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
      case CURLE_COULDNT_CONNECT, CURLE_PROXY: .connect
      case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
        CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
        CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_USE_SSL_FAILED:
        .tls
      case CURLE_OPERATION_TIMEDOUT: .timeout
      case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_WEIRD_SERVER_REPLY,
        CURLE_SEND_FAIL_REWIND, CURLE_BAD_CONTENT_ENCODING, CURLE_ABORTED_BY_CALLBACK:
        .reset
      // CURLE_TOO_LARGE, which libcurl has since 8.6.
      case CURLcode(rawValue: 100): .tooLarge
      default: .other(Int32(code.rawValue))
      }
  }
}

extension Duration {
  /// At most what libcurl's options take.
  fileprivate var wholeMilliseconds: Int {
    let (seconds, attoseconds) = components
    guard seconds < 2_000_000 else { return 2_000_000_000 }
    return max(0, Int(max(0, seconds)) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
  }
}
