extension EMR {
  /// Input of RunJobFlow. Only `name` and `instances` are required.
  package struct RunJobFlowInput: Sendable, Hashable, Codable {
    package var name: String
    package var instances: JobFlowInstancesConfig
    /// `s3://bucket/prefix/`; logs land below it in a folder named by the cluster's id.
    package var logUri: String?
    package var logEncryptionKmsKeyId: String?
    /// `emr-7.5.0`
    package var releaseLabel: String?
    package var steps: [StepConfig]?
    /// At most 16.
    package var bootstrapActions: [BootstrapActionConfig]?
    package var applications: [Application]?
    package var configurations: [Configuration]?
    package var visibleToAllUsers: Bool?
    /// The name of an instance profile, not of a role.
    package var jobFlowRole: String?
    package var serviceRole: String?
    package var tags: TagList?
    package var securityConfiguration: String?
    package var autoScalingRole: String?
    package var scaleDownBehavior: String?
    package var customAmiId: String?
    /// GiB
    package var ebsRootVolumeSize: Int?
    package var ebsRootVolumeIops: Int?
    /// MiB/s
    package var ebsRootVolumeThroughput: Int?
    /// 1...256
    package var stepConcurrencyLevel: Int?
    package var managedScalingPolicy: ManagedScalingPolicy?
    package var autoTerminationPolicy: AutoTerminationPolicy?
    /// Amazon Linux release. (Spelled so that its first letter alone changes.)
    package var oSReleaseLabel: String?

    package init(name: String, instances: JobFlowInstancesConfig) {
      self.name = name
      self.instances = instances
    }
  }

  package struct Application: Sendable, Hashable, Codable {
    /// `Spark`, `Hadoop`, ...
    package var name: String
    /// In answers only.
    package var version: String?

    package init(name: String) {
      self.name = name
    }
  }

  /// A classification of settings, e.g. `spark-defaults`, `spark-env` with a nested `export`.
  package struct Configuration: Sendable, Hashable, Codable {
    package var classification: String?
    package var properties: [String: String]?
    package var configurations: [Configuration]?

    package init(
      classification: String, properties: [String: String] = [:], configurations: [Configuration] = []
    ) {
      self.classification = classification
      self.properties = properties
      self.configurations = configurations.isEmpty ? nil : configurations
    }
  }

  package struct BootstrapActionConfig: Sendable, Hashable, Codable {
    package struct Script: Sendable, Hashable, Codable {
      package var path: String
      package var args: [String]?
    }

    package var name: String
    package var scriptBootstrapAction: Script

    /// - Parameter path: `s3://bucket/key`
    package init(name: String, path: String, args: [String] = []) {
      self.name = name
      scriptBootstrapAction = Script(path: path, args: args.isEmpty ? nil : args)
    }
  }

  package struct StepConfig: Sendable, Hashable, Codable {
    package var name: String
    /// What a failure of the step does; AWS's default is CONTINUE.
    package var actionOnFailure: ActionOnFailure?
    package var hadoopJarStep: HadoopJarStepConfig

    package init(name: String, actionOnFailure: ActionOnFailure?, hadoopJarStep: HadoopJarStepConfig) {
      self.name = name
      self.actionOnFailure = actionOnFailure
      self.hadoopJarStep = hadoopJarStep
    }
  }

  package struct HadoopJarStepConfig: Sendable, Hashable, Codable {
    /// `command-runner.jar` or an `s3://` jar.
    package var jar: String
    package var args: [String]?
    package var mainClass: String?

    /// The strings of one step may have 10,240 characters in all.
    package init(jar: String, args: [String], mainClass: String? = nil) {
      self.jar = jar
      self.args = args
      self.mainClass = mainClass
    }
  }

  package enum ActionOnFailure: OpenEnum {
    /// Fails the cluster: TERMINATED_WITH_ERRORS (unless it is termination protected).
    case terminateCluster
    /// Cancels the pending steps and waits for new ones.
    case cancelAndWait
    /// Goes on with the next step.
    case `continue`
    case other(String)

    package init(_ text: String) {
      switch text {
      // The old name of the same thing; AWS answers with either.
      case "TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW": self = .terminateCluster
      case "CANCEL_AND_WAIT": self = .cancelAndWait
      case "CONTINUE": self = .continue
      default: self = .other(text)
      }
    }

    package var text: String {
      switch self {
      case .terminateCluster: "TERMINATE_CLUSTER"
      case .cancelAndWait: "CANCEL_AND_WAIT"
      case .continue: "CONTINUE"
      case .other(let text): text
      }
    }
  }

  package struct AutoTerminationPolicy: Sendable, Hashable, Codable {
    /// Seconds without work: 60...604,800.
    package var idleTimeout: Int

    package init(idleTimeout: Int) {
      self.idleTimeout = idleTimeout
    }
  }

  package struct ManagedScalingPolicy: Sendable, Hashable, Codable {
    package var computeLimits: ComputeLimits?
    /// 1...100, for the ADVANCED strategy.
    package var utilizationPerformanceIndex: Int?
    /// DEFAULT or ADVANCED
    package var scalingStrategy: String?

    package init(computeLimits: ComputeLimits) {
      self.computeLimits = computeLimits
    }
  }

  package struct ComputeLimits: Sendable, Hashable, Codable {
    /// `Instances`, `VCPU` or `InstanceFleetUnits`
    package var unitType: String
    package var minimumCapacityUnits: Int
    package var maximumCapacityUnits: Int
    package var maximumOnDemandCapacityUnits: Int?
    package var maximumCoreCapacityUnits: Int?

    package init(unitType: String, minimumCapacityUnits: Int, maximumCapacityUnits: Int) {
      self.unitType = unitType
      self.minimumCapacityUnits = minimumCapacityUnits
      self.maximumCapacityUnits = maximumCapacityUnits
    }
  }
}
