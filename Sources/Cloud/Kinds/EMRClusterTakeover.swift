internal import AWS
internal import Engine
internal import Model

extension EMRCluster {
  /// What a cluster that this stack did not launch was launched with, in the words of the stack where they mean
  /// the same: EMR spells some things otherwise, and fills in what was left out.
  func describe(_ cluster: EMR.Cluster, as wanted: Inputs) async throws -> Inputs {
    let ec2 = cluster.ec2InstanceAttributes
    var now = wanted
    now.name = cluster.name
    now.release = cluster.releaseLabel ?? wanted.release
    let applications = (cluster.applications ?? []).compactMap(\.name).sorted()
    if applications.map({ $0.lowercased() }) != wanted.applications.map({ $0.lowercased() }) {
      now.applications = applications
    }
    now.logUri = Self.same(cluster.logUri, wanted.logUri, by: Self.prefix) ?? ""
    now.serviceRole = Self.same(cluster.serviceRole, wanted.serviceRole, by: Self.lastName) ?? ""
    now.instanceProfile = Self.same(ec2?.iamInstanceProfile, wanted.instanceProfile, by: Self.lastName) ?? ""
    now.keyName = Self.text(ec2?.ec2KeyName)
    now.securityConfiguration = Self.text(cluster.securityConfiguration)
    // EMR makes groups, chooses a subnet and a size where none was asked for: no difference to what leaves it open.
    if wanted.primarySecurityGroup != nil { now.primarySecurityGroup = Self.text(ec2?.emrManagedMasterSecurityGroup) }
    if wanted.coreSecurityGroup != nil { now.coreSecurityGroup = Self.text(ec2?.emrManagedSlaveSecurityGroup) }
    if wanted.serviceAccessSecurityGroup != nil {
      now.serviceAccessSecurityGroup = Self.text(ec2?.serviceAccessSecurityGroup)
    }
    if !wanted.subnets.isEmpty, let subnet = ec2?.ec2SubnetId, !wanted.subnets.contains(subnet) {
      now.subnets = [subnet]
    }
    if wanted.rootVolumeGiB != nil { now.rootVolumeGiB = cluster.ebsRootVolumeSize }
    let configurations = (cluster.configurations ?? []).map(Configuration.init)
    if configurations.map(\.comparable) != wanted.configurations.map(\.comparable) {
      now.configurations = configurations
    }
    now.bootstrap = try await emr.listBootstrapActions(cluster.id).map {
      Bootstrap(name: $0.name ?? "", script: $0.scriptPath ?? "", args: $0.args ?? [])
    }
    if cluster.instanceCollectionType == "INSTANCE_FLEET" {
      now.instanceGroups = []
      now.instanceFleets = try await emr.listInstanceFleets(cluster.id).map { fleet in
        InstanceFleet(fleet, as: wanted.instanceFleets.first { $0.role == fleet.instanceFleetType })
      }.sorted(like: wanted.instanceFleets.map(\.role), by: \.role)
    } else {
      now.instanceFleets = []
      now.instanceGroups = try await emr.listInstanceGroups(cluster.id).map { group in
        InstanceGroup(group, as: wanted.instanceGroups.first { $0.role == group.instanceGroupType })
      }.sorted(like: wanted.instanceGroups.map(\.role), by: \.role)
    }
    return now
  }

  /// nil for none.
  private static func text(_ text: String?) -> String? {
    text.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The stack's spelling if both mean the same, otherwise AWS's.
  private static func same(_ actual: String?, _ wanted: String, by meaning: (String) -> String) -> String? {
    actual.map { meaning($0) == meaning(wanted) ? wanted : $0 }
  }

  /// EMR takes and gives back roles and profiles by name or by ARN.
  private static func lastName(_ text: String) -> String {
    text.hasPrefix("arn:") ? text.split(separator: "/").last.map(String.init) ?? text : text
  }

  /// EMR gives `s3n://` back for `s3://`, and adds the last slash.
  private static func prefix(_ uri: String) -> String {
    let path = uri.hasPrefix("s3n://") ? "s3://" + uri.dropFirst(6) : uri
    return path.hasSuffix("/") ? path : path + "/"
  }
}

extension EMRCluster.Configuration {
  fileprivate init(_ configuration: EMR.Configuration) {
    classification = configuration.classification ?? ""
    properties = configuration.properties
    configurations = configuration.configurations?.map(Self.init)
  }

  /// Absent and empty are the same.
  fileprivate var comparable: Self {
    Self(
      classification: classification, properties: properties ?? [:],
      configurations: (configurations ?? []).map(\.comparable))
  }
}

extension EMRCluster.InstanceGroup {
  fileprivate init(_ group: EMR.InstanceGroup, as wanted: Self?) {
    role = group.instanceGroupType ?? ""
    type = group.instanceType ?? ""
    count = group.requestedInstanceCount ?? 0
    market = group.market ?? "ON_DEMAND"
    bidPrice = group.bidPrice.flatMap { $0.isEmpty ? nil : $0 }
    // EMR gives every node a volume of its own choice where none was asked for.
    ebs = wanted?.ebs == nil ? nil : EMRCluster.Volume(group.ebsBlockDevices ?? [])
  }
}

extension EMRCluster.InstanceFleet {
  /// What a fleet does on lack of spot capacity is not compared: EMR gives it back in another form.
  fileprivate init(_ fleet: EMR.InstanceFleet, as wanted: Self?) {
    role = fleet.instanceFleetType ?? ""
    onDemand = Self.capacity(fleet.targetOnDemandCapacity, wanted?.onDemand)
    spot = Self.capacity(fleet.targetSpotCapacity, wanted?.spot)
    types = (fleet.instanceTypeSpecifications ?? []).map { item in
      let same = wanted?.types.first { $0.type == item.instanceType }
      return InstanceType(
        type: item.instanceType ?? "",
        weight: same?.weight == nil && item.weightedCapacity == 1 ? nil : item.weightedCapacity,
        ebs: same?.ebs == nil ? nil : EMRCluster.Volume(item.ebsBlockDevices ?? []))
    }.sorted(like: wanted?.types.map(\.type) ?? [], by: \.type)
    allocation = wanted?.allocation
    spotTimeoutMinutes = wanted?.spotTimeoutMinutes
    onSpotTimeout = wanted?.onSpotTimeout
  }

  /// None is zero.
  private static func capacity(_ actual: Int?, _ wanted: Int?) -> Int? {
    (actual ?? 0) == (wanted ?? 0) ? wanted : actual
  }
}

extension EMRCluster.Volume {
  /// nil for none.
  fileprivate init?(_ devices: [EMR.EbsBlockDevice]) {
    guard let first = devices.first?.volumeSpecification else { return nil }
    type = first.volumeType
    sizeGiB = first.sizeInGB
    count = devices.count
  }
}

extension Array {
  /// In the order in which the stack file names them, others after those.
  fileprivate func sorted(like names: [String], by name: (Element) -> String) -> [Element] {
    func place(_ element: Element) -> Int { names.firstIndex(of: name(element)) ?? names.count }
    return sorted { (place($0), name($0)) < (place($1), name($1)) }
  }
}
