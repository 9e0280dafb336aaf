"""What ends a cluster after EMR accepted it: permissions it only misses when it uses them.

[AWS.md 0.6, 3.5: AmazonEMRServicePolicy_v2 v6 of 2026-02-12; EMR guide emr-managed-iam-policies and
emr-block-public-access] With the v2 policy EMR may only touch what carries the tag below, and may
only pass a role named EMR_EC2_DefaultRole unless another policy says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import describe, validate
from .context import Context
from .model import Cluster
from .roles import Roles

TAG, TAG_VALUE = "for-use-with-amazon-emr-managed-policies", "true"
_V2_POLICY = "AmazonEMRServicePolicy_v2"
_V2_PASSES = "EMR_EC2_DefaultRole"


@dataclass
class Refusal:
    message: str
    error_code: str


def refusal(context: Context, cluster: Cluster) -> Refusal | None:
    """Why a cluster that was accepted cannot start, or None."""
    if not context.config.current.validate:
        return None
    roles = Roles(context.backend("iam"))
    service = roles.role(cluster.request["ServiceRole"])
    profile = roles.profile(cluster.request["JobFlowRole"])
    if service is None or profile is None or not profile.roles:
        return Refusal("The service role or the instance profile was deleted.", "VALIDATION_ERROR_ROLE_MISSING")
    insufficient = f"Service role {service.arn} has insufficient EC2 permissions"
    if not roles.has_permissions(service):
        return _permission(f"{insufficient}: no policy is attached to it")
    ec2 = context.backend("ec2", cluster.region)
    if any(arn.endswith("/" + _V2_POLICY) for arn in roles.attached(service)):
        missing = _untagged(ec2, cluster)
        if missing:
            return _permission(f"{insufficient}: {_V2_POLICY} needs the tag {TAG}={TAG_VALUE} on {', '.join(missing)}")
        role = profile.roles[0]
        if role.name != _V2_PASSES and not roles.may_pass(service, role.arn):
            return _permission(f"{insufficient}: it is not authorized to perform iam:PassRole on resource {role.arn}")
    return _public_group(context, cluster, ec2)


def _permission(message: str) -> Refusal:
    return Refusal(message, "VALIDATION_ERROR_SERVICE_ROLE_INSUFFICIENT_PERMISSIONS")


def _untagged(ec2: Any, cluster: Cluster) -> list[str]:
    instances = cluster.request["Instances"]
    missing = [] if cluster.tags.get(TAG) == TAG_VALUE else [f"cluster {cluster.id}"]
    for subnet_id in describe.requested_subnets(instances):
        subnet = validate.find_subnet(ec2, subnet_id)
        if subnet is not None and not _tagged(subnet):
            missing.append(f"subnet {subnet_id}")
    for group_id in validate.security_groups(instances):
        group = ec2.get_security_group_from_id(group_id)
        if group is not None and not _tagged(group):
            missing.append(f"security group {group_id}")
    return missing


def _tagged(resource: Any) -> bool:
    return any(tag["key"] == TAG and tag["value"] == TAG_VALUE for tag in resource.get_tags())


def _public_group(context: Context, cluster: Cluster, ec2: Any) -> Refusal | None:
    """Block public access: no group of a cluster in a public subnet may be open to the world, but for
    the permitted ports."""
    settings = context.store.region(cluster.region).block_public_access
    if not settings.get("BlockPublicSecurityGroupRules"):
        return None
    permitted = [
        (ports["MinRange"], ports.get("MaxRange", ports["MinRange"]))
        for ports in settings.get("PermittedPublicSecurityGroupRuleRanges", [])
    ]
    subnets = [validate.find_subnet(ec2, each) for each in describe.requested_subnets(cluster.request["Instances"])]
    if not any(subnet is not None and str(subnet.map_public_ip_on_launch).lower() == "true" for subnet in subnets):
        return None
    for group_id in validate.security_groups(cluster.request["Instances"]):
        group = ec2.get_security_group_from_id(group_id)
        for rule in group.ingress_rules if group is not None else []:
            if _open_to_all(rule) and not _covered(rule, permitted):
                return Refusal(
                    f"Security group {group_id} has a rule that allows inbound traffic from any source on ports "
                    "that the block public access configuration of this account does not permit",
                    "VALIDATION_ERROR_PUBLIC_SECURITY_GROUP_RULE",
                )
    return None


def _open_to_all(rule: Any) -> bool:
    return rule.ip_range.get("CidrIp") == "0.0.0.0/0" or rule.ip_range.get("CidrIpv6") == "::/0"


def _covered(rule: Any, permitted: list[tuple[int, int]]) -> bool:
    try:
        low, high = int(rule.from_port), int(rule.to_port)
    except (TypeError, ValueError):
        return False
    return any(start <= low and high <= end for start, end in permitted)
