"""Groups, fleets and instances."""

from __future__ import annotations

import time
from typing import Any

from .. import describe
from ..api import operation
from ..context import Context
from ..faults import FINISHED, invalid_request, validation
from ..model import Cluster, Instance, Pool, Reason, new_id, new_instance_id
from ..paging import page
from ..store import Region
from .clusters import add_pool

Request = dict[str, Any]

_EXCLUSIVE = "Instance fleets and instance groups are mutually exclusive. The EMR cluster specified in the request uses {}. The {} request only supports clusters that use {}."


def _require(cluster: Cluster, fleets: bool, operation_name: str) -> None:
    if cluster.uses_fleets != fleets:
        used, supported = ("instance groups", "instance fleets") if fleets else ("instance fleets", "instance groups")
        raise invalid_request(_EXCLUSIVE.format(used, operation_name, supported))


@operation
def list_instance_groups(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = region.cluster(request["ClusterId"])
    _require(cluster, False, "ListInstanceGroups")
    with cluster.condition:
        groups, marker = page(cluster.pools, request.get("Marker"), lambda pool: describe.group(pool, cluster))
    return {"InstanceGroups": groups, "Marker": marker}


@operation
def list_instance_fleets(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = region.cluster(request["ClusterId"])
    _require(cluster, True, "ListInstanceFleets")
    with cluster.condition:
        fleets, marker = page(cluster.pools, request.get("Marker"), lambda pool: describe.fleet(pool, cluster))
    return {"InstanceFleets": fleets, "Marker": marker}


@operation
def list_instances(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = region.cluster(request["ClusterId"])
    group, kinds = request.get("InstanceGroupId"), request.get("InstanceGroupTypes")
    fleet, fleet_type = request.get("InstanceFleetId"), request.get("InstanceFleetType")
    if (fleet or fleet_type) and (group or kinds):
        raise invalid_request("Instance fleets and instance groups are mutually exclusive.")
    states = request.get("InstanceStates")
    roles = {pool.id: pool.role for pool in cluster.pools}
    with cluster.condition:
        found = [
            each
            for each in cluster.instances
            if (not states or each.state in states)
            and (not group or each.owner == group)
            and (not fleet or each.owner == fleet)
            and (not kinds or roles[each.owner] in kinds)
            and (not fleet_type or roles[each.owner] == fleet_type)
        ]
        instances, marker = page(found, request.get("Marker"), lambda each: describe.instance(each, cluster))
    return {"Instances": instances, "Marker": marker}


@operation
def add_instance_groups(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = _changeable(region, request["JobFlowId"])
    _require(cluster, False, "AddInstanceGroups")
    if any(config["InstanceRole"] != "TASK" for config in request["InstanceGroups"]):
        raise validation("Only task instance groups can be added to a running job flow.")
    added = [Pool(new_id("ig-"), config["InstanceRole"], config) for config in request["InstanceGroups"]]
    _add(cluster, added)
    return {"JobFlowId": cluster.id, "InstanceGroupIds": [pool.id for pool in added], "ClusterArn": cluster.arn}


@operation
def add_instance_fleet(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = _changeable(region, request["ClusterId"])
    _require(cluster, True, "AddInstanceFleet")
    config = request["InstanceFleet"]
    if config["InstanceFleetType"] != "TASK" or any(pool.role == "TASK" for pool in cluster.pools):
        raise invalid_request("Only one task instance fleet can be added to a cluster.")
    pool = Pool(new_id("if-"), "TASK", config)
    _add(cluster, [pool])
    return {"ClusterId": cluster.id, "InstanceFleetId": pool.id, "ClusterArn": cluster.arn}


@operation
def modify_instance_groups(context: Context, region: Region, request: Request) -> None:
    changes = request.get("InstanceGroups", [])
    pools = {pool.id: (cluster, pool) for cluster in list(region.clusters.values()) for pool in cluster.pools}
    for change in changes:
        if change["InstanceGroupId"] not in pools:
            raise invalid_request(f"Instance group id '{change['InstanceGroupId']}' is not valid.")
        if not pools[change["InstanceGroupId"]][0].modifiable:
            raise validation(FINISHED)
    for change in changes:
        cluster, pool = pools[change["InstanceGroupId"]]
        with cluster.condition:
            if "InstanceCount" in change:
                if pool.role == "MASTER":
                    raise validation("The master instance group cannot be resized.")
                pool.config = {**pool.config, "InstanceCount": change["InstanceCount"]}
                _resize(
                    cluster,
                    pool,
                    change["InstanceCount"],
                    pool.config.get("Market", "ON_DEMAND"),
                    pool.config["InstanceType"],
                )
            if "Configurations" in change:
                pool.config = {**pool.config, "Configurations": change["Configurations"]}


@operation
def modify_instance_fleet(context: Context, region: Region, request: Request) -> None:
    cluster = _changeable(region, request["ClusterId"])
    _require(cluster, True, "ModifyInstanceFleet")
    change = request["InstanceFleet"]
    pool = next((each for each in cluster.pools if each.id == change["InstanceFleetId"]), None)
    if pool is None:
        raise invalid_request(f"Instance fleet id '{change['InstanceFleetId']}' is not valid.")
    with cluster.condition:
        pool.config = {
            **pool.config,
            **{name: value for name, value in change.items() if name not in ("InstanceFleetId",)},
        }
        kinds = pool.config.get("InstanceTypeConfigs") or [{"InstanceType": "m5.xlarge"}]
        weight = max(1, kinds[0].get("WeightedCapacity", 1))
        wanted = pool.config.get("TargetOnDemandCapacity", 0) + pool.config.get("TargetSpotCapacity", 0)
        _resize(cluster, pool, -(-wanted // weight), "ON_DEMAND", kinds[0]["InstanceType"])


def _changeable(region: Region, cluster_id: str) -> Cluster:
    cluster = region.cluster(cluster_id)
    if not cluster.modifiable:
        raise validation(FINISHED)
    return cluster


def _add(cluster: Cluster, pools: list[Pool]) -> None:
    with cluster.condition:
        for pool in pools:
            add_pool(cluster, pool)
            if cluster.ready:
                _up(pool, [each for each in cluster.instances if each.owner == pool.id])


def _up(pool: Pool, instances: list[Instance]) -> None:
    pool.state, pool.ready = "RUNNING", time.time()
    for each in instances:
        each.state, each.ready = "RUNNING", time.time()


def _resize(cluster: Cluster, pool: Pool, count: int, market: str, instance_type: str) -> None:
    alive = [each for each in cluster.instances if each.owner == pool.id and each.state != "TERMINATED"]
    for each in alive[count:]:
        each.state, each.ended, each.reason = "TERMINATED", time.time(), Reason(None, "Instance was terminated.")
    added = []
    for _ in range(count - len(alive)):
        added.append(Instance(new_instance_id(), instance_type, market, pool.id, len(cluster.instances)))
        cluster.instances.append(added[-1])
    if cluster.ready:
        _up(pool, added)
