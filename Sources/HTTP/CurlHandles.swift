internal import CCurl

/// libcurl's handle of one transfer, with what it points to. Belongs to the network thread.
final class EasyHandle {
  let pointer: UnsafeMutableRawPointer
  private var lines: UnsafeMutablePointer<curl_slist>?
  private let message: UnsafeMutablePointer<CChar>
  /// The first option that libcurl did not take.
  private(set) var refusal: CURLcode = CURLE_OK

  init() throws(HTTPError) {
    guard let pointer = mrh_easy_init() else { throw HTTPError(kind: .other(0), message: "libcurl has no memory") }
    self.pointer = pointer
    message = .allocate(capacity: Int(CURL_ERROR_SIZE))
    message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    note(mrh_easy_set_pointer(pointer, CURLOPT_ERRORBUFFER, message))
  }

  deinit {
    // In this order: until then libcurl may use the other two.
    mrh_easy_cleanup(pointer)
    mrh_slist_free(lines)
    message.deallocate()
  }

  func set(_ option: CURLoption, _ value: Int) { note(mrh_easy_set_long(pointer, option, value)) }
  func set(_ option: CURLoption, _ value: String) { note(mrh_easy_set_string(pointer, option, value)) }
  func set(_ option: CURLoption, offset: Int64) { note(mrh_easy_set_offset(pointer, option, curl_off_t(offset))) }
  func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer) {
    note(mrh_easy_set_pointer(pointer, option, value))
  }

  func set(headers: [String]) {
    for header in headers {
      guard let longer = mrh_slist_append(lines, header) else { return note(CURLE_OUT_OF_MEMORY) }
      lines = longer
    }
    note(mrh_easy_set_headers(pointer, lines))
  }

  func note(_ code: CURLcode) {
    if code != CURLE_OK, refusal == CURLE_OK { refusal = code }
  }

  func number(_ info: CURLINFO) -> Int { mrh_easy_get_long(pointer, info) }

  /// libcurl's words for how the transfer ended: those of this case, or those for all such cases.
  func description(of code: CURLcode) -> String {
    let particular = String(cString: message)
    if !particular.isEmpty { return particular }
    return mrh_easy_strerror(code).map { String(cString: $0) } ?? "libcurl's error \(code.rawValue)"
  }
}

/// libcurl's handle of all transfers and their connections. Belongs to the network thread.
final class MultiHandle {
  let pointer: UnsafeMutableRawPointer

  init?() {
    guard let pointer = mrh_multi_init() else { return nil }
    self.pointer = pointer
  }

  deinit { mrh_multi_cleanup(pointer) }

  func set(_ option: CURLMoption, _ value: Int) { mrh_multi_set_long(pointer, option, value) }

  func add(_ easy: EasyHandle) -> Bool { mrh_multi_add(pointer, easy.pointer) == CURLM_OK }
  func remove(_ easy: EasyHandle) { mrh_multi_remove(pointer, easy.pointer) }

  func perform() {
    var running: Int32 = 0
    mrh_multi_perform(pointer, &running)
  }

  func poll(_ milliseconds: Int32) { mrh_multi_poll(pointer, milliseconds) }

  func nextDone() -> (easy: UnsafeMutableRawPointer, code: CURLcode)? {
    var code = CURLE_OK
    return mrh_multi_next_done(pointer, &code).map { ($0, code) }
  }
}
