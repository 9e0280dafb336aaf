"""Resource Groups Tagging: GetResources finds our EMR clusters, which moto does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

_clusters: Callable[[], list[Any]] = list

_CLUSTER_TYPES = ("elasticmapreduce", "elasticmapreduce:cluster")


def clusters_from(source: Callable[[], list[Any]]) -> None:
    """Says where the clusters are."""
    global _clusters
    _clusters = source


def apply() -> None:
    from moto.resourcegroupstaggingapi import models

    backend = models.ResourceGroupsTaggingAPIBackend
    generate = backend._get_resources_generator

    def with_clusters(
        self: Any, tag_filters: Any = None, resource_type_filters: Any = None
    ) -> Iterator[dict[str, Any]]:
        kinds = resource_type_filters or []
        others = [kind for kind in kinds if kind not in _CLUSTER_TYPES]
        if not kinds or others:
            for found in generate(self, tag_filters=tag_filters, resource_type_filters=others or None):
                if ":elasticmapreduce:" not in found["ResourceARN"]:
                    yield found
        if not kinds or len(others) < len(kinds):
            for cluster in _clusters():
                # A cluster that ended hours ago is no longer found on AWS; here it is as soon as it ended.
                if (
                    cluster.region == self.region_name
                    and not cluster.finished
                    and cluster.tags
                    and _matches(cluster.tags, tag_filters or [])
                ):
                    tags = [{"Key": key, "Value": value} for key, value in cluster.tags.items()]
                    yield {"ResourceARN": cluster.arn, "Tags": tags}

    backend._get_resources_generator = with_clusters


def _matches(tags: dict[str, str], filters: list[dict[str, Any]]) -> bool:
    return all(
        wanted["Key"] in tags and (not wanted.get("Values") or tags[wanted["Key"]] in wanted["Values"])
        for wanted in filters
    )
