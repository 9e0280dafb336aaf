/// What Amazon EC2's API speaks of, as far as networks go.
package enum EC2 {
  /// `vpc-id` is one of `values`; values may hold `*` and `?`. Filters are joined by "and".
  package struct Filter: Sendable, Hashable {
    package var name: String
    package var values: [String]

    package init(_ name: String, _ values: [String]) {
      self.name = name
      self.values = values
    }

    package init(_ name: String, _ value: String) {
      self.init(name, [value])
    }

    package static func tag(_ key: String, _ value: String) -> Filter {
      Filter("tag:\(key)", [value])
    }
  }

  package struct Vpc: Sendable, Hashable {
    package var id: String
    package var cidr: String
    package var state: String
    package var isDefault: Bool
    package var ownerID: String
    package var tags: [String: String]
  }

  package struct Subnet: Sendable, Hashable {
    package var id: String
    package var vpcID: String
    package var cidr: String
    package var availabilityZone: String
    package var state: String
    package var isDefaultForZone: Bool
    package var mapsPublicIP: Bool
    package var availableAddresses: Int
    package var arn: String
    package var tags: [String: String]
  }

  package struct SecurityGroup: Sendable, Hashable {
    package var id: String
    package var name: String
    package var description: String
    package var vpcID: String
    package var ownerID: String
    package var ingress: [IpPermission]
    package var egress: [IpPermission]
    package var tags: [String: String]
  }

  package struct NetworkInterface: Sendable, Hashable {
    package var id: String
    package var status: String
    package var description: String
    /// Of whoever made it for us, e.g. `amazon-elb`.
    package var requesterID: String?
    package var instanceID: String?
    package var subnetID: String
    package var vpcID: String
    package var groupIDs: [String]
    package var tags: [String: String]
  }
}

extension EC2.Vpc {
  init(_ node: XMLNode) {
    id = node.text(of: "vpcId") ?? ""
    cidr = node.text(of: "cidrBlock") ?? ""
    state = node.text(of: "state") ?? ""
    isDefault = node.text(of: "isDefault") == "true"
    ownerID = node.text(of: "ownerId") ?? ""
    tags = node["tagSet"]?.tags("item") ?? [:]
  }
}

extension EC2.Subnet {
  init(_ node: XMLNode) {
    id = node.text(of: "subnetId") ?? ""
    vpcID = node.text(of: "vpcId") ?? ""
    cidr = node.text(of: "cidrBlock") ?? ""
    availabilityZone = node.text(of: "availabilityZone") ?? ""
    state = node.text(of: "state") ?? ""
    isDefaultForZone = node.text(of: "defaultForAz") == "true"
    mapsPublicIP = node.text(of: "mapPublicIpOnLaunch") == "true"
    availableAddresses = node.text(of: "availableIpAddressCount").flatMap { Int($0) } ?? 0
    arn = node.text(of: "subnetArn") ?? ""
    tags = node["tagSet"]?.tags("item") ?? [:]
  }
}

extension EC2.SecurityGroup {
  init(_ node: XMLNode) {
    id = node.text(of: "groupId") ?? ""
    name = node.text(of: "groupName") ?? ""
    description = node.text(of: "groupDescription") ?? ""
    vpcID = node.text(of: "vpcId") ?? ""
    ownerID = node.text(of: "ownerId") ?? ""
    ingress = (node["ipPermissions"]?.all("item") ?? []).map { EC2.IpPermission($0) }
    egress = (node["ipPermissionsEgress"]?.all("item") ?? []).map { EC2.IpPermission($0) }
    tags = node["tagSet"]?.tags("item") ?? [:]
  }
}

extension EC2.NetworkInterface {
  init(_ node: XMLNode) {
    id = node.text(of: "networkInterfaceId") ?? ""
    status = node.text(of: "status") ?? ""
    description = node.text(of: "description") ?? ""
    requesterID = node.text(of: "requesterId")
    instanceID = node["attachment"]?.text(of: "instanceId")
    subnetID = node.text(of: "subnetId") ?? ""
    vpcID = node.text(of: "vpcId") ?? ""
    groupIDs = (node["groupSet"]?.all("item") ?? []).compactMap { $0.text(of: "groupId") }
    tags = node["tagSet"]?.tags("item") ?? [:]
  }
}
