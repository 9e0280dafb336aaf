package import FoundationEssentials

extension EMR {
  /// A cluster as DescribeCluster gives it.
  package struct Cluster: Sendable, Hashable, Codable {
    /// `j-...`
    package var id: String
    package var name: String
    package var status: ClusterStatus
    package var clusterArn: String?
    package var ec2InstanceAttributes: Ec2InstanceAttributes?
    /// INSTANCE_GROUP or INSTANCE_FLEET
    package var instanceCollectionType: String?
    package var logUri: String?
    package var logEncryptionKmsKeyId: String?
    package var releaseLabel: String?
    package var autoTerminate: Bool?
    package var terminationProtected: Bool?
    package var unhealthyNodeReplacement: Bool?
    package var visibleToAllUsers: Bool?
    package var applications: [Application]?
    package var tags: TagList?
    package var serviceRole: String?
    package var normalizedInstanceHours: Int?
    package var masterPublicDnsName: String?
    package var configurations: [Configuration]?
    package var securityConfiguration: String?
    package var autoScalingRole: String?
    package var scaleDownBehavior: String?
    package var customAmiId: String?
    package var ebsRootVolumeSize: Int?
    package var ebsRootVolumeIops: Int?
    package var ebsRootVolumeThroughput: Int?
    package var stepConcurrencyLevel: Int?
    package var oSReleaseLabel: String?

    package var state: ClusterState { status.state }
    package var tagValues: [String: String] { tags?.values ?? [:] }
  }

  /// A cluster as ListClusters gives it: without tags.
  package struct ClusterSummary: Sendable, Hashable, Codable {
    package var id: String
    package var name: String?
    package var status: ClusterStatus
    package var normalizedInstanceHours: Int?
    package var clusterArn: String?

    package var state: ClusterState { status.state }
  }

  package struct ClusterStatus: Sendable, Hashable, Codable {
    package var state: ClusterState
    package var stateChangeReason: StateChangeReason?
    package var timeline: ClusterTimeline?
    /// Up to ten, for a cluster that ended with errors.
    package var errorDetails: [ErrorDetail]?
  }

  package struct StateChangeReason: Sendable, Hashable, Codable {
    /// Clusters: INTERNAL_ERROR, VALIDATION_ERROR, INSTANCE_FAILURE, INSTANCE_FLEET_TIMEOUT, BOOTSTRAP_FAILURE,
    /// USER_REQUEST, STEP_FAILURE, ALL_STEPS_COMPLETED.
    package var code: String?
    /// For people: not to be parsed.
    package var message: String?
  }

  package struct ErrorDetail: Sendable, Hashable, Codable {
    package var errorCode: String?
    package var errorMessage: String?
    package var errorData: [[String: String]]?
  }

  package struct ClusterTimeline: Sendable, Hashable, Codable {
    package var creationDateTime: Date?
    package var readyDateTime: Date?
    package var endDateTime: Date?
  }

  package struct Ec2InstanceAttributes: Sendable, Hashable, Codable {
    package var ec2KeyName: String?
    package var ec2SubnetId: String?
    package var requestedEc2SubnetIds: [String]?
    package var ec2AvailabilityZone: String?
    package var iamInstanceProfile: String?
    package var emrManagedMasterSecurityGroup: String?
    package var emrManagedSlaveSecurityGroup: String?
    package var serviceAccessSecurityGroup: String?
    package var additionalMasterSecurityGroups: [String]?
    package var additionalSlaveSecurityGroups: [String]?
  }

  /// A bootstrap action of an existing cluster.
  package struct Command: Sendable, Hashable, Codable {
    package var name: String?
    package var scriptPath: String?
    package var args: [String]?
  }

  /// A step as DescribeStep and ListSteps give it.
  package struct StepSummary: Sendable, Hashable, Codable {
    /// `s-...`
    package var id: String
    package var name: String?
    package var status: StepStatus
    package var config: HadoopStepConfig?
    package var actionOnFailure: ActionOnFailure?
    /// Of DescribeStep only.
    package var executionRoleArn: String?

    package var state: StepState { status.state }
  }

  package struct HadoopStepConfig: Sendable, Hashable, Codable {
    package var jar: String?
    package var properties: [String: String]?
    package var mainClass: String?
    package var args: [String]?
  }

  package struct StepStatus: Sendable, Hashable, Codable {
    package var state: StepState
    package var stateChangeReason: StateChangeReason?
    package var failureDetails: FailureDetails?
    package var timeline: StepTimeline?
  }

  package struct FailureDetails: Sendable, Hashable, Codable {
    /// E.g. "Output directory already exists.", "Unknown Error."
    package var reason: String?
    package var message: String?
    /// `s3://BUCKET/logs/j-X/steps/s-Y/stderr.gz`, or the folder.
    package var logFile: String?
  }

  package struct StepTimeline: Sendable, Hashable, Codable {
    package var creationDateTime: Date?
    package var startDateTime: Date?
    package var endDateTime: Date?
  }

  /// What CancelSteps says of one step. The cancelling itself comes later.
  package struct CancelStepsInfo: Sendable, Hashable, Codable {
    package var stepId: String?
    /// SUBMITTED or FAILED
    package var status: String?
    package var reason: String?
  }
}
