"""What RunJobFlow and AddJobFlowSteps refuse at once. What EMR finds out only later is in ``rules``.

Sources: EMR API reference (RunJobFlow, StepConfig, AutoTerminationPolicy), AWS.md 0.6, 0.7, 3.5. Texts of
messages that are known from AWS are AWS's; the others say in the same style what is wrong."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from . import describe, releases
from .context import Context
from .faults import invalid_request, validation
from .roles import Roles
from .store import Region

MAX_STEPS = 256
_MAX_BOOTSTRAP_ACTIONS = 16
#: Jar, MainClass, Args and Properties of a step together [EMR API HadoopJarStepConfig]
_MAX_STEP_CHARACTERS = 10_240
_ONE_WAY = "Please configure instances using one and only one of the following: instance groups; instance fleets; instance count, master and slave instance type."

Request = dict[str, Any]


def run_job_flow(context: Context, region: Region, request: Request) -> None:
    _release(region, request)
    _instances(request)
    _network(context, region, request["Instances"])
    _roles(context, request)
    steps(context, request.get("Steps", []))
    _bootstrap_actions(request.get("BootstrapActions", []))
    _log_uri(context, request)
    level = request.get("StepConcurrencyLevel", 1)
    if not 1 <= level <= MAX_STEPS:
        raise validation("Step concurrency level should be between 1 and 256.")
    if request.get("AutoTerminationPolicy"):
        auto_termination(request["AutoTerminationPolicy"])
    if request.get("ManagedScalingPolicy"):
        managed_scaling(request["ManagedScalingPolicy"])
    name = request.get("SecurityConfiguration")
    if name and name not in region.security_configurations:
        raise invalid_request(f"Security configuration with name '{name}' does not exist.")
    _tags(request.get("Tags", []))


def _release(region: Region, request: Request) -> None:
    label = request.get("ReleaseLabel")
    if not label:
        raise validation("Must specify a release label: AMI versions are no longer supported.")
    if label not in releases.labels(region.name):
        raise validation(f"The supplied release label is invalid: {label}.")
    offered = releases.applications(label)
    for application in request.get("Applications", []):
        if releases.canonical_application(application.get("Name", "")) not in offered:
            raise validation("An application is invalid or not supported in this release.")


def _instances(request: Request) -> None:
    instances, label = request["Instances"], request["ReleaseLabel"]
    groups, fleets = instances.get("InstanceGroups"), instances.get("InstanceFleets")
    short = any(instances.get(name) for name in ("MasterInstanceType", "SlaveInstanceType", "InstanceCount"))
    if sum(map(bool, (groups, fleets, short))) != 1:
        raise validation(_ONE_WAY)
    if groups:
        masters = [group for group in groups if group["InstanceRole"] == "MASTER"]
        if len(masters) != 1:
            raise validation("Exactly one master instance group must be specified.")
        if masters[0]["InstanceCount"] not in (1, 3):
            raise validation("The master instance group must have 1 instance, or 3 for high availability.")
        if sum(group["InstanceRole"] == "CORE" for group in groups) > 1:
            raise validation("At most one core instance group can be specified.")
        if any(group["InstanceCount"] < 1 for group in groups if group["InstanceRole"] != "TASK"):
            raise validation("Instance group must have at least 1 instance.")
        used = [group["InstanceType"] for group in groups]
    elif fleets:
        used = _fleet_types(fleets)
    else:
        used = [instances[name] for name in ("MasterInstanceType", "SlaveInstanceType") if instances.get(name)]
        if instances.get("InstanceCount", 1) < 1:
            raise validation("Instance count must be at least 1.")
    offered = releases.instance_type_names(label)
    for instance_type in used:
        if instance_type not in offered:
            raise validation(f"Instance type '{instance_type}' is not supported.")


def _fleet_types(fleets: list[Request]) -> list[str]:
    roles = [fleet["InstanceFleetType"] for fleet in fleets]
    if roles.count("MASTER") != 1:
        raise validation("Exactly one master instance fleet must be specified.")
    if len(roles) != len(set(roles)):
        raise validation("Each instance fleet type can be specified only once.")
    for fleet in fleets:
        capacity = fleet.get("TargetOnDemandCapacity", 0) + fleet.get("TargetSpotCapacity", 0)
        if fleet["InstanceFleetType"] == "MASTER" and capacity != 1:
            raise validation("The target capacity of the master instance fleet must be 1.")
        if capacity < 1:
            raise validation("At least one of target On-Demand and target Spot capacity must be greater than 0.")
        if not fleet.get("InstanceTypeConfigs"):
            raise validation("An instance fleet must have at least one instance type.")
    return [kind["InstanceType"] for fleet in fleets for kind in fleet["InstanceTypeConfigs"]]


def _network(context: Context, region: Region, instances: Request) -> None:
    subnets = describe.requested_subnets(instances)
    if instances.get("Ec2SubnetId") and instances.get("Ec2SubnetIds"):
        raise validation("Only one of Ec2SubnetId and Ec2SubnetIds can be specified.")
    if len(subnets) > 1 and not instances.get("InstanceFleets"):
        raise validation("Multiple subnets are supported for instance fleets only.")
    managed = [instances.get(name) for name in ("EmrManagedMasterSecurityGroup", "EmrManagedSlaveSecurityGroup")]
    if any(managed) and not all(managed):
        raise validation("EmrManagedMasterSecurityGroup and EmrManagedSlaveSecurityGroup must be specified together.")
    groups = security_groups(instances)
    if not subnets and not groups:
        return
    ec2 = context.backend("ec2", region.name)
    networks = set()
    for subnet_id in subnets:
        subnet = find_subnet(ec2, subnet_id)
        if subnet is None:
            raise validation(f"The subnet configuration was invalid: The subnet ID '{subnet_id}' does not exist")
        networks.add(subnet.vpc_id)
    if len(networks) > 1:
        raise validation("The subnet configuration was invalid: All subnets must belong to one VPC")
    for group_id in groups:
        group = ec2.get_security_group_from_id(group_id)
        if group is None:
            raise validation(f"The security group '{group_id}' does not exist")
        if networks and group.vpc_id not in networks:
            raise validation(
                f"The security group '{group_id}' and the subnet '{subnets[0]}' belong to different networks"
            )


def security_groups(instances: Request) -> list[str]:
    """Every group the cluster names."""
    single = ("EmrManagedMasterSecurityGroup", "EmrManagedSlaveSecurityGroup", "ServiceAccessSecurityGroup")
    named = [instances[name] for name in single if instances.get(name)]
    for name in ("AdditionalMasterSecurityGroups", "AdditionalSlaveSecurityGroups"):
        named += instances.get(name, [])
    return list(dict.fromkeys(named))


def find_subnet(ec2: Any, subnet_id: str) -> Any:
    return next((zone[subnet_id] for zone in ec2.subnets.values() if subnet_id in zone), None)


def _roles(context: Context, request: Request) -> None:
    profile_name, service_name = request.get("JobFlowRole"), request.get("ServiceRole")
    if not profile_name:
        raise validation("InstanceProfile is required for creating cluster.")
    if not service_name:
        raise validation("ServiceRole is required for creating cluster.")
    roles = Roles(context.backend("iam"))
    profile = roles.profile(profile_name)
    if profile is None:
        raise validation(f"Invalid InstanceProfile: {profile_name}.")
    _propagation(context, profile_name, profile)
    role = profile.roles[0] if profile.roles else None
    # EMR reads the role by the profile's name [AWS.md 0.7].
    if role is not None and role.name != profile.name:
        raise validation(f"Invalid InstanceProfile: {profile_name}.")
    if role is None or not roles.trusts(role, "ec2.amazonaws.com"):
        raise _unauthorized(profile)
    service = roles.role(service_name)
    if service is None:
        raise validation(f"Invalid ServiceRole: {service_name}.")
    if not roles.trusts(service, "elasticmapreduce.amazonaws.com"):
        raise validation(f"Service role {service.arn} does not trust elasticmapreduce.amazonaws.com.")


def _propagation(context: Context, name: str, profile: Any) -> None:
    """A profile made a moment ago: first EMR does not see it, then it is not let in [AWS.md 3.5]."""
    delay = context.config.current.instance_profile_propagation_seconds
    created = getattr(profile, "create_date", None)
    if not delay or created is None:
        return
    age = time.time() - Roles.epoch(created)
    if age < delay / 2:
        raise validation(f"Invalid InstanceProfile: {name}.")
    if age < delay:
        raise _unauthorized(profile)


def _unauthorized(profile: Any) -> Exception:
    from ..errors import AwsError

    return AwsError("AccessDeniedException", f"Failed to authorize instance profile {profile.arn}")


def steps(context: Context, configs: list[Request]) -> None:
    if len(configs) > MAX_STEPS:
        raise validation(f"Maximum number of steps for job flow exceeded {MAX_STEPS}.")
    for config in configs:
        jar = config["HadoopJarStep"]
        strings = [jar.get("Jar", ""), jar.get("MainClass", ""), *jar.get("Args", [])]
        strings += [text for item in jar.get("Properties", []) for text in item.values()]
        if sum(map(len, strings)) > _MAX_STEP_CHARACTERS:
            raise validation(
                f"Total length of HadoopJarStep's fields must not exceed {_MAX_STEP_CHARACTERS} characters."
            )


def _bootstrap_actions(actions: list[Request]) -> None:
    if len(actions) > _MAX_BOOTSTRAP_ACTIONS:
        raise validation(f"Maximum number of bootstrap actions exceeded {_MAX_BOOTSTRAP_ACTIONS}.")
    for action in actions:
        path = action["ScriptBootstrapAction"]["Path"]
        if urlsplit(path).scheme not in ("s3", "s3a", "s3n", "file") and not path.startswith("/"):
            raise validation(f"The bootstrap action path '{path}' is invalid.")


def _log_uri(context: Context, request: Request) -> None:
    uri = request.get("LogUri")
    if uri is None:
        return
    parts = urlsplit(uri)
    if parts.scheme not in ("s3", "s3n", "s3a") or not parts.netloc:
        raise validation(f"The LogUri '{uri}' is invalid: it must be an Amazon S3 location.")
    from moto.s3.models import s3_backends

    context.backend("s3")
    if parts.netloc not in s3_backends[context.account]["aws"].buckets:
        raise validation(f"The LogUri '{uri}' is invalid: bucket {parts.netloc} does not exist.")


def auto_termination(policy: Request) -> None:
    timeout = policy.get("IdleTimeout")
    if timeout is None or not 60 <= timeout <= 604_800:
        raise validation("The idle timeout of an auto-termination policy must be between 60 and 604800 seconds.")


def managed_scaling(policy: Request) -> None:
    limits = policy.get("ComputeLimits")
    if limits is None:
        raise validation("Compute limits are required in a managed scaling policy.")
    low, high = limits["MinimumCapacityUnits"], limits["MaximumCapacityUnits"]
    if low < 1 or high < low:
        raise validation("MaximumCapacityUnits must not be less than MinimumCapacityUnits, which must be at least 1.")
    for name in ("MaximumOnDemandCapacityUnits", "MaximumCoreCapacityUnits"):
        if limits.get(name, 0) > high:
            raise validation(f"{name} must not exceed MaximumCapacityUnits.")


def _tags(tags: list[Request]) -> None:
    keys = [tag.get("Key", "") for tag in tags]
    if len(keys) > 50:
        raise invalid_request("A cluster can have at most 50 tags.")
    if len(keys) != len(set(keys)) or not all(keys):
        raise invalid_request("Tag keys must be present and unique.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid_request("Tag keys starting with 'aws:' are reserved.")
