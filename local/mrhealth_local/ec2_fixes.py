"""EC2: a security group that is in use cannot be deleted (AWS.md 4 K): another group's rule names it, or a
cluster that has not ended runs in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _nobody(group_id: str) -> bool:
    return False


_used_by_clusters: Callable[[str], bool] = _nobody


def users_from(source: Callable[[str], bool]) -> None:
    """Says whether a running cluster uses a group."""
    global _used_by_clusters
    _used_by_clusters = source


def apply() -> None:
    from moto.ec2.exceptions import EC2ClientError
    from moto.ec2.models import security_groups

    delete = security_groups.SecurityGroupBackend._delete_security_group

    def delete_security_group(self: Any, vpc_id: str | None, group_id: str) -> Any:
        others = [
            group for groups in list(self.groups.values()) for group in list(groups.values()) if group.id != group_id
        ]
        if _used_by_clusters(group_id) or any(_names(group, group_id) for group in others):
            raise EC2ClientError("DependencyViolation", f"resource {group_id} has a dependent object")
        return delete(self, vpc_id, group_id)

    security_groups.SecurityGroupBackend._delete_security_group = delete_security_group


def _names(group: Any, group_id: str) -> bool:
    return any(rule.source_group.get("GroupId") == group_id for rule in [*group.ingress_rules, *group.egress_rules])
