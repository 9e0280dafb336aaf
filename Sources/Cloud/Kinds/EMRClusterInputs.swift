internal import AWS
internal import Model

extension EMRCluster {
  struct Inputs: Codable, Sendable, Equatable {
    var name: String
    var release: String
    var applications: [String]
    var logUri: String
    var serviceRole: String
    var instanceProfile: String
    var primarySecurityGroup: String?
    var coreSecurityGroup: String?
    var serviceAccessSecurityGroup: String?
    var subnets: [String]
    var keyName: String?
    var instanceGroups: [InstanceGroup]
    var instanceFleets: [InstanceFleet]
    var bootstrap: [Bootstrap]
    var configurations: [Configuration]
    var stepConcurrency: Int
    var idleTimeoutMinutes: Int?
    var runsForever: Bool
    var terminationProtection: Bool
    var rootVolumeGiB: Int?
    var securityConfiguration: String?
    var tags: [String: String]

    enum CodingKeys: String, CodingKey {
      case name, release, applications, subnets, bootstrap, configurations, tags
      case logUri = "log_uri"
      case serviceRole = "service_role"
      case instanceProfile = "instance_profile"
      case primarySecurityGroup = "primary_security_group"
      case coreSecurityGroup = "core_security_group"
      case serviceAccessSecurityGroup = "service_access_security_group"
      case keyName = "key_name"
      case instanceGroups = "instance_groups"
      case instanceFleets = "instance_fleets"
      case stepConcurrency = "step_concurrency"
      case idleTimeoutMinutes = "idle_timeout_minutes"
      case runsForever = "runs_forever"
      case terminationProtection = "termination_protection"
      case rootVolumeGiB = "root_volume_gib"
      case securityConfiguration = "security_configuration"
    }
  }

  struct InstanceGroup: Codable, Sendable, Equatable {
    var role: String
    var type: String
    var count: Int
    var market: String
    var bidPrice: String?
    var ebs: Volume?

    enum CodingKeys: String, CodingKey {
      case role, type, count, market, ebs
      case bidPrice = "bid_price"
    }
  }

  struct InstanceFleet: Codable, Sendable, Equatable {
    struct InstanceType: Codable, Sendable, Equatable {
      var type: String
      var weight: Int?
      var ebs: Volume?
    }
    var role: String
    var onDemand: Int?
    var spot: Int?
    var types: [InstanceType]
    var allocation: String?
    var spotTimeoutMinutes: Int?
    var onSpotTimeout: String?

    enum CodingKeys: String, CodingKey {
      case role, spot, types, allocation
      case onDemand = "on_demand"
      case spotTimeoutMinutes = "spot_timeout_minutes"
      case onSpotTimeout = "on_spot_timeout"
    }
  }

  struct Volume: Codable, Sendable, Equatable {
    var type: String
    var sizeGiB: Int
    var count: Int

    enum CodingKeys: String, CodingKey {
      case type, count
      case sizeGiB = "size_gib"
    }
  }

  struct Bootstrap: Codable, Sendable, Equatable {
    var name: String
    var script: String
    var args: [String]
  }

  struct Configuration: Codable, Sendable, Equatable {
    var classification: String
    var properties: [String: String]?
    var configurations: [Configuration]?
  }

