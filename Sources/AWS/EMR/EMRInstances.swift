extension EMR {
  /// The machines of a cluster and where they stand. Either groups or fleets.
  package struct JobFlowInstancesConfig: Sendable, Hashable, Codable {
    package var instanceGroups: [InstanceGroupConfig]?
    package var instanceFleets: [InstanceFleetConfig]?
    package var ec2KeyName: String?
    package var placement: Placement?
    package var keepJobFlowAliveWhenNoSteps: Bool?
    package var terminationProtected: Bool?
    package var unhealthyNodeReplacement: Bool?
    package var ec2SubnetId: String?
    /// For fleets: EMR chooses one.
    package var ec2SubnetIds: [String]?
    package var emrManagedMasterSecurityGroup: String?
    package var emrManagedSlaveSecurityGroup: String?
    /// For clusters in private subnets.
    package var serviceAccessSecurityGroup: String?
    package var additionalMasterSecurityGroups: [String]?
    package var additionalSlaveSecurityGroups: [String]?

    package init() {}
  }

  package struct Placement: Sendable, Hashable, Codable {
    package var availabilityZone: String?
    package var availabilityZones: [String]?

    package init() {}
  }

  package struct InstanceGroupConfig: Sendable, Hashable, Codable {
    /// MASTER, CORE or TASK
    package var instanceRole: String
    package var instanceType: String
    package var instanceCount: Int
    package var name: String?
    /// ON_DEMAND or SPOT
    package var market: String?
    /// USD an hour, for SPOT; none: the on-demand price.
    package var bidPrice: String?
    package var configurations: [Configuration]?
    package var ebsConfiguration: EbsConfiguration?

    package init(instanceRole: String, instanceType: String, instanceCount: Int) {
      self.instanceRole = instanceRole
      self.instanceType = instanceType
      self.instanceCount = instanceCount
    }
  }

  package struct InstanceFleetConfig: Sendable, Hashable, Codable {
    /// MASTER, CORE or TASK
    package var instanceFleetType: String
    package var name: String?
    package var targetOnDemandCapacity: Int?
    package var targetSpotCapacity: Int?
    package var instanceTypeConfigs: [InstanceTypeConfig]?
    package var launchSpecifications: ProvisioningSpecifications?

    package init(instanceFleetType: String) {
      self.instanceFleetType = instanceFleetType
    }
  }

  package struct InstanceTypeConfig: Sendable, Hashable, Codable {
    package var instanceType: String
    package var weightedCapacity: Int?
    package var bidPrice: String?
    package var bidPriceAsPercentageOfOnDemandPrice: Double?
    package var ebsConfiguration: EbsConfiguration?
    package var configurations: [Configuration]?
    package var priority: Double?

    package init(instanceType: String) {
      self.instanceType = instanceType
    }
  }

  package struct ProvisioningSpecifications: Sendable, Hashable, Codable {
    package struct Spot: Sendable, Hashable, Codable {
      /// 5...1440
      package var timeoutDurationMinutes: Int
      /// SWITCH_TO_ON_DEMAND or TERMINATE_CLUSTER
      package var timeoutAction: String
      /// `price-capacity-optimized`, `capacity-optimized`, `lowest-price`, `diversified`, ...
      package var allocationStrategy: String?

      package init(timeoutDurationMinutes: Int, timeoutAction: String, allocationStrategy: String? = nil) {
        self.timeoutDurationMinutes = timeoutDurationMinutes
        self.timeoutAction = timeoutAction
        self.allocationStrategy = allocationStrategy
      }
    }

    package struct OnDemand: Sendable, Hashable, Codable {
      /// `lowest-price` or `prioritized`
      package var allocationStrategy: String

      package init(allocationStrategy: String) {
        self.allocationStrategy = allocationStrategy
      }
    }

    package var spotSpecification: Spot?
    package var onDemandSpecification: OnDemand?

    package init(spot: Spot? = nil, onDemand: OnDemand? = nil) {
      spotSpecification = spot
      onDemandSpecification = onDemand
    }
  }

  package struct EbsConfiguration: Sendable, Hashable, Codable {
    package var ebsBlockDeviceConfigs: [EbsBlockDeviceConfig]?
    package var ebsOptimized: Bool?

    package init(ebsBlockDeviceConfigs: [EbsBlockDeviceConfig], ebsOptimized: Bool? = nil) {
      self.ebsBlockDeviceConfigs = ebsBlockDeviceConfigs
      self.ebsOptimized = ebsOptimized
    }
  }

  package struct EbsBlockDeviceConfig: Sendable, Hashable, Codable {
    package var volumeSpecification: VolumeSpecification
    package var volumesPerInstance: Int?

    package init(volumeSpecification: VolumeSpecification, volumesPerInstance: Int? = nil) {
      self.volumeSpecification = volumeSpecification
      self.volumesPerInstance = volumesPerInstance
    }
  }

  package struct VolumeSpecification: Sendable, Hashable, Codable {
    /// gp3, gp2, io1, st1, sc1, standard
    package var volumeType: String
    package var sizeInGB: Int
    package var iops: Int?
    /// MiB/s
    package var throughput: Int?

    package init(volumeType: String, sizeInGB: Int, iops: Int? = nil, throughput: Int? = nil) {
      self.volumeType = volumeType
      self.sizeInGB = sizeInGB
      self.iops = iops
      self.throughput = throughput
    }
  }

  /// An instance group of an existing cluster.
  package struct InstanceGroup: Sendable, Hashable, Codable {
    package var id: String?
    package var name: String?
    package var market: String?
    /// MASTER, CORE or TASK
    package var instanceGroupType: String?
    package var bidPrice: String?
    package var instanceType: String?
    package var requestedInstanceCount: Int?
    package var runningInstanceCount: Int?
    package var status: InstanceStatus?
    package var configurations: [Configuration]?
    package var ebsBlockDevices: [EbsBlockDevice]?
    package var ebsOptimized: Bool?
  }

  package struct EbsBlockDevice: Sendable, Hashable, Codable {
    package var volumeSpecification: VolumeSpecification?
    package var device: String?
  }

  /// An instance fleet of an existing cluster.
  package struct InstanceFleet: Sendable, Hashable, Codable {
    package struct TypeSpecification: Sendable, Hashable, Codable {
      package var instanceType: String?
      package var weightedCapacity: Int?
      package var bidPrice: String?
      package var bidPriceAsPercentageOfOnDemandPrice: Double?
      package var configurations: [Configuration]?
      package var ebsBlockDevices: [EbsBlockDevice]?
      package var ebsOptimized: Bool?
      package var priority: Double?
    }

    package var id: String?
    package var name: String?
    package var status: InstanceStatus?
    package var instanceFleetType: String?
    package var targetOnDemandCapacity: Int?
    package var targetSpotCapacity: Int?
    package var provisionedOnDemandCapacity: Int?
    package var provisionedSpotCapacity: Int?
    package var instanceTypeSpecifications: [TypeSpecification]?
    package var launchSpecifications: ProvisioningSpecifications?
  }

  package struct Instance: Sendable, Hashable, Codable {
    package var id: String?
    package var ec2InstanceId: String?
    package var publicDnsName: String?
    package var privateDnsName: String?
    package var publicIpAddress: String?
    package var privateIpAddress: String?
    package var status: InstanceStatus?
    package var instanceGroupId: String?
    package var instanceFleetId: String?
    package var market: String?
    package var instanceType: String?
  }

  /// State of an instance, a group or a fleet.
  package struct InstanceStatus: Sendable, Hashable, Codable {
    package var state: String?
    package var stateChangeReason: StateChangeReason?
    package var timeline: ClusterTimeline?
  }
}
