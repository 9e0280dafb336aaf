"""What EMR does to the managed security groups a cluster names: it opens them to each other, and leaves the rules
behind when the cluster ends [EMR guide emr-man-sec-groups]. Two groups that name each other cannot be
deleted before those rules are revoked."""

from __future__ import annotations

from typing import Any

from .context import Context
from .model import Cluster

_TRAFFIC = (("tcp", "0", "65535"), ("udp", "0", "65535"), ("icmp", "-1", "-1"))


def open_managed_groups(context: Context, cluster: Cluster) -> None:
    instances = cluster.request["Instances"]
    named = (instances.get("EmrManagedMasterSecurityGroup"), instances.get("EmrManagedSlaveSecurityGroup"))
    groups = [group for group in dict.fromkeys(named) if group]
    if not context.config.current.managed_group_rules or not groups:
        return
    ec2 = context.backend("ec2", cluster.region)
    for target in groups:
        group = ec2.get_security_group_from_id(target)
        if group is None:
            continue
        for source in groups:
            for protocol, low, high in _TRAFFIC:
                if not _present(group, protocol, source):
                    ec2.authorize_security_group_ingress(
                        target, protocol, low, high, [], source_groups=[{"GroupId": source}]
                    )


def _present(group: Any, protocol: str, source: str) -> bool:
    return any(
        rule.ip_protocol == protocol and rule.source_group.get("GroupId") == source for rule in group.ingress_rules
    )


def uses(clusters: list[Cluster], group_id: str) -> bool:
    """Whether a cluster that has not ended runs in a group."""
    from .validate import security_groups

    return any(not each.finished and group_id in security_groups(each.request["Instances"]) for each in clusters)
