"""Moves a cluster through its states, one thread a cluster.

STARTING -> BOOTSTRAPPING -> RUNNING <-> WAITING -> TERMINATING -> TERMINATED or TERMINATED_WITH_ERRORS
[EMR guide emr-overview; AWS.md 3.5, 4 D]. Requests only leave a wish (``Cluster.ending``, a new or cancelled
step) and notify ``Cluster.condition``; this thread obeys. Steps run on threads of their own,
``StepConcurrencyLevel`` at a time, in the order they were added."""

from __future__ import annotations

import json
import logging
import threading
import time

from . import executor, network, rules
from .context import Context
from .model import Cluster, Reason, Step

log = logging.getLogger("mrhealth.emr")

_READY = "Cluster ready to run steps."
_JOB_TERMINATED = "Job terminated"


def start(context: Context, cluster: Cluster) -> None:
    announce_cluster(context, cluster)
    threading.Thread(target=_guarded, args=(context, cluster), name=cluster.id, daemon=True).start()


def announce_cluster(context: Context, cluster: Cluster) -> None:
    """The event EMR sends on every change; stateChangeReason is a string holding JSON [AWS.md 3.6]."""
    reason = {
        name: value for name, value in (("code", cluster.reason.code), ("message", cluster.reason.message)) if value
    }
    detail = {
        "severity": "CRITICAL" if cluster.state == "TERMINATED_WITH_ERRORS" else "INFO",
        "stateChangeReason": json.dumps(reason),
        "name": cluster.name,
        "clusterId": cluster.id,
        "state": cluster.state,
        "message": f"Amazon EMR cluster {cluster.id} ({cluster.name}) is now {cluster.state}.",
    }
    context.announce("EMR Cluster State Change", cluster.region, detail)


def announce_step(context: Context, cluster: Cluster, step: Step) -> None:
    detail = {
        "severity": "ERROR" if step.state == "FAILED" else "INFO",
        "actionOnFailure": step.action_on_failure,
        "stepId": step.id,
        "name": step.name,
        "clusterId": cluster.id,
        "state": step.state,
        "message": f"Step {step.id} ({step.name}) in Amazon EMR cluster {cluster.id} ({cluster.name}) is now {step.state}.",
    }
    context.announce("EMR Step Status Change", cluster.region, detail)


def cancel_pending(context: Context, cluster: Cluster, step: Step, message: str) -> None:
    """Cancels a step that has not begun. Call with the condition held."""
    step.state, step.ended, step.reason = "CANCELLED", time.time(), Reason(None, message)
    announce_step(context, cluster, step)


def _guarded(context: Context, cluster: Cluster) -> None:
    try:
        _Life(context, cluster).run()
    except Exception:
        log.exception("cluster %s failed", cluster.id)
        with cluster.condition:
            cluster.end("INTERNAL_ERROR", "The embedded AWS failed; its log.txt has the cause.", with_errors=True)
            for step in cluster.steps:
                if step.state == "PENDING":
                    cancel_pending(context, cluster, step, _JOB_TERMINATED)
            cluster.reason = cluster.ending or Reason("INTERNAL_ERROR")
            cluster.state, cluster.ended = "TERMINATED_WITH_ERRORS", time.time()
        announce_cluster(context, cluster)


