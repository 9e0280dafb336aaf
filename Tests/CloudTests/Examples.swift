import Model

/// Inputs of every kind with every key that a user may write.
enum Examples {
  static let all: [String: [Value]] = [
    "s3.bucket": [bucket], "iam.role": [role], "iam.instance_profile": [profile],
    "ec2.security_group": [group], "sns.topic": [topic], "emr.cluster": [cluster, fleets],
  ]

  static let bucket: Value = [
    "name": "lake-1", "versioning": true, "kms_key": "alias/lake",
    "lifecycle": [
      ["id": "old", "prefix": "tmp/", "expire_days": 30, "noncurrent_days": 7, "abort_multipart_days": 2]
    ],
    "policy": [
      "Statement": ["Effect": "Allow", "Principal": ["AWS": "123456789012"], "Action": "s3:GetObject", "Resource": "r"]
    ],
    "tags": ["team": "data"],
  ]

  static let role: Value = [
    "name": "emr", "description": "for EMR", "trust": "elasticmapreduce.amazonaws.com",
    "managed_policies": ["arn:b", "arn:a", "arn:b"],
    "policies": ["lake": ["Statement": [["Effect": "Allow", "Action": ["s3:Put*", "s3:Get*"], "Resource": "*"]]]],
    "max_session_seconds": 7200, "tags": ["team": "data"],
  ]

  static let profile: Value = ["name": "emr", "role": "emr", "tags": ["team": "data"]]

  static let group: Value = [
    "name": "nodes", "description": "EMR's nodes", "vpc": "vpc-1",
    "ingress": [
      ["protocol": "tcp", "from_port": 22, "to_port": 23, "cidr": "203.0.113.7/32"],
      ["protocol": "all", "group": "sg-9"],
    ],
    "tags": ["team": "data"],
  ]

  static let topic: Value = [
    "name": "alerts", "display_name": "Mr. Health",
    "subscriptions": [
      ["protocol": "sqs", "endpoint": "arn:aws:sqs:q"], ["protocol": "email", "endpoint": "a@example.com"],
    ],
    "tags": ["team": "data"],
  ]

  static let cluster: Value = [
    "name": "main", "release": "emr-7.13.0", "applications": ["Spark", "Hadoop"], "log_uri": "s3://code/logs/",
    "service_role": "emr", "instance_profile": "nodes", "primary_security_group": "sg-1",
    "core_security_group": "sg-2", "service_access_security_group": "sg-3", "subnets": ["subnet-2", "subnet-1"],
    "key_name": "k",
    "instance_groups": [
      [
        "role": "MASTER", "type": "m5.xlarge", "count": 1, "market": "SPOT", "bid_price": "0.2",
        "ebs": ["type": "gp3", "size_gib": 64, "count": 2],
      ]
    ],
    "bootstrap": [["name": "libs", "script": "s3://code/bootstrap.sh", "args": ["a"]]],
    "configurations": [["classification": "spark", "properties": ["a": "b"]]], "step_concurrency": 2,
    "idle_timeout_minutes": 60, "termination_protection": true, "root_volume_gib": 20,
    "security_configuration": "sec", "tags": ["team": "data"],
  ]

  static let fleets: Value = [
    "name": "main", "release": "emr-7.13.0", "log_uri": "s3://code/logs/", "service_role": "emr",
    "instance_profile": "nodes", "runs_forever": true,
    "instance_fleets": [
      [
        "role": "MASTER", "on_demand": 1, "spot": 2,
        "types": [["type": "m5.xlarge", "weight": 1, "ebs": ["type": "gp3", "size_gib": 64, "count": 2]]],
        "allocation": "capacity-optimized", "spot_timeout_minutes": 10, "on_spot_timeout": "TERMINATE_CLUSTER",
      ]
    ],
  ]

  /// The least that a cluster needs.
  static let small: Value = [
    "name": "main", "release": "emr-7.13.0", "log_uri": "s3://code/logs", "service_role": "emr",
    "instance_profile": "nodes", "idle_timeout_minutes": 60,
    "instance_groups": [["role": "MASTER", "type": "m5.xlarge", "count": 1]],
  ]
}
