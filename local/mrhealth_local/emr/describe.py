"""Clusters, steps and instances in the shapes EMR answers."""

from __future__ import annotations

import math
import time
from typing import Any

from .model import Cluster, Instance, Pool, Reason, Step
from .releases import application_version

#: normalised hours: 1 per hour of an m1.small; by size [EMR API Cluster.NormalizedInstanceHours]
_SIZE_FACTORS = {"small": 1, "medium": 2, "large": 4, "xlarge": 8}


def cluster(each: Cluster) -> dict[str, Any]:
    request = each.request
    return {
        "Id": each.id,
        "Name": each.name,
        "Status": cluster_status(each),
        "Ec2InstanceAttributes": _ec2_attributes(each),
        "InstanceCollectionType": "INSTANCE_FLEET" if each.uses_fleets else "INSTANCE_GROUP",
        "LogUri": request.get("LogUri"),
        "LogEncryptionKmsKeyId": request.get("LogEncryptionKmsKeyId"),
        "ReleaseLabel": request["ReleaseLabel"],
        "AutoTerminate": not each.keep_alive,
        "TerminationProtected": each.protected,
        "UnhealthyNodeReplacement": each.unhealthy_node_replacement,
        "VisibleToAllUsers": each.visible,
        "Applications": [
            {"Name": name, "Version": application_version(request["ReleaseLabel"], name)}
            for name in application_names(request)
        ],
        "Tags": tags(each.tags),
        "ServiceRole": request.get("ServiceRole"),
        "NormalizedInstanceHours": normalized_hours(each),
        "MasterPublicDnsName": _dns(each.master, each.region) if each.ready or each.state == "BOOTSTRAPPING" else None,
        "Configurations": request.get("Configurations", []),
        "SecurityConfiguration": request.get("SecurityConfiguration"),
        "AutoScalingRole": request.get("AutoScalingRole"),
        "ScaleDownBehavior": request.get("ScaleDownBehavior", "TERMINATE_AT_TASK_COMPLETION"),
        "CustomAmiId": request.get("CustomAmiId"),
        "EbsRootVolumeSize": request.get("EbsRootVolumeSize"),
        "RepoUpgradeOnBoot": request.get("RepoUpgradeOnBoot"),
        "KerberosAttributes": request.get("KerberosAttributes", {}),
        "ClusterArn": each.arn,
        "StepConcurrencyLevel": each.step_concurrency,
        "PlacementGroups": request.get("PlacementGroupConfigs", []),
        "OSReleaseLabel": request.get("OSReleaseLabel"),
        "EbsRootVolumeIops": request.get("EbsRootVolumeIops"),
        "EbsRootVolumeThroughput": request.get("EbsRootVolumeThroughput"),
        "ExtendedSupport": each.extended_support or None,
        "MonitoringConfiguration": request.get("MonitoringConfiguration"),
    }


def application_names(request: dict[str, Any]) -> list[str]:
    """The applications in EMR's spelling; Hadoop comes with every release but is listed only if asked for."""
    from .releases import canonical_application

    return [canonical_application(item["Name"]) for item in request.get("Applications", [])]


def cluster_summary(each: Cluster) -> dict[str, Any]:
    return {
        "Id": each.id,
        "Name": each.name,
        "Status": cluster_status(each),
        "NormalizedInstanceHours": normalized_hours(each),
        "ClusterArn": each.arn,
    }


def cluster_status(each: Cluster) -> dict[str, Any]:
    return {
        "State": each.state,
        "StateChangeReason": _reason(each.reason),
        "Timeline": {
            "CreationDateTime": stamp(each.created),
            "ReadyDateTime": stamp(each.ready),
            "EndDateTime": stamp(each.ended),
        },
        "ErrorDetails": each.errors or None,
    }


