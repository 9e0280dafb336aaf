"""The WSGI application: admin API, EMR, S3, everything else to moto."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable
from http.client import responses
from typing import Any

from .admin import Admin
from .emr.api import EmrApi
from .emr.context import Context
from .errors import Answer, AwsError, answer_for, protocol_of
from .s3 import S3Front
from .scope import scope_of

log = logging.getLogger("mrhealth.http")


class Application:
    def __init__(self, context: Context, s3: S3Front, emr: EmrApi, admin: Admin) -> None:
        self._context = context
        self._s3 = s3
        self._emr = emr
        self._admin = admin

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        begun = time.monotonic()
        answer = self._answer(environ)
        names = {name.lower() for name, _ in answer.headers}
        if not names & {"x-amzn-requestid", "x-amz-request-id"}:
            answer.headers.append(("x-amzn-RequestId", str(uuid.uuid4())))
        what = environ.get("HTTP_X_AMZ_TARGET") or environ.get("RAW_URI", "")
        log.info(
            "%s %s %d %.0f ms", environ["REQUEST_METHOD"], what[:300], answer.status, (time.monotonic() - begun) * 1000
        )
        start_response(f"{answer.status} {responses.get(answer.status, 'Unknown')}", answer.headers)
        return answer.stream or [answer.body]

    def _answer(self, environ: dict[str, Any]) -> Answer:
        path = environ["PATH_INFO"]
        if path.startswith("/_local/"):
            return self._admin.call(environ)
        scope = scope_of(environ.get("HTTP_AUTHORIZATION", ""), environ.get("QUERY_STRING", ""))
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target.startswith("ElasticMapReduce.") or scope.service == "elasticmapreduce":
            return self._emr.call(target, environ["wsgi.input"].read(), scope)
        if scope.service == "s3" or (scope.service is None and not target and _looks_like_s3(environ)):
            return self._s3_answer(environ, scope)
        return self._context.gateway.call(environ, scope)

    def _s3_answer(self, environ: dict[str, Any], scope: Any) -> Answer:
        try:
            return self._s3.call(environ, scope)
        except AwsError as error:
            protocol = protocol_of("s3", None, "")
            return answer_for(error, protocol, head=environ["REQUEST_METHOD"] == "HEAD")


def _looks_like_s3(environ: dict[str, Any]) -> bool:
    """Unsigned calls are anonymous S3, or STS's AssumeRoleWithWebIdentity in a form or query."""
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    return not (form and environ["PATH_INFO"] == "/") and "Action=" not in environ.get("QUERY_STRING", "")
