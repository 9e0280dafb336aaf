"""All clusters and EMR's account-wide settings, by region."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from .faults import no_cluster
from .model import Cluster

#: on by default, SSH excepted [EMR guide emr-block-public-access]
_BLOCK_PUBLIC_ACCESS = {
    "BlockPublicSecurityGroupRules": True,
    "PermittedPublicSecurityGroupRuleRanges": [{"MinRange": 22, "MaxRange": 22}],
}


@dataclass
class Region:
    name: str
    clusters: dict[str, Cluster] = field(default_factory=dict)
    security_configurations: dict[str, dict[str, Any]] = field(default_factory=dict)
    block_public_access: dict[str, Any] = field(default_factory=lambda: dict(_BLOCK_PUBLIC_ACCESS))
    block_public_access_by: tuple[float, str] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def cluster(self, cluster_id: str) -> Cluster:
        """The cluster, or EMR's error for an id it does not know."""
        try:
            return self.clusters[cluster_id]
        except KeyError:
            raise no_cluster(cluster_id) from None


class Store:
    def __init__(self) -> None:
        self._regions: dict[str, Region] = {}
        self._lock = threading.Lock()

    def region(self, name: str) -> Region:
        with self._lock:
            if name not in self._regions:
                self._regions[name] = Region(name)
            return self._regions[name]

    def regions(self) -> list[Region]:
        with self._lock:
            return list(self._regions.values())

    def clusters(self) -> list[Cluster]:
        return [cluster for region in self.regions() for cluster in list(region.clusters.values())]
