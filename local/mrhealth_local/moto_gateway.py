"""The way into moto: imports it late, calls its WSGI application, mends its failures.

moto answers what it has not written, and what it trips over, with HTTP 500 or 404 and an HTML page.
No AWS client can read that and many retry it, so such answers become errors in the service's own
protocol here.
"""

from __future__ import annotations

import io
import logging
import os
import threading
from collections.abc import Iterable
from typing import Any

from .errors import Answer, AwsError, answer_for, not_implemented, protocol_of
from .scope import Scope

log = logging.getLogger("mrhealth.moto")

#: loaded in the background once the server listens: what a deployment calls first
_WARM = ("s3", "sts", "iam", "sns", "ec2", "events", "scheduler")


class MotoGateway:
    def __init__(self, account: str) -> None:
        self.account = account
        self.lock = threading.RLock()
        self._dispatcher: Any = None
        # Read by moto when it is imported.
        os.environ["MOTO_ACCOUNT_ID"] = account
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"
        os.environ["MOTO_S3_CUSTOM_ENDPOINTS"] = ""
        # moto calls itself with boto3 in places: never let it look for real credentials.
        os.environ.setdefault("AWS_ACCESS_KEY_ID", "embedded")
        os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "embedded")
        os.environ["AWS_EC2_METADATA_DISABLED"] = "true"

    def start(self) -> Any:
        """Imports moto's core and the fixes; idempotent."""
        with self.lock:
            if self._dispatcher is None:
                from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

                self._dispatcher = DomainDispatcherApplication(create_backend_app)
                # One lock for every import of a backend: two threads importing moto modules that
                # import each other could see half-made modules.
                self._dispatcher.lock = self.lock
            return self._dispatcher

    def warm(self) -> None:
        """Loads the services a deployment needs while nobody waits for them."""
        for service in _WARM:
            self.application_for(service)
        with self.lock:
            # Makes the account's store, which reads all managed policies.
            backend("iam", self.account, "aws")

    def application_for(self, service: str) -> Any:
        """moto's application of a service by name, loaded and mended."""
        authorization = f"AWS4-HMAC-SHA256 Credential=x/20000101/us-east-1/{service}/aws4_request"
        return self.application(
            {"HTTP_AUTHORIZATION": authorization, "PATH_INFO": "/", "HTTP_HOST": "127.0.0.1"}, service
        )

    def application(self, environ: dict[str, Any], service: str | None) -> Any:
        """moto's Flask application for a request, with our fixes to that service applied."""
        with self.lock:
            application = self.start().get_application(environ)
            apply_fixes(service or "s3", self.account)
            return application

    def call(self, environ: dict[str, Any], scope: Scope) -> Answer:
        """The complete answer of moto to a request, with failures in AWS's form."""
        protocol = protocol_of(scope.service, environ.get("HTTP_X_AMZ_TARGET"), environ.get("CONTENT_TYPE", ""))
        operation = _operation(environ)
        head = environ["REQUEST_METHOD"] == "HEAD"
        # moto prefers a region in the User-Agent to the one that was signed.
        environ["HTTP_USER_AGENT"] = "embedded"
        environ["HTTP_HOST"] = f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
        try:
            answer = _collect(self.application(environ, scope.service), environ)
        except NotImplementedError:
            return answer_for(not_implemented(protocol, operation), protocol, head=head)
        except AwsError as error:
            return answer_for(error, protocol, head=head)
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            log.exception("moto failed on %s", operation)
            error = AwsError(
                "InternalFailure", f"The embedded AWS failed on {operation}; its log.txt has the cause.", 500
            )
            return answer_for(error, protocol, head=head)
        content_type = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
        # An answer to HEAD never has a body to tell a page from an answer by: moto's own 404 is S3's.
        is_page = not head and content_type.startswith("text/html") and _is_page(answer.body)
        if answer.status in (404, 405, 500, 501) and is_page:
            log.warning("%s is not implemented (%d)", operation, answer.status)
            return answer_for(not_implemented(protocol, operation), protocol, head=head)
        return answer


def backend(service: str, account: str, region: str) -> Any:
    """moto's in-process store of a service; `region` is "aws" for global services."""
    import moto.backends

    return moto.backends.get_backend(service)[account][region]


_fixed: set[str] = set()


def apply_fixes(service: str, account: str) -> None:
    """Patches moto's modules of a service once, when it is first used."""
    if service in _fixed:
        return
    _fixed.add(service)
    if service == "s3":
        from . import s3_fixes

        s3_fixes.apply()
    elif service == "sns":
        from . import sns

        sns.apply()
    elif service == "ec2":
        from . import ec2_fixes

        ec2_fixes.apply()
    elif service == "tagging":
        from . import tagging

        tagging.apply()


def _collect(application: Any, environ: dict[str, Any]) -> Answer:
    head: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        head[:] = [int(status.split(" ", 1)[0]), headers]

    pieces: Iterable[bytes] = application(environ, start_response)
    try:
        parts = list(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return Answer(head[0], parts[0] if len(parts) == 1 else b"".join(parts), list(head[1]))


def _is_page(body: bytes) -> bool:
    start = body[:64].lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html")) or not start


def _operation(environ: dict[str, Any]) -> str:
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return target.rpartition(".")[2]
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size)
        environ["wsgi.input"] = io.BytesIO(body)
        for pair in body.split(b"&"):
            if pair.startswith(b"Action="):
                return pair[7:].decode("latin-1")
    return f"{environ['REQUEST_METHOD']} {environ.get('RAW_URI', environ['PATH_INFO'])}"
