"""RunJobFlow and what is asked of a whole cluster."""

from __future__ import annotations

from typing import Any

from .. import describe, lifecycle, validate
from ..api import operation
from ..context import Context
from ..faults import FINISHED, invalid_request, validation
from ..model import Cluster, Instance, Pool, Step, new_id, new_instance_id
from ..paging import page
from ..store import Region

Request = dict[str, Any]


@operation
def run_job_flow(context: Context, region: Region, request: Request) -> dict[str, Any]:
    if context.config.current.validate:
        validate.run_job_flow(context, region, request)
    request = _with_groups(request)
    cluster_id = new_id("j-")
    instances = request["Instances"]
    cluster = Cluster(
        id=cluster_id,
        region=region.name,
        account=context.account,
        request=request,
        directory=context.directory / "clusters" / cluster_id,
        name=request["Name"],
        keep_alive=instances.get("KeepJobFlowAliveWhenNoSteps", False),
        protected=instances.get("TerminationProtected", False),
        # Always true whatever was sent: it no longer has an effect [EMR API RunJobFlow].
        visible=True,
        unhealthy_node_replacement=instances.get("UnhealthyNodeReplacement", False),
        step_concurrency=request.get("StepConcurrencyLevel", 1),
        extended_support=request.get("ExtendedSupport", False),
        tags={tag["Key"]: tag.get("Value", "") for tag in request.get("Tags", [])},
        auto_termination=request.get("AutoTerminationPolicy"),
        managed_scaling=request.get("ManagedScalingPolicy"),
    )
    cluster.steps = [
        Step(new_id("s-", 19), config, execution_role=request.get("StepExecutionRoleArn"))
        for config in request.get("Steps", [])
    ]
    _add_pools(cluster, request["Instances"])
    with region.lock:
        region.clusters[cluster.id] = cluster
    lifecycle.start(context, cluster)
    return {"JobFlowId": cluster.id, "ClusterArn": cluster.arn}


def _with_groups(request: Request) -> Request:
    """MasterInstanceType, SlaveInstanceType and InstanceCount are the short form of two groups."""
    instances = dict(request["Instances"])
    if not instances.get("InstanceGroups") and not instances.get("InstanceFleets"):
        count = instances.get("InstanceCount", 1)
        master = instances.get("MasterInstanceType", "m5.xlarge")
        groups = [
            {
                "Name": "Master - 1",
                "InstanceRole": "MASTER",
                "InstanceType": master,
                "InstanceCount": 1,
                "Market": "ON_DEMAND",
            }
        ]
        if count > 1:
            slave = instances.get("SlaveInstanceType", master)
            groups.append(
                {
                    "Name": "Core - 2",
                    "InstanceRole": "CORE",
                    "InstanceType": slave,
                    "InstanceCount": count - 1,
                    "Market": "ON_DEMAND",
                }
            )
        instances["InstanceGroups"] = groups
    return {**request, "Instances": instances}


def _add_pools(cluster: Cluster, instances: Request) -> None:
    for config in instances.get("InstanceGroups", []):
        add_pool(cluster, Pool(new_id("ig-"), config["InstanceRole"], config))
    for config in instances.get("InstanceFleets", []):
        add_pool(cluster, Pool(new_id("if-"), config["InstanceFleetType"], config))