  static let definition = KindDefinition(
    kind: "emr.cluster", section: "clusters", summary: "EMR clusters.",
    inputs: [
      Field("name", .string, required: true, "The cluster's name."),
      Field("release", .string, required: true, "EMR release label, e.g. emr-7.13.0."),
      Field("applications", .list(of: .string), "Applications to install; Spark when left out."),
      Field("log_uri", .string, required: true, "Where logs go, an s3:// prefix."),
      Field("service_role", .string, required: true, "Name or ARN of the role of EMR itself."),
      Field("instance_profile", .string, required: true, "Name of the instances' profile."),
      Field("primary_security_group", .string, "EMR-managed group of the primary node."),
      Field("core_security_group", .string, "EMR-managed group of core and task nodes."),
      Field("service_access_security_group", .string, "Group for EMR's access to a private subnet."),
      Field("subnets", .list(of: .string), "Subnet ids; EMR picks among several. The default VPC's when left out."),
      Field("key_name", .string, "EC2 key pair for SSH."),
      Field("instance_groups", .list(of: .object(groupFields)), "Instance groups; or use instance_fleets."),
      Field("instance_fleets", .list(of: .object(fleetFields)), "Instance fleets; or use instance_groups."),
      Field("bootstrap", .list(of: .object(bootstrapFields)), "Scripts that run on every node before Spark starts."),
      Field("configurations", .any, "EMR configuration objects: classification, properties, configurations."),
      Field("step_concurrency", .int(1...256), "Steps that may run at once; 1 when left out."),
      Field("idle_timeout_minutes", .int(1...10080), "Minutes of idleness after which the cluster ends itself."),
      Field(
        "runs_forever", .bool, "Says in words that the cluster may idle for ever; instead of idle_timeout_minutes."),
      Field("termination_protection", .bool, "Refuse termination until this is taken back."),
      Field("root_volume_gib", .int(15...100), "Size of the root volume, GiB."),
      Field("security_configuration", .string, "Name of an EMR security configuration."),
      Field("tags", .map(of: .string), "Tags."),
    ])

  private static let role = Schema.string(.oneOf(["MASTER", "CORE", "TASK"]))
  private static let volumeFields: [Field] = [
    Field("type", .string(.oneOf(["gp2", "gp3", "io1", "st1", "sc1", "standard"])), required: true, "Volume type."),
    Field("size_gib", .int(1...16384), required: true, "Size, GiB."),
    Field("count", .int(1...25), "Volumes per instance."),
  ]
  private static let groupFields: [Field] = [
    Field("role", role, required: true, "MASTER, CORE or TASK."),
    Field("type", .string, required: true, "EC2 instance type."),
    Field("count", .int(1...1000), required: true, "Number of instances."),
    Field("market", .string(.oneOf(["ON_DEMAND", "SPOT"])), "ON_DEMAND when left out."),
    Field("bid_price", .string, "Highest spot price, US dollars per hour; on-demand price when left out."),
    Field("ebs", .object(volumeFields), "EBS volumes."),
  ]
  private static let fleetFields: [Field] = [
    Field("role", role, required: true, "MASTER, CORE or TASK."),
    Field("on_demand", .int(0...10000), "On-demand units to provision."),
    Field("spot", .int(0...10000), "Spot units to provision."),
    Field(
      "types",
      .list(
        of: .object([
          Field("type", .string, required: true, "EC2 instance type."),
          Field("weight", .int(1...999), "Units that one instance counts for."),
          Field("ebs", .object(volumeFields), "EBS volumes."),
        ])), required: true, "Instance types to choose from."),
    Field("allocation", .string, "Spot allocation strategy, e.g. price-capacity-optimized."),
    Field("spot_timeout_minutes", .int(5...1440), "Wait so long for spot capacity."),
    Field(
      "on_spot_timeout", .string(.oneOf(["SWITCH_TO_ON_DEMAND", "TERMINATE_CLUSTER"])), "What then happens."),
  ]
  private static let bootstrapFields: [Field] = [
    Field("name", .string, required: true, "Name of the action."),
    Field("script", .string(.uploadedFile), required: true, "A file that an upload covers, or an s3:// URL."),
    Field("args", .list(of: .string), "Arguments."),
  ]
}

