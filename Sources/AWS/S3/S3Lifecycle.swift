extension S3 {
  /// A rule by which S3 deletes objects or moves them to other storage.
  package struct LifecycleRule: Sendable, Hashable {
    package struct Transition: Sendable, Hashable {
      /// After creation, or for noncurrent versions after they were superseded.
      package var days: Int
      /// STANDARD_IA, INTELLIGENT_TIERING, GLACIER_IR, GLACIER, DEEP_ARCHIVE, ONEZONE_IA
      package var storageClass: String

      package init(days: Int, storageClass: String) {
        self.days = days
        self.storageClass = storageClass
      }
    }

    package var id: String
    package var enabled: Bool
    /// Empty: the whole bucket.
    package var prefix: String
    package var tags: [String: String] = [:]
    package var expirationDays: Int?
    package var expiredObjectDeleteMarker: Bool?
    package var noncurrentVersionExpirationDays: Int?
    package var newerNoncurrentVersions: Int?
    package var abortIncompleteMultipartUploadDays: Int?
    package var transitions: [Transition] = []
    package var noncurrentVersionTransitions: [Transition] = []

    package init(id: String, enabled: Bool = true, prefix: String = "") {
      self.id = id
      self.enabled = enabled
      self.prefix = prefix
    }
  }
}

extension S3.LifecycleRule {
  init(_ node: XMLNode) {
    let filter = node["Filter"]
    let both = filter?["And"]
    self.init(
      id: node.text(of: "ID") ?? "", enabled: node.text(of: "Status") == "Enabled",
      // Rules of old have their prefix outside of a filter.
      prefix: both?.text(of: "Prefix") ?? filter?.text(of: "Prefix") ?? node.text(of: "Prefix") ?? "")
    tags = both?.tags("Tag") ?? filter?.tags("Tag") ?? [:]
    func days(_ element: String, _ name: String) -> Int? {
      node[element]?.text(of: name).flatMap { Int($0) }
    }
    func transitions(_ element: String, _ name: String) -> [Transition] {
      node.all(element).compactMap { node in
        guard let days = node.text(of: name).flatMap({ Int($0) }), let to = node.text(of: "StorageClass") else {
          return nil
        }
        return Transition(days: days, storageClass: to)
      }
    }
    expirationDays = days("Expiration", "Days")
    expiredObjectDeleteMarker = node["Expiration"]?.text(of: "ExpiredObjectDeleteMarker").map { $0 == "true" }
    noncurrentVersionExpirationDays = days("NoncurrentVersionExpiration", "NoncurrentDays")
    newerNoncurrentVersions = days("NoncurrentVersionExpiration", "NewerNoncurrentVersions")
    abortIncompleteMultipartUploadDays = days("AbortIncompleteMultipartUpload", "DaysAfterInitiation")
    self.transitions = transitions("Transition", "Days")
    noncurrentVersionTransitions = transitions("NoncurrentVersionTransition", "NoncurrentDays")
  }

  func encode(into xml: inout XMLWriter) {
    xml.element("Rule") { rule in
      if expirationDays != nil || expiredObjectDeleteMarker != nil {
        rule.element("Expiration") {
          $0.element("Days", expirationDays)
          $0.element("ExpiredObjectDeleteMarker", expiredObjectDeleteMarker)
        }
      }
      rule.element("ID", id.isEmpty ? nil : id)
      rule.element("Filter") { filter in
        switch (prefix.isEmpty, tags.count) {
        case (_, 0): filter.element("Prefix", prefix)
        case (true, 1): filter.addTags(tags)
        default:
          filter.element("And") {
            $0.element("Prefix", prefix)
            $0.addTags(tags)
          }
        }
      }
      rule.element("Status", enabled ? "Enabled" : "Disabled")
      for transition in transitions {
        rule.element("Transition") {
          $0.element("Days", transition.days)
          $0.element("StorageClass", transition.storageClass)
        }
      }
      for transition in noncurrentVersionTransitions {
        rule.element("NoncurrentVersionTransition") {
          $0.element("NoncurrentDays", transition.days)
          $0.element("StorageClass", transition.storageClass)
        }
      }
      if noncurrentVersionExpirationDays != nil || newerNoncurrentVersions != nil {
        rule.element("NoncurrentVersionExpiration") {
          $0.element("NoncurrentDays", noncurrentVersionExpirationDays)
          $0.element("NewerNoncurrentVersions", newerNoncurrentVersions)
        }
      }
      if let days = abortIncompleteMultipartUploadDays {
        rule.element("AbortIncompleteMultipartUpload") { $0.element("DaysAfterInitiation", days) }
      }
    }
  }
}
