/// The Resource Groups Tagging API: finds what carries a tag, in the client's region. Eventually consistent:
/// what was made or deleted a minute ago may be missing or still listed.
package struct TaggingClient: Sendable {
  let client: AWSClient

  package init(_ client: AWSClient) {
    self.client = client
  }

  package struct Filter: Sendable, Hashable, Codable {
    package var key: String
    /// Empty: any value.
    package var values: [String]?

    package init(_ key: String, _ values: [String] = []) {
      self.key = key
      self.values = values.isEmpty ? nil : values
    }
  }

  /// ARNs with their tags, of all pages.
  /// - Parameter types: e.g. `s3`, `ec2:security-group`; empty for all.
  package func getResources(
    filters: [Filter], types: [String] = []
  ) async throws(AWSError) -> [String: [String: String]] {
    struct Input: Encodable, Sendable {
      var tagFilters: [Filter]
      var resourceTypeFilters: [String]?
      var paginationToken: String?
    }
    struct Output: Decodable, Sendable {
      struct Mapping: Decodable, Sendable {
        var resourceARN: String?
        var tags: TagList?
      }
      var resourceTagMappingList: [Mapping]?
      var paginationToken: String?
    }
    let types = types.isEmpty ? nil : types
    let found = try await allPages(.resourceGroupsTagging, "GetResources") { token throws(AWSError) in
      let input = Input(tagFilters: filters, resourceTypeFilters: types, paginationToken: token)
      let output: Output = try await client.json(.resourceGroupsTagging, "GetResources", input)
      return (output.resourceTagMappingList ?? [], output.paginationToken)
    }
    let pairs = found.compactMap { mapping in mapping.resourceARN.map { ($0, mapping.tags?.values ?? [:]) } }
    return Dictionary(pairs) { _, last in last }
  }
}
