extension IAMClient {
  package func createInstanceProfile(
    _ name: String, path: String? = nil, tags: [String: String] = [:]
  ) async throws(AWSError) -> IAM.InstanceProfile {
    let answer = try await call("CreateInstanceProfile") { form in
      form.add("InstanceProfileName", name)
      form.add("Path", path)
      form.add(tags: "Tags", tags)
    }
    return IAM.InstanceProfile(answer["InstanceProfile"] ?? answer)
  }

  /// - Returns: nil when there is no such profile.
  package func getInstanceProfile(_ name: String) async throws(AWSError) -> IAM.InstanceProfile? {
    let answer = try await find("GetInstanceProfile") { $0.add("InstanceProfileName", name) }
    return answer?["InstanceProfile"].map { IAM.InstanceProfile($0) }
  }

  /// - Throws: LimitExceeded when the profile has a role, even this one.
  package func addRole(_ role: String, toInstanceProfile profile: String) async throws(AWSError) {
    try await call("AddRoleToInstanceProfile") { form in
      form.add("InstanceProfileName", profile)
      form.add("RoleName", role)
    }
  }

  package func removeRole(_ role: String, fromInstanceProfile profile: String) async throws(AWSError) {
    _ = try await find("RemoveRoleFromInstanceProfile") { form in
      form.add("InstanceProfileName", profile)
      form.add("RoleName", role)
    }
  }

  /// - Throws: DeleteConflict while it holds a role.
  package func deleteInstanceProfile(_ name: String) async throws(AWSError) {
    _ = try await find("DeleteInstanceProfile") { $0.add("InstanceProfileName", name) }
  }

  package func tagInstanceProfile(_ name: String, tags: [String: String]) async throws(AWSError) {
    guard !tags.isEmpty else { return }
    try await call("TagInstanceProfile") { form in
      form.add("InstanceProfileName", name)
      form.add(tags: "Tags", tags)
    }
  }

  package func untagInstanceProfile(_ name: String, keys: [String]) async throws(AWSError) {
    guard !keys.isEmpty else { return }
    try await call("UntagInstanceProfile") { form in
      form.add("InstanceProfileName", name)
      form.add(list: "TagKeys", keys.sorted())
    }
  }
}