def _ec2_attributes(each: Cluster) -> dict[str, Any]:
    instances = each.request["Instances"]
    subnets = requested_subnets(instances)
    return {
        "Ec2KeyName": instances.get("Ec2KeyName"),
        "Ec2SubnetId": subnets[0] if subnets else None,
        "RequestedEc2SubnetIds": subnets,
        "Ec2AvailabilityZone": instances.get("Placement", {}).get("AvailabilityZone") or f"{each.region}a",
        "RequestedEc2AvailabilityZones": instances.get("Placement", {}).get("AvailabilityZones", []),
        "IamInstanceProfile": each.request.get("JobFlowRole"),
        "EmrManagedMasterSecurityGroup": instances.get("EmrManagedMasterSecurityGroup"),
        "EmrManagedSlaveSecurityGroup": instances.get("EmrManagedSlaveSecurityGroup"),
        "ServiceAccessSecurityGroup": instances.get("ServiceAccessSecurityGroup"),
        "AdditionalMasterSecurityGroups": instances.get("AdditionalMasterSecurityGroups", []),
        "AdditionalSlaveSecurityGroups": instances.get("AdditionalSlaveSecurityGroups", []),
    }


def requested_subnets(instances: dict[str, Any]) -> list[str]:
    single = instances.get("Ec2SubnetId")
    return [single] if single else list(instances.get("Ec2SubnetIds", []))


def normalized_hours(each: Cluster) -> int:
    """Whole hours since the cluster was ready, rounded up, times the size of each instance."""
    total = 0
    for instance in each.instances:
        if instance.ready:
            hours = math.ceil(((instance.ended or time.time()) - instance.ready) / 3600)
            total += hours * size_factor(instance.instance_type)
    return total


def size_factor(instance_type: str) -> int:
    size = instance_type.rpartition(".")[2]
    if size in _SIZE_FACTORS:
        return _SIZE_FACTORS[size]
    multiple = size.removesuffix("xlarge")
    return 8 * int(multiple) if multiple.isdigit() else 16


def step(each: Step, cluster: Cluster) -> dict[str, Any]:
    return {**step_summary(each, cluster), "ExecutionRoleArn": each.execution_role}


def step_summary(each: Step, cluster: Cluster) -> dict[str, Any]:
    jar = each.jar
    monitoring = each.config.get("StepMonitoringConfiguration", {}).get("S3MonitoringConfiguration", {})
    return {
        "Id": each.id,
        "Name": each.name,
        "Config": {
            "Jar": jar["Jar"],
            "Properties": {item.get("Key", ""): item.get("Value", "") for item in jar.get("Properties", [])},
            "MainClass": jar.get("MainClass"),
            "Args": jar.get("Args", []),
        },
        "ActionOnFailure": each.action_on_failure,
        "Status": {
            "State": each.state,
            "StateChangeReason": {"Message": each.reason.message} if each.reason.message else {},
            "FailureDetails": each.failure,
            "Timeline": {
                "CreationDateTime": stamp(each.created),
                "StartDateTime": stamp(each.started),
                "EndDateTime": stamp(each.ended),
            },
        },
        "LogUri": monitoring.get("LogUri"),
        "EncryptionKeyArn": monitoring.get("EncryptionKeyArn"),
    }


def group(each: Pool, cluster: Cluster) -> dict[str, Any]:
    config = each.config
    running = sum(1 for instance in cluster.instances if instance.owner == each.id and instance.state == "RUNNING")
    return {
        "Id": each.id,
        "Name": config.get("Name"),
        "Market": config.get("Market", "ON_DEMAND"),
        "InstanceGroupType": each.role,
        "BidPrice": config.get("BidPrice"),
        "InstanceType": config["InstanceType"],
        "RequestedInstanceCount": config["InstanceCount"],
        "RunningInstanceCount": running,
        "Status": _pool_status(each),
        "Configurations": config.get("Configurations", []),
        "ConfigurationsVersion": 0,
        "LastSuccessfullyAppliedConfigurations": [],
        "LastSuccessfullyAppliedConfigurationsVersion": 0,
        "EbsBlockDevices": _ebs_devices(config),
        "EbsOptimized": config.get("EbsConfiguration", {}).get("EbsOptimized"),
        "ShrinkPolicy": {},
        "AutoScalingPolicy": each.auto_scaling_policy,
        "CustomAmiId": config.get("CustomAmiId"),
    }