extension EMRCluster.Inputs {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    release = try container.decode(String.self, forKey: .release)
    applications = (try container.decodeIfPresent([String].self, forKey: .applications) ?? ["Spark"]).sorted()
    logUri = try container.decode(String.self, forKey: .logUri)
    serviceRole = try container.decode(String.self, forKey: .serviceRole)
    instanceProfile = try container.decode(String.self, forKey: .instanceProfile)
    primarySecurityGroup = try container.decodeIfPresent(String.self, forKey: .primarySecurityGroup)
    coreSecurityGroup = try container.decodeIfPresent(String.self, forKey: .coreSecurityGroup)
    serviceAccessSecurityGroup = try container.decodeIfPresent(String.self, forKey: .serviceAccessSecurityGroup)
    subnets = (try container.decodeIfPresent([String].self, forKey: .subnets) ?? []).sorted()
    keyName = try container.decodeIfPresent(String.self, forKey: .keyName)
    instanceGroups = try container.decodeIfPresent([EMRCluster.InstanceGroup].self, forKey: .instanceGroups) ?? []
    instanceFleets = try container.decodeIfPresent([EMRCluster.InstanceFleet].self, forKey: .instanceFleets) ?? []
    bootstrap = try container.decodeIfPresent([EMRCluster.Bootstrap].self, forKey: .bootstrap) ?? []
    configurations = try container.decodeIfPresent([EMRCluster.Configuration].self, forKey: .configurations) ?? []
    stepConcurrency = try container.decodeIfPresent(Int.self, forKey: .stepConcurrency) ?? 1
    idleTimeoutMinutes = try container.decodeIfPresent(Int.self, forKey: .idleTimeoutMinutes)
    runsForever = try container.decodeIfPresent(Bool.self, forKey: .runsForever) ?? false
    terminationProtection = try container.decodeIfPresent(Bool.self, forKey: .terminationProtection) ?? false
    rootVolumeGiB = try container.decodeIfPresent(Int.self, forKey: .rootVolumeGiB)
    securityConfiguration = try container.decodeIfPresent(String.self, forKey: .securityConfiguration)
    tags = try container.decodeIfPresent([String: String].self, forKey: .tags) ?? [:]
  }

  /// What EMR would refuse only after the cluster has been asked for, said before anything is made.
  func checked() throws(Diagnostic) -> Self {
    try Tags.check(tags)
    guard instanceGroups.isEmpty != instanceFleets.isEmpty else {
      throw Diagnostic("A cluster needs either `instance_groups` or `instance_fleets`")
    }
    let roles = instanceGroups.map(\.role) + instanceFleets.map(\.role)
    guard roles.count(where: { $0 == "MASTER" }) == 1 else {
      throw Diagnostic("A cluster needs exactly one group or fleet of role MASTER")
    }
    guard runsForever || idleTimeoutMinutes != nil else {
      throw Diagnostic(
        "The cluster would run for ever", detail: "nothing ends it when it idles, and it would go on costing money",
        remedy: "Set `idle_timeout_minutes: 60`, or say `runs_forever: true` if that is meant.")
    }
    guard !runsForever || idleTimeoutMinutes == nil else {
      throw Diagnostic("`runs_forever` and `idle_timeout_minutes` contradict each other")
    }
    guard logUri.hasPrefix("s3://") else {
      throw Diagnostic("`log_uri` must be an s3:// prefix", detail: "found \"\(logUri)\"")
    }
    return self
  }
}

extension EMRCluster.InstanceGroup {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    role = try container.decode(String.self, forKey: .role)
    type = try container.decode(String.self, forKey: .type)
    count = try container.decode(Int.self, forKey: .count)
    market = try container.decodeIfPresent(String.self, forKey: .market) ?? "ON_DEMAND"
    bidPrice = try container.decodeIfPresent(String.self, forKey: .bidPrice)
    ebs = try container.decodeIfPresent(EMRCluster.Volume.self, forKey: .ebs)
  }
}

extension EMRCluster.Volume {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    type = try container.decode(String.self, forKey: .type)
    sizeGiB = try container.decode(Int.self, forKey: .sizeGiB)
    count = try container.decodeIfPresent(Int.self, forKey: .count) ?? 1
  }
}

extension EMRCluster.Bootstrap {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    script = try container.decode(String.self, forKey: .script)
    args = try container.decodeIfPresent([String].self, forKey: .args) ?? []
  }
}

