package import FoundationEssentials

/// What AWS Identity and Access Management's API speaks of.
package enum IAM {
  package struct Role: Sendable, Hashable {
    package var name: String
    package var id: String
    package var arn: String
    package var path: String
    package var description: String
    /// The trust policy as JSON, decoded from the URL encoding in which IAM answers.
    package var trust: String
    package var maxSessionDuration: Int?
    package var permissionsBoundary: String?
    package var createDate: Date?
    package var tags: [String: String]
  }

  package struct InstanceProfile: Sendable, Hashable {
    package var name: String
    package var id: String
    package var arn: String
    package var path: String
    /// At most one.
    package var roles: [String]
    package var createDate: Date?
    package var tags: [String: String]
  }

  package struct AttachedPolicy: Sendable, Hashable {
    package var name: String
    package var arn: String
  }
}

extension IAM.Role {
  init(_ node: XMLNode) {
    name = node.text(of: "RoleName") ?? ""
    id = node.text(of: "RoleId") ?? ""
    arn = node.text(of: "Arn") ?? ""
    path = node.text(of: "Path") ?? "/"
    description = node.text(of: "Description") ?? ""
    trust = node.text(of: "AssumeRolePolicyDocument").map { URLEncoding.decode($0) } ?? ""
    maxSessionDuration = node.text(of: "MaxSessionDuration").flatMap { Int($0) }
    permissionsBoundary = node["PermissionsBoundary"]?.text(of: "PermissionsBoundaryArn")
    createDate = node.text(of: "CreateDate").flatMap(AWSTime.parse)
    tags = node["Tags"]?.tags("member") ?? [:]
  }
}

extension IAM.InstanceProfile {
  init(_ node: XMLNode) {
    name = node.text(of: "InstanceProfileName") ?? ""
    id = node.text(of: "InstanceProfileId") ?? ""
    arn = node.text(of: "Arn") ?? ""
    path = node.text(of: "Path") ?? "/"
    roles = (node["Roles"]?.all("member") ?? []).compactMap { $0.text(of: "RoleName") }
    createDate = node.text(of: "CreateDate").flatMap(AWSTime.parse)
    tags = node["Tags"]?.tags("member") ?? [:]
  }
}
