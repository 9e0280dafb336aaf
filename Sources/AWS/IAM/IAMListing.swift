/// What the account has, to be searched for what is ours.
extension IAMClient {
  /// Names of all roles. IAM tells their tags only one by one.
  package func listRoleNames() async throws(AWSError) -> [String] {
    try await names("ListRoles", in: "Roles", of: "RoleName")
  }

  package func listInstanceProfileNames() async throws(AWSError) -> [String] {
    try await names("ListInstanceProfiles", in: "InstanceProfiles", of: "InstanceProfileName")
  }

  /// - Returns: nothing for a role that does not exist.
  package func listRoleTags(_ role: String) async throws(AWSError) -> [String: String] {
    let pages = try await list("ListRoleTags", role: role) { [$0["Tags"]?.tags("member") ?? [:]] } ?? []
    return pages.reduce(into: [:]) { all, page in all.merge(page) { $1 } }
  }

  private func names(_ operation: String, in list: String, of name: String) async throws(AWSError) -> [String] {
    try await allPages(.iam, operation) { marker throws(AWSError) in
      let answer = try await call(operation) { form in
        form.add("MaxItems", 1000)
        form.add("Marker", marker)
      }
      let more = answer.text(of: "IsTruncated") == "true"
      return (answer.items(in: list).compactMap { $0.text(of: name) }, more ? answer.text(of: "Marker") : nil)
    }
  }
}