def add_pool(cluster: Cluster, pool: Pool) -> None:
    """Adds a group or fleet with the instances it asks for."""
    cluster.pools.append(pool)
    config = pool.config
    if pool.is_fleet:
        types = config.get("InstanceTypeConfigs") or [{"InstanceType": "m5.xlarge"}]
        weight = max(1, types[0].get("WeightedCapacity", 1))
        wanted = [("ON_DEMAND", config.get("TargetOnDemandCapacity", 0)), ("SPOT", config.get("TargetSpotCapacity", 0))]
        counts = [(market, -(-capacity // weight), types[0]["InstanceType"]) for market, capacity in wanted]
    else:
        counts = [(config.get("Market", "ON_DEMAND"), config["InstanceCount"], config["InstanceType"])]
    for market, count, instance_type in counts:
        for _ in range(count):
            cluster.instances.append(
                Instance(new_instance_id(), instance_type, market, pool.id, len(cluster.instances))
            )


@operation
def describe_cluster(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = region.cluster(request["ClusterId"])
    with cluster.condition:
        return {"Cluster": describe.cluster(cluster)}


@operation
def list_clusters(context: Context, region: Region, request: Request) -> dict[str, Any]:
    after, before = request.get("CreatedAfter"), request.get("CreatedBefore")
    states = request.get("ClusterStates")
    found = [
        cluster
        for cluster in list(region.clusters.values())
        if (after is None or cluster.created >= after)
        and (before is None or cluster.created <= before)
        and (not states or cluster.state in states)
    ]
    found.sort(key=lambda cluster: cluster.created, reverse=True)
    clusters, marker = page(found, request.get("Marker"), describe.cluster_summary)
    return {"Clusters": clusters, "Marker": marker}


@operation
def terminate_job_flows(context: Context, region: Region, request: Request) -> None:
    ids = request["JobFlowIds"]
    if len(ids) > 10:
        raise validation("Too many job flow ids: at most 10 can be given.")
    clusters = [region.cluster(cluster_id) for cluster_id in ids]
    protected = [cluster.id for cluster in clusters if cluster.protected and not cluster.finished]
    if protected:
        raise validation("Could not shut down one or more job flows since they are termination protected.")
    for cluster in clusters:
        with cluster.condition:
            cluster.end("USER_REQUEST", "Terminated by user request", with_errors=False)


@operation
def set_termination_protection(context: Context, region: Region, request: Request) -> None:
    for cluster in _modifiable(region, request["JobFlowIds"]):
        cluster.protected = request["TerminationProtected"]


@operation
def set_keep_job_flow_alive_when_no_steps(context: Context, region: Region, request: Request) -> None:
    for cluster in _modifiable(region, request["JobFlowIds"]):
        with cluster.condition:
            cluster.keep_alive = request["KeepJobFlowAliveWhenNoSteps"]
            cluster.condition.notify_all()


@operation
def set_unhealthy_node_replacement(context: Context, region: Region, request: Request) -> None:
    for cluster in _modifiable(region, request["JobFlowIds"]):
        cluster.unhealthy_node_replacement = request["UnhealthyNodeReplacement"]


@operation
def set_visible_to_all_users(context: Context, region: Region, request: Request) -> None:
    for cluster in _modifiable(region, request["JobFlowIds"]):
        cluster.visible = request["VisibleToAllUsers"]


def _modifiable(region: Region, ids: list[str]) -> list[Cluster]:
    clusters = [region.cluster(cluster_id) for cluster_id in ids]
    for cluster in clusters:
        if not cluster.modifiable:
            raise validation(FINISHED)
    return clusters


@operation
def modify_cluster(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = _modifiable(region, [request["ClusterId"]])[0]
    level = request.get("StepConcurrencyLevel")
    if level is not None and not 1 <= level <= 256:
        raise invalid_request("Step concurrency level should be between 1 and 256.")
    with cluster.condition:
        if level is not None:
            cluster.step_concurrency = level
        if "ExtendedSupport" in request:
            cluster.extended_support = request["ExtendedSupport"]
        cluster.condition.notify_all()
        return {"StepConcurrencyLevel": cluster.step_concurrency, "ExtendedSupport": cluster.extended_support}


@operation
def add_tags(context: Context, region: Region, request: Request) -> None:
    cluster = region.cluster(request["ResourceId"])
    tags = {tag["Key"]: tag.get("Value", "") for tag in request["Tags"] if tag.get("Key")}
    if len(tags) != len(request["Tags"]):
        raise invalid_request("Tag keys must be present and unique.")
    cluster.tags.update(tags)


@operation
def remove_tags(context: Context, region: Region, request: Request) -> None:
    cluster = region.cluster(request["ResourceId"])
    for key in request["TagKeys"]:
        cluster.tags.pop(key, None)


@operation
def list_bootstrap_actions(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = region.cluster(request["ClusterId"])
    actions, marker = page(
        cluster.request.get("BootstrapActions", []),
        request.get("Marker"),
        lambda action: {
            "Name": action["Name"],
            "ScriptPath": action["ScriptBootstrapAction"]["Path"],
            "Args": action["ScriptBootstrapAction"].get("Args", []),
        },
    )
    return {"BootstrapActions": actions, "Marker": marker}
