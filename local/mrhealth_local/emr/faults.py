"""EMR's errors [AWS.md 3.5, 4 A]."""

from __future__ import annotations

from ..errors import AwsError

FINISHED = "A job flow that is shutting down, terminated, or finished may not be modified."


def validation(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def invalid_request(message: str) -> AwsError:
    return AwsError("InvalidRequestException", message)


def no_cluster(cluster_id: str) -> AwsError:
    return invalid_request(f"Cluster id '{cluster_id}' is not valid.")


def no_step(step_id: str) -> AwsError:
    return invalid_request(f"Step id '{step_id}' is not valid.")