// MARK: - as RunJobFlow wants it

extension EMRCluster.Inputs {
  func runJobFlow(tags: [String: String]) -> EMR.RunJobFlowInput {
    var instances = EMR.JobFlowInstancesConfig()
    if !instanceGroups.isEmpty { instances.instanceGroups = instanceGroups.map(\.config) }
    if !instanceFleets.isEmpty { instances.instanceFleets = instanceFleets.map(\.config) }
    instances.ec2KeyName = keyName
    if !subnets.isEmpty { instances.ec2SubnetIds = subnets }
    instances.keepJobFlowAliveWhenNoSteps = true
    instances.terminationProtected = terminationProtection
    instances.emrManagedMasterSecurityGroup = primarySecurityGroup
    instances.emrManagedSlaveSecurityGroup = coreSecurityGroup
    instances.serviceAccessSecurityGroup = serviceAccessSecurityGroup

    var input = EMR.RunJobFlowInput(name: name, instances: instances)
    input.releaseLabel = release
    input.applications = applications.map { EMR.Application(name: $0) }
    input.logUri = logUri
    input.serviceRole = serviceRole
    input.jobFlowRole = instanceProfile
    input.bootstrapActions = bootstrap.map {
      EMR.BootstrapActionConfig(name: $0.name, path: $0.script, args: $0.args)
    }
    input.configurations = configurations.isEmpty ? nil : configurations.map(\.config)
    input.stepConcurrencyLevel = stepConcurrency
    input.autoTerminationPolicy = idleTimeoutMinutes.map { EMR.AutoTerminationPolicy(idleTimeout: $0 * 60) }
    input.ebsRootVolumeSize = rootVolumeGiB
    input.securityConfiguration = securityConfiguration
    input.scaleDownBehavior = "TERMINATE_AT_TASK_COMPLETION"
    input.visibleToAllUsers = true
    input.tags = TagList(tags)
    return input
  }
}

extension EMRCluster.InstanceGroup {
  fileprivate var config: EMR.InstanceGroupConfig {
    var config = EMR.InstanceGroupConfig(instanceRole: role, instanceType: type, instanceCount: count)
    config.name = role.capitalizedFirst
    config.market = market
    config.bidPrice = bidPrice
    config.ebsConfiguration = ebs?.config
    return config
  }
}

extension EMRCluster.InstanceFleet {
  fileprivate var config: EMR.InstanceFleetConfig {
    var config = EMR.InstanceFleetConfig(instanceFleetType: role)
    config.name = role.capitalizedFirst
    config.targetOnDemandCapacity = onDemand
    config.targetSpotCapacity = spot
    config.instanceTypeConfigs = types.map {
      var type = EMR.InstanceTypeConfig(instanceType: $0.type)
      type.weightedCapacity = $0.weight
      type.ebsConfiguration = $0.ebs?.config
      return type
    }
    if (spot ?? 0) > 0 {
      config.launchSpecifications = EMR.ProvisioningSpecifications(
        spot: .init(
          timeoutDurationMinutes: spotTimeoutMinutes ?? 10, timeoutAction: onSpotTimeout ?? "SWITCH_TO_ON_DEMAND",
          allocationStrategy: allocation ?? "price-capacity-optimized"))
    }
    return config
  }
}

extension EMRCluster.Volume {
  fileprivate var config: EMR.EbsConfiguration {
    EMR.EbsConfiguration(ebsBlockDeviceConfigs: [
      EMR.EbsBlockDeviceConfig(
        volumeSpecification: EMR.VolumeSpecification(volumeType: type, sizeInGB: sizeGiB),
        volumesPerInstance: count)
    ])
  }
}

extension EMRCluster.Configuration {
  fileprivate var config: EMR.Configuration {
    EMR.Configuration(
      classification: classification, properties: properties ?? [:],
      configurations: (configurations ?? []).map(\.config))
  }
}

extension String {
  /// `MASTER` as `Master`.
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst().lowercased() }
}