class _Life:
    def __init__(self, context: Context, cluster: Cluster) -> None:
        self._context = context
        self._cluster = cluster
        self._condition = cluster.condition
        self._executor = executor.Executor(context, cluster)
        self._running: list[threading.Thread] = []

    def run(self) -> None:
        if self._provision() and self._bootstrap():
            self._work()
        self._shut_down()

    def _set(self, state: str, code: str | None = None, message: str | None = None) -> None:
        with self._condition:
            if self._cluster.state == state:
                return
            self._cluster.state, self._cluster.reason = state, Reason(code, message)
        log.info("cluster %s is %s", self._cluster.id, state)
        announce_cluster(self._context, self._cluster)

    def _pause(self, seconds: float) -> bool:
        """Waits; False as soon as the cluster is to end."""
        with self._condition:
            self._condition.wait_for(lambda: self._cluster.ending is not None, seconds)
            return self._cluster.ending is None

    def _provision(self) -> bool:
        if not self._pause(self._context.config.current.starting_seconds):
            return False
        refusal = rules.refusal(self._context, self._cluster)
        if refusal is None:
            network.open_managed_groups(self._context, self._cluster)
            return True
        with self._condition:
            self._cluster.errors.append(
                {"ErrorCode": refusal.error_code, "ErrorData": [], "ErrorMessage": refusal.message}
            )
            self._cluster.end("VALIDATION_ERROR", refusal.message, with_errors=True)
        return False

    def _bootstrap(self) -> bool:
        with self._condition:
            for pool in self._cluster.pools:
                pool.state = "BOOTSTRAPPING"
            for instance in self._cluster.instances:
                instance.state = "BOOTSTRAPPING"
        self._set("BOOTSTRAPPING")
        self._executor.prepare()
        for number, action in enumerate(self._cluster.request.get("BootstrapActions", []), 1):
            failure = self._executor.bootstrap(number, action)
            if self._cluster.ending is not None:
                return False
            if failure is not None:
                with self._condition:
                    self._cluster.errors.append(
                        {
                            "ErrorCode": failure.error_code,
                            "ErrorData": [{"instance-id": self._cluster.master.ec2_id}],
                            "ErrorMessage": failure.message,
                        }
                    )
                    self._cluster.end("BOOTSTRAP_FAILURE", failure.message, with_errors=True)
                return False
        if not self._pause(self._context.config.current.bootstrapping_seconds):
            return False
        now = time.time()
        with self._condition:
            self._cluster.ready = now
            for pool in self._cluster.pools:
                pool.state, pool.ready = "RUNNING", now
            for instance in self._cluster.instances:
                instance.state, instance.ready = "RUNNING", now
        return True

    def _work(self) -> None:
        """Runs steps until the cluster is to end."""
        cluster = self._cluster
        idle_since: float | None = None
        waiting_message = _READY
        while True:
            started: list[Step] = []
            with self._condition:
                if cluster.ending is not None:
                    return
                self._running = [thread for thread in self._running if thread.is_alive()]
                pending = [step for step in cluster.steps if step.state == "PENDING"]
                busy = sum(1 for step in cluster.steps if step.state in ("RUNNING", "CANCEL_PENDING"))
                for step in pending[: max(0, cluster.step_concurrency - busy)]:
                    step.state, step.started = "RUNNING", time.time()
                    started.append(step)
                idle = not pending and not busy
                if idle and not cluster.keep_alive:
                    cluster.end("ALL_STEPS_COMPLETED", "Steps completed", with_errors=False)
                    return
            if started or not idle:
                idle_since = None
                self._set("RUNNING", None, "Running step")
                for step in started:
                    announce_step(self._context, cluster, step)
                    thread = threading.Thread(target=self._run_step, args=(step,), name=step.id, daemon=True)
                    self._running.append(thread)
                    thread.start()
            else:
                last = max(
                    (step for step in cluster.steps if step.started and step.ended),
                    key=lambda step: step.ended or 0,
                    default=None,
                )
                if last is not None:
                    waiting_message = f"Cluster ready after last step {last.state.lower()}."
                idle_since = idle_since or time.time()
                self._set("WAITING", None, waiting_message)
                if self._idle_too_long(idle_since):
                    return
            with self._condition:
                if not self._due():
                    self._condition.wait(self._patience(idle_since))

    def _due(self) -> bool:
        """Whether something changed that the loop has not seen. Call with the condition held."""
        cluster = self._cluster
        busy = sum(1 for step in cluster.steps if step.state in ("RUNNING", "CANCEL_PENDING"))
        pending = any(step.state == "PENDING" for step in cluster.steps)
        settled = (
            cluster.state == "RUNNING"
            and (busy or pending)
            or cluster.state == "WAITING"
            and not busy
            and not pending
            and cluster.keep_alive
        )
        return cluster.ending is not None or (pending and busy < cluster.step_concurrency) or not settled

    def _patience(self, idle_since: float | None) -> float | None:
        policy = self._cluster.auto_termination
        if idle_since is None or not policy or self._cluster.state != "WAITING":
            return None
        return max(0.05, idle_since + policy["IdleTimeout"] - time.time())

    def _idle_too_long(self, idle_since: float) -> bool:
        policy = self._cluster.auto_termination
        if not policy or time.time() - idle_since < policy["IdleTimeout"]:
            return False
        with self._condition:
            # Auto-termination does not touch a protected cluster [EMR guide emr-auto-termination-policy].
            if self._cluster.protected:
                return False
            self._cluster.end(
                "USER_REQUEST",
                "Terminated by user request: the cluster was idle longer than its auto-termination policy allows",
                with_errors=False,
            )
        return True

    def _run_step(self, step: Step) -> None:
        try:
            outcome = self._executor.run(step)
        except Exception as error:
            log.exception("step %s failed", step.id)
            outcome = executor.Outcome(
                failed=True, failure={"Reason": "Unknown Error.", "Message": f"The embedded AWS failed: {error}"}
            )
        cluster = self._cluster
        with self._condition:
            step.process = None
            step.ended = time.time()
            if cluster.ending is not None and outcome.failed:
                step.state, step.reason = "CANCELLED", Reason(None, _JOB_TERMINATED)
            elif step.cancelled and outcome.failed:
                step.state, step.reason = "CANCELLED", Reason(None, "Step was cancelled by user")
            elif outcome.failed:
                step.state, step.failure = "FAILED", outcome.failure
                self._after_failure(step)
            else:
                step.state = "COMPLETED"
            self._condition.notify_all()
        log.info("step %s of %s is %s", step.id, cluster.id, step.state)
        announce_step(self._context, cluster, step)
        if all(
            other.state != "RUNNING" and other.state != "PENDING"
            for each in self._context.store.clusters()
            for other in each.steps
        ):
            self._context.archive.make_later()

    def _after_failure(self, step: Step) -> None:
        """ActionOnFailure [AWS.md 3.5]; a protected cluster stays, its other steps are cancelled."""
        action = step.action_on_failure
        if action == "TERMINATE_CLUSTER" and not self._cluster.protected:
            self._cluster.end("STEP_FAILURE", "Shut down as step failed", with_errors=True)
        elif action != "CONTINUE":
            for other in self._cluster.steps:
                if other.state == "PENDING":
                    cancel_pending(self._context, self._cluster, other, f"Cancelled as step {step.id} failed")

    def _shut_down(self) -> None:
        cluster = self._cluster
        with self._condition:
            ending = cluster.ending or Reason("INTERNAL_ERROR", "The cluster ended")
            for step in cluster.steps:
                if step.state == "PENDING":
                    cancel_pending(self._context, cluster, step, _JOB_TERMINATED)
                elif step.state in ("RUNNING", "CANCEL_PENDING") and step.process is not None:
                    step.process.stop(kill=True)
        self._set("TERMINATING", ending.code, ending.message)
        for thread in self._running:
            thread.join()
        time.sleep(self._context.config.current.terminating_seconds)
        self._executor.close()
        now = time.time()
        with self._condition:
            cluster.ended = now
            for pool in cluster.pools:
                pool.state, pool.ended, pool.reason = (
                    "TERMINATED",
                    now,
                    Reason("CLUSTER_TERMINATED", "Job flow terminated"),
                )
            for instance in cluster.instances:
                if instance.state != "TERMINATED":
                    instance.state, instance.ended, instance.reason = (
                        "TERMINATED",
                        now,
                        Reason("CLUSTER_TERMINATED", "Instance was terminated."),
                    )
        self._set("TERMINATED_WITH_ERRORS" if cluster.ending_with_errors else "TERMINATED", ending.code, ending.message)
