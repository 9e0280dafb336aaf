"""The releases EMR offers, their applications and instance types.

Labels and instance types come from moto's data (taken from AWS); labels newer than it and the
versions of applications from AWS.md 3.5 (ReleaseGuide emr-7130-release, Spark-release-history)."""

from __future__ import annotations

import functools
import gzip
import json
import re
from importlib import resources
from typing import Any

_NEWER = ("emr-7.14.0",)
#: the Spark 4 line; on EC2 only these applications [emr-spark800-release]
_SPARK_LINE = {
    "emr-spark-8.1.0": "4.1.1-amzn-0",
    "emr-spark-8.0.0": "4.0.2-amzn-0",
}
_SPARK_LINE_APPLICATIONS = (
    "AmazonCloudWatchAgent",
    "Delta",
    "Hadoop",
    "Hudi",
    "Iceberg",
    "JupyterEnterpriseGateway",
    "Livy",
    "Spark",
)

_APPLICATIONS = (
    "AmazonCloudWatchAgent", "Delta", "Flink", "HBase", "HCatalog", "Hadoop", "Hive", "Hudi", "Hue", "Iceberg",
    "JupyterEnterpriseGateway", "JupyterHub", "Livy", "MXNet", "Oozie", "Phoenix", "Pig", "Presto", "Spark",
    "TensorFlow", "Tez", "Trino", "Zeppelin", "ZooKeeper",
)  # fmt: skip
#: left EMR with release 7 [emr-700-release]
_GONE_IN_7 = ("Ganglia", "Mahout", "Sqoop", "MXNet")

_SPARK_VERSIONS = {
    "emr-7.14.0": "3.5.8-amzn-0",
    "emr-7.13.0": "3.5.6-amzn-2",
    "emr-7.12.0": "3.5.6-amzn-1",
    "emr-7.10.0": "3.5.5-amzn-1",
    "emr-7.5.0": "3.5.2-amzn-1",
}
_OTHER_VERSIONS = {
    "Hadoop": "3.4.1-amzn-4",
    "Hive": "3.1.3-amzn-21",
    "Livy": "0.8.0-incubating",
    "Tez": "0.10.2-amzn-19",
    "Trino": "476-amzn-1",
}


@functools.cache
def _resource(name: str) -> Any:
    folder = resources.files("moto") / "emr" / "resources"
    packed, plain = folder / (name + ".gz"), folder / name
    if packed.is_file():
        return json.loads(gzip.decompress(packed.read_bytes()))
    return json.loads(plain.read_text(encoding="utf-8")) if plain.is_file() else None


def _order(label: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", label))


def labels(region: str) -> list[str]:
    """Every release label of a region, newest first."""
    known = _resource(f"release-labels-{region}.json") or _resource("release-labels-us-east-1.json") or []
    plain = sorted({*known, *_NEWER}, key=_order, reverse=True)
    return [*_SPARK_LINE, *plain]


def applications(label: str) -> tuple[str, ...]:
    if label in _SPARK_LINE:
        return _SPARK_LINE_APPLICATIONS
    if _order(label) < (7,):
        return (*_APPLICATIONS, *_GONE_IN_7)
    return tuple(name for name in _APPLICATIONS if name not in _GONE_IN_7)


def canonical_application(name: str) -> str:
    """EMR takes application names in any case and answers its own spelling."""
    known = {each.lower(): each for each in (*_APPLICATIONS, *_GONE_IN_7)}
    return known.get(name.lower(), name)


def application_version(label: str, name: str) -> str | None:
    if name == "Spark":
        return _SPARK_LINE.get(label) or _SPARK_VERSIONS.get(
            label, "3.5.6-amzn-0" if label.startswith("emr-7") else None
        )
    return _OTHER_VERSIONS.get(name) if label.startswith("emr-7") or label in _SPARK_LINE else None


def _types_label(label: str) -> str:
    """The newest release at or before `label` whose instance types are known."""
    if _resource(f"instance-types-{label}.json"):
        return label
    candidates = [each for each in labels("us-east-1") if each.startswith("emr-") and each not in _SPARK_LINE]
    wanted = (99,) if label in _SPARK_LINE else _order(label)
    return next(each for each in candidates if _order(each) <= wanted and _resource(f"instance-types-{each}.json"))


def instance_types(label: str) -> list[dict[str, Any]]:
    """What ListSupportedInstanceTypes answers for a release."""
    names = set(_resource(f"instance-types-{_types_label(label)}.json"))
    details = _resource("instance_types.json")
    return [item for name, item in details.items() if name in names]


@functools.cache
def instance_type_names(label: str) -> frozenset[str]:
    return frozenset(_resource(f"instance-types-{_types_label(label)}.json"))
