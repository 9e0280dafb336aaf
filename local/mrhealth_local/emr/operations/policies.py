"""Managed scaling, auto-termination and automatic scaling."""

from __future__ import annotations

from typing import Any

from .. import validate
from ..api import operation
from ..context import Context
from ..faults import FINISHED, invalid_request, validation
from ..model import Cluster, Pool
from ..store import Region

Request = dict[str, Any]


def _cluster(region: Region, request: Request) -> Cluster:
    cluster = region.cluster(request["ClusterId"])
    if not cluster.modifiable:
        raise validation(FINISHED)
    return cluster


@operation
def put_managed_scaling_policy(context: Context, region: Region, request: Request) -> None:
    cluster = _cluster(region, request)
    validate.managed_scaling(request["ManagedScalingPolicy"])
    cluster.managed_scaling = request["ManagedScalingPolicy"]


@operation
def get_managed_scaling_policy(context: Context, region: Region, request: Request) -> dict[str, Any]:
    return {"ManagedScalingPolicy": region.cluster(request["ClusterId"]).managed_scaling}


@operation
def remove_managed_scaling_policy(context: Context, region: Region, request: Request) -> None:
    _cluster(region, request).managed_scaling = None


@operation
def put_auto_termination_policy(context: Context, region: Region, request: Request) -> None:
    cluster = _cluster(region, request)
    policy = request.get("AutoTerminationPolicy") or {}
    validate.auto_termination(policy)
    with cluster.condition:
        cluster.auto_termination = policy
        cluster.condition.notify_all()


@operation
def get_auto_termination_policy(context: Context, region: Region, request: Request) -> dict[str, Any]:
    return {"AutoTerminationPolicy": region.cluster(request["ClusterId"]).auto_termination}


@operation
def remove_auto_termination_policy(context: Context, region: Region, request: Request) -> None:
    cluster = _cluster(region, request)
    with cluster.condition:
        cluster.auto_termination = None
        cluster.condition.notify_all()


@operation
def put_auto_scaling_policy(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = _cluster(region, request)
    policy = request["AutoScalingPolicy"]
    described = {
        "Status": {"State": "ATTACHED", "StateChangeReason": {}},
        "Constraints": policy["Constraints"],
        "Rules": policy["Rules"],
    }
    _group(cluster, request["InstanceGroupId"]).auto_scaling_policy = described
    return {
        "ClusterId": cluster.id,
        "InstanceGroupId": request["InstanceGroupId"],
        "AutoScalingPolicy": described,
        "ClusterArn": cluster.arn,
    }


@operation
def remove_auto_scaling_policy(context: Context, region: Region, request: Request) -> None:
    _group(_cluster(region, request), request["InstanceGroupId"]).auto_scaling_policy = None


def _group(cluster: Cluster, group_id: str) -> Pool:
    for pool in cluster.pools:
        if pool.id == group_id and not pool.is_fleet:
            return pool
    raise invalid_request(f"Instance group id '{group_id}' is not valid.")
