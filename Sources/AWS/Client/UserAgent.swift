package enum UserAgent {
  /// Nothing that looks like `region/...` may be in it: emulators take a region from there.
  package static func text(version: String) -> String { "mrhealth/\(version) lang/swift os/linux" }
}
