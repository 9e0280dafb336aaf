extension EC2 {
  /// Rules of a security group that share protocol and ports.
  package struct IpPermission: Sendable, Hashable {
    package struct CIDR: Sendable, Hashable {
      package var cidr: String
      package var description: String?

      package init(_ cidr: String, description: String? = nil) {
        self.cidr = cidr
        self.description = description
      }
    }

    package struct Group: Sendable, Hashable {
      package var id: String
      /// The owning account; AWS fills it in.
      package var userID: String?
      package var description: String?

      package init(_ id: String, userID: String? = nil, description: String? = nil) {
        self.id = id
        self.userID = userID
        self.description = description
      }
    }

    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    package var proto: String
    /// First port, or the ICMP type; nil for all protocols.
    package var fromPort: Int?
    package var toPort: Int?
    package var cidrs: [CIDR]
    package var ipv6CIDRs: [CIDR]
    package var groups: [Group]
    package var prefixLists: [CIDR]

    package init(
      proto: String, fromPort: Int? = nil, toPort: Int? = nil, cidrs: [CIDR] = [], ipv6CIDRs: [CIDR] = [],
      groups: [Group] = [], prefixLists: [CIDR] = []
    ) {
      self.proto = proto
      self.fromPort = fromPort
      self.toPort = toPort
      self.cidrs = cidrs
      self.ipv6CIDRs = ipv6CIDRs
      self.groups = groups
      self.prefixLists = prefixLists
    }

    /// What EC2 puts into the egress of every new group of a VPC: everything to anywhere.
    package static let allowAllEgress = IpPermission(proto: "-1", cidrs: [CIDR("0.0.0.0/0")])
  }

  /// One rule: the unit in which EC2 grants and revokes, and in which two sets of permissions compare.
  /// Descriptions and a group's owner say nothing about what is allowed and are left out.
  package struct Rule: Sendable, Hashable, Comparable {
    package enum Peer: Sendable, Hashable {
      case ipv4(String)
      case ipv6(String)
      case group(String)
      case prefixList(String)

      var order: String {
        switch self {
        case .ipv4(let text): "1" + text
        case .ipv6(let text): "2" + text
        case .group(let text): "3" + text
        case .prefixList(let text): "4" + text
        }
      }
    }

    package var proto: String
    package var fromPort: Int?
    package var toPort: Int?
    package var peer: Peer

    package static func < (a: Rule, b: Rule) -> Bool {
      (a.proto, a.fromPort ?? -1, a.toPort ?? -1, a.peer.order) < (
        b.proto, b.fromPort ?? -1, b.toPort ?? -1, b.peer.order
      )
    }

    package var permission: IpPermission {
      var permission = IpPermission(proto: proto, fromPort: fromPort, toPort: toPort)
      switch peer {
      case .ipv4(let cidr): permission.cidrs = [.init(cidr)]
      case .ipv6(let cidr): permission.ipv6CIDRs = [.init(cidr)]
      case .group(let id): permission.groups = [.init(id)]
      case .prefixList(let id): permission.prefixLists = [.init(id)]
      }
      return permission
    }
  }
}

extension EC2.IpPermission {
  /// The single rules that it stands for, in EC2's canonical form: protocol names instead of numbers, no ports
  /// for "all".
  package var rules: Set<EC2.Rule> {
    let canonical =
      switch proto.lowercased() {
      case "6": "tcp"
      case "17": "udp"
      case "1": "icmp"
      case "58": "icmpv6"
      case "all": "-1"
      case let name: name
      }
    let ports: (from: Int?, to: Int?) = canonical == "-1" ? (nil, nil) : (fromPort, toPort)
    var peers: [EC2.Rule.Peer] = cidrs.map { .ipv4($0.cidr) }
    peers += ipv6CIDRs.map { .ipv6($0.cidr.lowercased()) }
    peers += groups.map { .group($0.id) }
    peers += prefixLists.map { .prefixList($0.cidr) }
    return Set(
      peers.map { EC2.Rule(proto: canonical, fromPort: ports.from, toPort: ports.to, peer: $0) })
  }

  /// What has to be granted and revoked so that a group with `current` allows what `desired` says. Both are
  /// empty when the two mean the same, however they are grouped and ordered.
  package static func changes(
    from current: [EC2.IpPermission], to desired: [EC2.IpPermission]
  ) -> (authorize: [EC2.IpPermission], revoke: [EC2.IpPermission]) {
    let have = Set(current.flatMap(\.rules))
    let want = Set(desired.flatMap(\.rules))
    // Granted with the descriptions that the user wrote.
    let missing = want.subtracting(have)
    let authorize = desired.flatMap(\.singles).filter { !$0.rules.isDisjoint(with: missing) }
    return (authorize, have.subtracting(want).sorted().map(\.permission))
  }

  /// Split into permissions of one rule each, with their descriptions.
  package var singles: [EC2.IpPermission] {
    func make(_ set: (inout EC2.IpPermission) -> Void) -> EC2.IpPermission {
      var one = EC2.IpPermission(proto: proto, fromPort: fromPort, toPort: toPort)
      set(&one)
      return one
    }
    return cidrs.map { cidr in make { $0.cidrs = [cidr] } }
      + ipv6CIDRs.map { cidr in make { $0.ipv6CIDRs = [cidr] } }
      + groups.map { group in make { $0.groups = [group] } }
      + prefixLists.map { list in make { $0.prefixLists = [list] } }
  }

  init(_ node: XMLNode) {
    proto = node.text(of: "ipProtocol") ?? "-1"
    fromPort = node.text(of: "fromPort").flatMap { Int($0) }
    toPort = node.text(of: "toPort").flatMap { Int($0) }
    func entries(_ list: String, _ member: String) -> [CIDR] {
      (node[list]?.all("item") ?? []).compactMap { item in
        item.text(of: member).map { CIDR($0, description: item.text(of: "description")) }
      }
    }
    cidrs = entries("ipRanges", "cidrIp")
    ipv6CIDRs = entries("ipv6Ranges", "cidrIpv6")
    prefixLists = entries("prefixListIds", "prefixListId")
    groups = (node["groups"]?.all("item") ?? []).compactMap { item in
      item.text(of: "groupId").map {
        Group($0, userID: item.text(of: "userId"), description: item.text(of: "description"))
      }
    }
  }

  /// Adds itself to a form as `IpPermissions.<n>`.
  func encode(into form: inout QueryForm, at index: Int) {
    let name = "IpPermissions.\(index)"
    form.add("\(name).IpProtocol", proto)
    form.add("\(name).FromPort", fromPort.map { String($0) })
    form.add("\(name).ToPort", toPort.map { String($0) })
    func add(_ list: String, _ member: String, _ entries: [CIDR]) {
      for (number, entry) in zip(1..., entries) {
        form.add("\(name).\(list).\(number).\(member)", entry.cidr)
        form.add("\(name).\(list).\(number).Description", entry.description)
      }
    }
    add("IpRanges", "CidrIp", cidrs)
    add("Ipv6Ranges", "CidrIpv6", ipv6CIDRs)
    add("PrefixListIds", "PrefixListId", prefixLists)
    for (number, group) in zip(1..., groups) {
      form.add("\(name).Groups.\(number).GroupId", group.id)
      form.add("\(name).Groups.\(number).UserId", group.userID)
      form.add("\(name).Groups.\(number).Description", group.description)
    }
  }
}