def fleet(each: Pool, cluster: Cluster) -> dict[str, Any]:
    config = each.config
    up = [instance for instance in cluster.instances if instance.owner == each.id and instance.state == "RUNNING"]
    return {
        "Id": each.id,
        "Name": config.get("Name"),
        "Status": _pool_status(each),
        "InstanceFleetType": each.role,
        "TargetOnDemandCapacity": config.get("TargetOnDemandCapacity", 0),
        "TargetSpotCapacity": config.get("TargetSpotCapacity", 0),
        "ProvisionedOnDemandCapacity": config.get("TargetOnDemandCapacity", 0) if up else 0,
        "ProvisionedSpotCapacity": config.get("TargetSpotCapacity", 0) if up else 0,
        "InstanceTypeSpecifications": [
            {
                "InstanceType": item["InstanceType"],
                "WeightedCapacity": item.get("WeightedCapacity", 1),
                "BidPrice": item.get("BidPrice"),
                "BidPriceAsPercentageOfOnDemandPrice": item.get("BidPriceAsPercentageOfOnDemandPrice"),
                "Configurations": item.get("Configurations", []),
                "EbsBlockDevices": _ebs_devices(item),
                "EbsOptimized": item.get("EbsConfiguration", {}).get("EbsOptimized"),
                "CustomAmiId": item.get("CustomAmiId"),
                "Priority": item.get("Priority"),
            }
            for item in config.get("InstanceTypeConfigs", [])
        ],
        "LaunchSpecifications": config.get("LaunchSpecifications"),
        "ResizeSpecifications": config.get("ResizeSpecifications"),
        "Context": config.get("Context"),
    }


def _pool_status(each: Pool) -> dict[str, Any]:
    return {
        "State": each.state,
        "StateChangeReason": _reason(each.reason),
        "Timeline": {
            "CreationDateTime": stamp(each.created),
            "ReadyDateTime": stamp(each.ready),
            "EndDateTime": stamp(each.ended),
        },
    }


def _ebs_devices(config: dict[str, Any]) -> list[dict[str, Any]]:
    devices: list[dict[str, Any]] = []
    for item in config.get("EbsConfiguration", {}).get("EbsBlockDeviceConfigs", []):
        for _ in range(item.get("VolumesPerInstance", 1)):
            devices.append(
                {"VolumeSpecification": item["VolumeSpecification"], "Device": f"/dev/sd{chr(ord('b') + len(devices))}"}
            )
    return devices


def instance(each: Instance, cluster: Cluster) -> dict[str, Any]:
    private = f"10.0.{each.number // 250}.{each.number % 250 + 4}"
    fleet = each.owner.startswith("if-")
    return {
        "Id": each.id,
        "Ec2InstanceId": each.ec2_id,
        "PublicDnsName": _dns(each, cluster.region),
        "PublicIpAddress": f"203.0.113.{each.number % 250 + 4}",
        "PrivateDnsName": f"ip-{private.replace('.', '-')}.{cluster.region}.compute.internal",
        "PrivateIpAddress": private,
        "Status": {
            "State": each.state,
            "StateChangeReason": _reason(each.reason),
            "Timeline": {
                "CreationDateTime": stamp(each.created),
                "ReadyDateTime": stamp(each.ready),
                "EndDateTime": stamp(each.ended),
            },
        },
        "InstanceGroupId": None if fleet else each.owner,
        "InstanceFleetId": each.owner if fleet else None,
        "Market": each.market,
        "InstanceType": each.instance_type,
        "EbsVolumes": [],
    }


def _dns(each: Instance, region: str) -> str:
    # 203.0.113.0/24 is reserved for documentation: nobody can connect to it by mistake.
    return f"ec2-203-0-113-{each.number % 250 + 4}.{region}.compute.amazonaws.com"


def _reason(reason: Reason) -> dict[str, Any]:
    return {"Code": reason.code, "Message": reason.message}


def tags(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def stamp(moment: float | None) -> float | None:
    return None if moment is None else round(moment, 3)
