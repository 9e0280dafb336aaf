"""What EMR knows: clusters with their steps, bootstrap actions, groups or fleets, and instances.

Everything about one cluster is guarded by the cluster's ``condition``; its life-cycle thread is the
only one that changes its state, requests only ask it to (``lifecycle``)."""

from __future__ import annotations

import random
import string
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACTIVE = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
STEP_OPEN = ("PENDING", "CANCEL_PENDING", "RUNNING")

_ALPHABET = string.ascii_uppercase + string.digits


def new_id(prefix: str, length: int = 13) -> str:
    return prefix + "".join(random.choices(_ALPHABET, k=length))


def new_instance_id() -> str:
    return "i-" + "".join(random.choices("0123456789abcdef", k=17))


@dataclass
class Reason:
    code: str | None = None
    message: str | None = None


@dataclass
class Step:
    id: str
    config: dict[str, Any]
    created: float = field(default_factory=time.time)
    started: float | None = None
    ended: float | None = None
    state: str = "PENDING"
    reason: Reason = field(default_factory=Reason)
    failure: dict[str, str] | None = None
    execution_role: str | None = None
    #: set while a process runs; how to stop it
    process: Any = None
    #: "SEND_INTERRUPT" or "TERMINATE_PROCESS" once cancelled while running
    cancelled: str | None = None

    @property
    def name(self) -> str:
        return self.config["Name"]

    @property
    def jar(self) -> dict[str, Any]:
        return self.config["HadoopJarStep"]

    @property
    def action_on_failure(self) -> str:
        action = self.config.get("ActionOnFailure", "CONTINUE")
        return "TERMINATE_CLUSTER" if action == "TERMINATE_JOB_FLOW" else action


@dataclass
class Instance:
    ec2_id: str
    instance_type: str
    market: str
    #: the group's or fleet's id
    owner: str
    number: int
    id: str = field(default_factory=lambda: new_id("ci-"))
    created: float = field(default_factory=time.time)
    ready: float | None = None
    ended: float | None = None
    state: str = "AWAITING_FULFILLMENT"
    reason: Reason = field(default_factory=Reason)


@dataclass
class Pool:
    """An instance group or an instance fleet."""

    id: str
    role: str
    config: dict[str, Any]
    created: float = field(default_factory=time.time)
    ready: float | None = None
    ended: float | None = None
    state: str = "PROVISIONING"
    reason: Reason = field(default_factory=Reason)
    auto_scaling_policy: dict[str, Any] | None = None

    @property
    def is_fleet(self) -> bool:
        return self.id.startswith("if-")


@dataclass
class Cluster:
    id: str
    region: str
    account: str
    request: dict[str, Any]
    directory: Path
    name: str = ""
    state: str = "STARTING"
    reason: Reason = field(default_factory=Reason)
    errors: list[dict[str, Any]] = field(default_factory=list)
    created: float = field(default_factory=time.time)
    ready: float | None = None
    ended: float | None = None
    keep_alive: bool = False
    protected: bool = False
    visible: bool = True
    unhealthy_node_replacement: bool = False
    step_concurrency: int = 1
    extended_support: bool = False
    steps: list[Step] = field(default_factory=list)
    pools: list[Pool] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    auto_termination: dict[str, Any] | None = None
    managed_scaling: dict[str, Any] | None = None
    #: why the cluster must end: set by requests, obeyed by the life-cycle thread
    ending: Reason | None = None
    ending_with_errors: bool = False
    condition: threading.Condition = field(default_factory=threading.Condition)

    @property
    def arn(self) -> str:
        return f"arn:aws:elasticmapreduce:{self.region}:{self.account}:cluster/{self.id}"

    @property
    def log_uri(self) -> str | None:
        uri = self.request.get("LogUri")
        return uri.rstrip("/") + "/" if uri else None

    @property
    def uses_fleets(self) -> bool:
        return any(pool.is_fleet for pool in self.pools)

    @property
    def finished(self) -> bool:
        return self.state in ENDED

    @property
    def modifiable(self) -> bool:
        return self.state in ACTIVE and self.ending is None

    @property
    def master(self) -> Instance:
        owners = {pool.id for pool in self.pools if pool.role == "MASTER"}
        return next(each for each in self.instances if each.owner in owners)

    def step(self, step_id: str) -> Step | None:
        return next((step for step in self.steps if step.id == step_id), None)

    def end(self, code: str, message: str, with_errors: bool) -> None:
        """Asks for the end; the first reason given stays. Call with the condition held."""
        if self.ending is None and not self.finished:
            self.ending = Reason(code, message)
            self.ending_with_errors = with_errors
            self.condition.notify_all()
