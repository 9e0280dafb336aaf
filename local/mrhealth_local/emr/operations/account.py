"""What EMR answers without a cluster: releases, instance types, security configurations, block public
access; and the interfaces (Spark history and the like) that this EMR does not have."""

from __future__ import annotations

import json
import time
from typing import Any

from .. import releases
from ..api import named, operation
from ..context import Context
from ..faults import invalid_request, no_cluster, validation
from ..paging import page
from ..store import Region

Request = dict[str, Any]


@operation
def list_release_labels(context: Context, region: Region, request: Request) -> dict[str, Any]:
    filters = request.get("Filters", {})
    found = releases.labels(region.name)
    if prefix := filters.get("Prefix"):
        found = [label for label in found if label.startswith(prefix)]
    if application := filters.get("Application"):
        name = releases.canonical_application(application)
        found = [label for label in found if name in releases.applications(label)]
    shown, token = page(found, request.get("NextToken"), str, request.get("MaxResults", 100))
    return {"ReleaseLabels": shown, "NextToken": token}


@operation
def describe_release_label(context: Context, region: Region, request: Request) -> dict[str, Any]:
    label = request.get("ReleaseLabel", "")
    if label not in releases.labels(region.name):
        raise invalid_request(f"The supplied release label is invalid: {label}.")
    applications, token = page(
        releases.applications(label),
        request.get("NextToken"),
        lambda name: {"Name": name, "Version": releases.application_version(label, name)},
        request.get("MaxResults", 100),
    )
    return {"ReleaseLabel": label, "Applications": applications, "NextToken": token}


@operation
def list_supported_instance_types(context: Context, region: Region, request: Request) -> dict[str, Any]:
    if request["ReleaseLabel"] not in releases.labels(region.name):
        raise invalid_request(f"The supplied release label is invalid: {request['ReleaseLabel']}.")
    found = releases.instance_types(request["ReleaseLabel"])
    shown, marker = page(found, request.get("Marker"), dict, 200)
    return {"SupportedInstanceTypes": shown, "Marker": marker}


@operation
def create_security_configuration(context: Context, region: Region, request: Request) -> dict[str, Any]:
    name = request["Name"]
    if name in region.security_configurations:
        raise invalid_request(f"SecurityConfiguration with name '{name}' already exists.")
    try:
        json.loads(request["SecurityConfiguration"])
    except ValueError:
        raise invalid_request("The security configuration is not valid JSON.") from None
    created = round(time.time(), 3)
    region.security_configurations[name] = {**request, "CreationDateTime": created}
    return {"Name": name, "CreationDateTime": created}


def _security_configuration(region: Region, name: str) -> dict[str, Any]:
    if name not in region.security_configurations:
        raise invalid_request(f"Security configuration with name '{name}' does not exist.")
    return region.security_configurations[name]


@operation
def describe_security_configuration(context: Context, region: Region, request: Request) -> dict[str, Any]:
    return _security_configuration(region, request["Name"])


@operation
def delete_security_configuration(context: Context, region: Region, request: Request) -> None:
    _security_configuration(region, request["Name"])
    del region.security_configurations[request["Name"]]


@operation
def list_security_configurations(context: Context, region: Region, request: Request) -> dict[str, Any]:
    shown, marker = page(
        list(region.security_configurations.values()),
        request.get("Marker"),
        lambda each: {"Name": each["Name"], "CreationDateTime": each["CreationDateTime"]},
    )
    return {"SecurityConfigurations": shown, "Marker": marker}


@operation
def get_block_public_access_configuration(context: Context, region: Region, request: Request) -> dict[str, Any]:
    moment, arn = region.block_public_access_by or (0.0, f"arn:aws:iam::{context.account}:root")
    return {
        "BlockPublicAccessConfiguration": region.block_public_access,
        "BlockPublicAccessConfigurationMetadata": {"CreationDateTime": moment, "CreatedByArn": arn},
    }


@operation
def put_block_public_access_configuration(context: Context, region: Region, request: Request) -> None:
    configuration = request["BlockPublicAccessConfiguration"]
    for ports in configuration.get("PermittedPublicSecurityGroupRuleRanges", []):
        if ports.get("MaxRange", ports["MinRange"]) < ports["MinRange"]:
            raise validation("The minimum of a port range is above its maximum.")
    region.block_public_access = configuration
    region.block_public_access_by = (round(time.time(), 3), f"arn:aws:iam::{context.account}:user/embedded")


@named("CreatePersistentAppUI")
def create_persistent_app_ui(context: Context, region: Region, request: Request) -> None:
    cluster_id = request["TargetResourceArn"].rpartition("/")[2]
    if cluster_id not in region.clusters:
        raise no_cluster(cluster_id)
    raise invalid_request("The embedded AWS keeps no application history.")


@named("DescribePersistentAppUI")
def describe_persistent_app_ui(context: Context, region: Region, request: Request) -> None:
    raise invalid_request(f"Persistent app UI id '{request['PersistentAppUIId']}' is not valid.")


@named("GetPersistentAppUIPresignedURL")
def get_persistent_app_ui_presigned_url(context: Context, region: Region, request: Request) -> None:
    raise invalid_request(f"Persistent app UI id '{request['PersistentAppUIId']}' is not valid.")


@named("GetOnClusterAppUIPresignedURL")
def get_on_cluster_app_ui_presigned_url(context: Context, region: Region, request: Request) -> None:
    region.cluster(request["ClusterId"])
    raise invalid_request("The embedded AWS has no application user interfaces.")
