"""The admin API, for tests and for ``mrhealth local``. Unsigned: the server listens on loopback only.

GET  /_local/health                  {"status": "ok", "clusters": {...}, "response_violations": [...]}
GET  /_local/inbox[?topic_arn=A]     SNS messages, newest last
POST /_local/subscriptions/confirm   {"topic_arn": A, "endpoint": E}, both optional -> {"confirmed": [ARN]}
GET  /_local/config, PUT             the settings of ``config``; PUT changes the members it names
POST /_local/clusters/<id>/fail      {"reason": "capacity" | "instance" | "internal", "message": M}
POST /_local/mirror/pull, /push      brings the mirror (or S3) up to date -> {"changed": N, "buckets": {name: folder}}
POST /_local/shutdown
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from . import sns
from .config import ConfigError
from .emr.context import Context
from .errors import Answer

#: what POST .../fail can do to a cluster: state-change code, error code, message
_FAILURES = {
    "capacity": (
        "INTERNAL_ERROR",
        "INTERNAL_ERROR_EC2_INSUFFICIENT_CAPACITY_AZ",
        "Amazon EC2 has insufficient capacity for {type} in {region}a.",
    ),
    "instance": (
        "INSTANCE_FAILURE",
        "INSTANCE_FAILURE_PRIMARY_TERMINATED",
        "The master instance ({instance}) was terminated.",
    ),
    "internal": ("INTERNAL_ERROR", "INTERNAL_ERROR", "An internal error occurred."),
}


class _Problem(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Admin:
    def __init__(self, context: Context, violations: list[str], shutdown: Callable[[], None]) -> None:
        self._context = context
        self._violations = violations
        self._shutdown = shutdown

    def call(self, environ: dict[str, Any]) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix("/_local")
        try:
            result = self._route(method, path.strip("/").split("/"), environ)
        except (_Problem, ConfigError) as error:
            return _json({"error": str(error)}, getattr(error, "status", 400))
        return _json(result, 200)

    def _route(self, method: str, parts: list[str], environ: dict[str, Any]) -> Any:
        match method, parts:
            case "GET", ["health"]:
                return self._health()
            case "GET", ["inbox"]:
                topic = parse_qs(environ.get("QUERY_STRING", "")).get("topic_arn", [None])[0]
                return [each for each in sns.inbox() if topic in (None, each["topic_arn"])]
            case "POST", ["subscriptions", "confirm"]:
                body = _body(environ)
                self._context.backend("sns", self._context.region)
                return {"confirmed": sns.confirm(self._context.account, body.get("topic_arn"), body.get("endpoint"))}
            case "GET", ["config"]:
                return self._context.config.as_dict()
            case "PUT", ["config"]:
                self._context.config.update(_body(environ))
                return self._context.config.as_dict()
            case "POST", ["clusters", cluster_id, "fail"]:
                return self._fail(cluster_id, _body(environ))
            case "POST", ["mirror", "pull" | "push" as direction]:
                mirror = self._context.mirror
                changed = getattr(mirror, direction)()
                return {"changed": changed, "buckets": {name: str(mirror.folder(name)) for name in mirror.buckets()}}
            case "POST", ["shutdown"]:
                self._shutdown()
                return {"status": "stopping"}
        raise _Problem(404, f"there is no {method} /_local/{'/'.join(parts)}")

    def _health(self) -> dict[str, Any]:
        states: dict[str, int] = {}
        for cluster in self._context.store.clusters():
            states[cluster.state] = states.get(cluster.state, 0) + 1
        return {"status": "ok", "clusters": states, "response_violations": list(self._violations)}

    def _fail(self, cluster_id: str, body: dict[str, Any]) -> dict[str, Any]:
        cluster = next((each for each in self._context.store.clusters() if each.id == cluster_id), None)
        if cluster is None:
            raise _Problem(404, f"there is no cluster {cluster_id}")
        reason = body.get("reason", "instance")
        if reason not in _FAILURES:
            raise _Problem(400, f"reason must be one of {', '.join(_FAILURES)}")
        code, error_code, text = _FAILURES[reason]
        master = cluster.master
        message = body.get("message") or text.format(
            type=master.instance_type, region=cluster.region, instance=master.ec2_id
        )
        with cluster.condition:
            if not cluster.modifiable:
                raise _Problem(409, f"cluster {cluster_id} is {cluster.state}")
            cluster.errors.append(
                {"ErrorCode": error_code, "ErrorData": [{"instance-id": master.ec2_id}], "ErrorMessage": message}
            )
            cluster.end(code, message, with_errors=True)
        return {"cluster": cluster_id, "code": code, "message": message}


def _body(environ: dict[str, Any]) -> dict[str, Any]:
    raw = environ["wsgi.input"].read()
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        raise _Problem(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise _Problem(400, "the body must be a JSON object")
    return body


def _json(value: Any, status: int) -> Answer:
    return Answer(status, json.dumps(value).encode(), [("Content-Type", "application/json")])
