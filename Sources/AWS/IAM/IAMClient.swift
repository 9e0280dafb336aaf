/// IAM: roles. Policies and instance profiles are in the extensions.
///
/// Changes take seconds to be seen by other services; callers retry what fails for that reason.
package struct IAMClient: Sendable {
  let client: AWSClient

  package init(_ client: AWSClient) {
    self.client = client
  }

  /// The answer's `<Operation>Result` element, or the whole answer when there is none.
  @discardableResult
  func call(
    _ operation: String, _ fill: (inout QueryForm) -> Void
  ) async throws(AWSError) -> XMLNode {
    let answer = try await client.query(.iam, operation, fill)
    return answer["\(operation)Result"] ?? answer
  }

  /// nil in place of an error that says that the entity does not exist.
  func find(
    _ operation: String, _ fill: (inout QueryForm) -> Void
  ) async throws(AWSError) -> XMLNode? {
    do throws(AWSError) {
      return try await call(operation, fill)
    } catch {
      if error.code == "NoSuchEntity" { return nil }
      throw error
    }
  }

  /// All pages of an operation that pages by `Marker` and `IsTruncated`; nil when the entity does not exist.
  func list<Item: Sendable>(
    _ operation: String, role: String, _ items: (XMLNode) -> [Item]
  ) async throws(AWSError) -> [Item]? {
    do throws(AWSError) {
      return try await allPages(.iam, operation) { marker throws(AWSError) in
        let answer = try await call(operation) { form in
          form.add("RoleName", role)
          form.add("Marker", marker)
        }
        let more = answer.text(of: "IsTruncated") == "true"
        return (items(answer), more ? answer.text(of: "Marker") : nil)
      }
    } catch {
      if error.code == "NoSuchEntity" { return nil }
      throw error
    }
  }

  /// - Parameter trust: the trust policy, JSON.
  /// - Throws: EntityAlreadyExists, MalformedPolicyDocument, ...
  package func createRole(
    _ name: String, trust: String, description: String? = nil, tags: [String: String] = [:], path: String? = nil,
    maxSessionDuration: Int? = nil, permissionsBoundary: String? = nil
  ) async throws(AWSError) -> IAM.Role {
    let answer = try await call("CreateRole") { form in
      form.add("RoleName", name)
      form.add("Path", path)
      form.add("AssumeRolePolicyDocument", trust)
      form.add("Description", description)
      form.add("MaxSessionDuration", maxSessionDuration)
      form.add("PermissionsBoundary", permissionsBoundary)
      form.add(tags: "Tags", tags)
    }
    return IAM.Role(answer["Role"] ?? answer)
  }

  /// - Returns: nil when there is no such role.
  package func getRole(_ name: String) async throws(AWSError) -> IAM.Role? {
    try await find("GetRole") { $0.add("RoleName", name) }?["Role"].map { IAM.Role($0) }
  }

  /// Deleting a role that does not exist succeeds.
  /// - Throws: DeleteConflict while it has policies or stands in an instance profile.
  package func deleteRole(_ name: String) async throws(AWSError) {
    _ = try await find("DeleteRole") { $0.add("RoleName", name) }
  }

  package func updateAssumeRolePolicy(_ role: String, trust: String) async throws(AWSError) {
    try await call("UpdateAssumeRolePolicy") { form in
      form.add("RoleName", role)
      form.add("PolicyDocument", trust)
    }
  }

  /// - Parameters that are nil are left as they are.
  package func updateRole(
    _ role: String, description: String?, maxSessionDuration: Int? = nil
  ) async throws(AWSError) {
    try await call("UpdateRole") { form in
      form.add("RoleName", role)
      form.add("Description", description)
      form.add("MaxSessionDuration", maxSessionDuration)
    }
  }

  package func tagRole(_ role: String, tags: [String: String]) async throws(AWSError) {
    guard !tags.isEmpty else { return }
    try await call("TagRole") { form in
      form.add("RoleName", role)
      form.add(tags: "Tags", tags)
    }
  }

  package func untagRole(_ role: String, keys: [String]) async throws(AWSError) {
    guard !keys.isEmpty else { return }
    try await call("UntagRole") { form in
      form.add("RoleName", role)
      form.add(list: "TagKeys", keys.sorted())
    }
  }

  /// Makes the role that AWS itself uses for a service, e.g. `elasticmapreduce.amazonaws.com`.
  /// - Returns: nil when the account has it already.
  package func createServiceLinkedRole(
    service: String, description: String? = nil
  ) async throws(AWSError) -> IAM.Role? {
    do throws(AWSError) {
      let answer = try await call("CreateServiceLinkedRole") { form in
        form.add("AWSServiceName", service)
        form.add("Description", description)
      }
      return answer["Role"].map { IAM.Role($0) }
    } catch {
      // AWS: InvalidInput "Service role name ... has been taken in this account"; emulators: EntityAlreadyExists.
      let taken = error.code == "InvalidInput" && error.message.contains("has been taken")
      if taken || error.code == "EntityAlreadyExists" { return nil }
      throw error
    }
  }
}
