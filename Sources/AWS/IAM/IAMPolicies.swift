extension IAMClient {
  /// Attaching what is attached succeeds.
  package func attachRolePolicy(_ role: String, arn: String) async throws(AWSError) {
    try await call("AttachRolePolicy") { form in
      form.add("RoleName", role)
      form.add("PolicyArn", arn)
    }
  }

  /// Detaching what is not attached succeeds.
  package func detachRolePolicy(_ role: String, arn: String) async throws(AWSError) {
    _ = try await find("DetachRolePolicy") { form in
      form.add("RoleName", role)
      form.add("PolicyArn", arn)
    }
  }

  /// - Returns: empty when the role does not exist.
  package func listAttachedRolePolicies(_ role: String) async throws(AWSError) -> [IAM.AttachedPolicy] {
    let found = try await list("ListAttachedRolePolicies", role: role) { answer in
      (answer["AttachedPolicies"]?.all("member") ?? []).map {
        IAM.AttachedPolicy(name: $0.text(of: "PolicyName") ?? "", arn: $0.text(of: "PolicyArn") ?? "")
      }
    }
    return found ?? []
  }

  /// Creates or replaces an inline policy.
  package func putRolePolicy(_ role: String, name: String, document: String) async throws(AWSError) {
    try await call("PutRolePolicy") { form in
      form.add("RoleName", role)
      form.add("PolicyName", name)
      form.add("PolicyDocument", document)
    }
  }

  /// - Returns: the inline policy as JSON; nil when the role or the policy does not exist.
  package func getRolePolicy(_ role: String, name: String) async throws(AWSError) -> String? {
    let answer = try await find("GetRolePolicy") { form in
      form.add("RoleName", role)
      form.add("PolicyName", name)
    }
    return answer?.text(of: "PolicyDocument").map { URLEncoding.decode($0) }
  }

  package func deleteRolePolicy(_ role: String, name: String) async throws(AWSError) {
    _ = try await find("DeleteRolePolicy") { form in
      form.add("RoleName", role)
      form.add("PolicyName", name)
    }
  }

  /// The names of the inline policies; empty when the role does not exist.
  package func listRolePolicies(_ role: String) async throws(AWSError) -> [String] {
    let found = try await list("ListRolePolicies", role: role) { answer in
      (answer["PolicyNames"]?.all("member") ?? []).map(\.text)
    }
    return found ?? []
  }
}
