"""Steps: add, look, cancel."""

from __future__ import annotations

from typing import Any

from .. import describe, lifecycle, validate
from ..api import operation
from ..context import Context
from ..faults import FINISHED, invalid_request, no_step, validation
from ..model import STEP_OPEN, Step, new_id
from ..paging import page
from ..store import Region

Request = dict[str, Any]


@operation
def add_job_flow_steps(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = region.cluster(request["JobFlowId"])
    validate.steps(context, request["Steps"])
    with cluster.condition:
        if not cluster.modifiable:
            raise validation(FINISHED)
        active = sum(1 for step in cluster.steps if step.state in STEP_OPEN)
        if active + len(request["Steps"]) > validate.MAX_STEPS:
            raise validation(
                f"Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') for cluster exceeded {validate.MAX_STEPS}."
            )
        added = [
            Step(new_id("s-", 19), config, execution_role=request.get("ExecutionRoleArn"))
            for config in request["Steps"]
        ]
        cluster.steps += added
        cluster.condition.notify_all()
    for step in added:
        lifecycle.announce_step(context, cluster, step)
    return {"StepIds": [step.id for step in added]}


@operation
def describe_step(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = region.cluster(request["ClusterId"])
    with cluster.condition:
        step = cluster.step(request["StepId"])
        if step is None:
            raise no_step(request["StepId"])
        return {"Step": describe.step(step, cluster)}


@operation
def list_steps(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = region.cluster(request["ClusterId"])
    ids, states = request.get("StepIds"), request.get("StepStates")
    if ids and len(ids) > 10:
        raise invalid_request("At most 10 step ids can be given.")
    with cluster.condition:
        for step_id in ids or []:
            if cluster.step(step_id) is None:
                raise no_step(step_id)
        found = [
            step
            for step in reversed(cluster.steps)
            if (not ids or step.id in ids) and (not states or step.state in states)
        ]
        steps, marker = page(found, request.get("Marker"), lambda step: describe.step_summary(step, cluster))
    return {"Steps": steps, "Marker": marker}


@operation
def cancel_steps(context: Context, region: Region, request: Request) -> dict[str, Any]:
    cluster = region.cluster(request["ClusterId"])
    option = request.get("StepCancellationOption", "SEND_INTERRUPT")
    results = []
    with cluster.condition:
        if not cluster.modifiable:
            raise invalid_request(FINISHED)
        for step_id in request["StepIds"]:
            results.append({"StepId": step_id, **_cancel(context, cluster, cluster.step(step_id), step_id, option)})
        cluster.condition.notify_all()
    return {"CancelStepsInfoList": results}


def _cancel(context: Context, cluster: Any, step: Step | None, step_id: str, option: str) -> dict[str, str]:
    if step is None:
        raise no_step(step_id)
    if step.state not in ("PENDING", "RUNNING"):
        return {"Status": "FAILED", "Reason": f"Step in state {step.state} cannot be cancelled."}
    if step.state == "PENDING":
        lifecycle.cancel_pending(context, cluster, step, "Step was cancelled by user")
    else:
        step.state = "CANCEL_PENDING"
        step.cancelled = option
        if step.process is not None:
            step.process.stop(kill=option == "TERMINATE_PROCESS")
    return {"Status": "SUBMITTED", "Reason": ""}
