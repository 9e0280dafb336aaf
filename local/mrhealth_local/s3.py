"""S3 requests on their way to moto: buckets of strangers, uploads, one writer a key."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from . import s3_downloads, s3_uploads
from .config import Config
from .errors import Answer, AwsError
from .moto_gateway import MotoGateway, backend
from .scope import Scope

_READS = ("GET", "HEAD", "OPTIONS")


class KeyLocks:
    """A lock for each key being written. moto's If-Match and If-None-Match look first and act later:
    without this, two writers can both win (AWS.md 0.3)."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[tuple[str, str], list[Any]] = {}

    @contextlib.contextmanager
    def writing(self, bucket: str, key: str) -> Iterator[None]:
        name = (bucket, key)
        with self._guard:
            entry = self._locks.setdefault(name, [threading.Lock(), 0])
            entry[1] += 1
        try:
            with entry[0]:
                yield
        finally:
            with self._guard:
                entry[1] -= 1
                if entry[1] == 0:
                    del self._locks[name]


class S3Front:
    def __init__(self, gateway: MotoGateway, config: Config) -> None:
        self._gateway = gateway
        self._config = config
        self.locks = KeyLocks()

    def call(self, environ: dict[str, Any], scope: Scope) -> Answer:
        bucket, _, key = _path(environ).partition("/")
        self._refuse_foreign(environ, bucket, key)
        if s3_uploads.carries_object(environ, key):
            s3_uploads.receive(environ)
        if (item := self._large(environ, bucket, key)) is not None:
            answer = s3_downloads.send(item, environ, lambda changed: self._gateway.call(changed, scope))
            if answer is not None:
                return answer
        if environ["REQUEST_METHOD"] in _READS or not key:
            answer = self._retried(lambda: self._gateway.call(environ, scope))
            if environ["REQUEST_METHOD"] == "HEAD" and key and answer.status == 200:
                answer.headers = s3_downloads.qualified(answer.headers, self._store().get_object(bucket, key))
            return answer
        with self.locks.writing(bucket, key):
            if environ["REQUEST_METHOD"] == "DELETE" and "HTTP_IF_MATCH" in environ:
                self._check_delete(environ["HTTP_IF_MATCH"], bucket, key)
            return self._gateway.call(environ, scope)

    def _large(self, environ: dict[str, Any], bucket: str, key: str) -> Any:
        if environ["REQUEST_METHOD"] != "GET" or not key:
            return None
        return s3_downloads.large_object(self._store(), environ, bucket, key)

    def _store(self) -> Any:
        """moto's own S3."""
        self._gateway.application_for("s3")
        return backend("s3", self._gateway.account, "aws")

    def _refuse_foreign(self, environ: dict[str, Any], bucket: str, key: str) -> None:
        if bucket and bucket in self._config.current.foreign_buckets:
            if environ["REQUEST_METHOD"] == "PUT" and not key and not environ.get("QUERY_STRING"):
                raise AwsError(
                    "BucketAlreadyExists",
                    "The requested bucket name is not available. The bucket namespace is shared by all users of the "
                    "system. Please select a different name and try again.",
                    409,
                )
            raise AwsError("AccessDenied", "Access Denied", 403)

    def _retried(self, call: Callable[[], Answer]) -> Answer:
        """A listing that met a concurrent upload ("dictionary changed size during iteration") is
        made again: moto does not lock its stores."""
        answer = call()
        for _ in range(4):
            if answer.status != 500:
                break
            answer = call()
        return answer

    def _check_delete(self, expected: str, bucket: str, key: str) -> None:
        """DeleteObject with If-Match, which moto ignores [S3 guide conditional-deletes]."""
        current = self._store().get_object(bucket, key)
        if current is None:
            if expected.strip() == "*":
                return
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        if expected.strip() != "*" and expected.strip('" ') != current.etag.strip('"'):
            raise AwsError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)


def _path(environ: dict[str, Any]) -> str:
    return environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace").lstrip("/")
