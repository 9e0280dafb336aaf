"""Logs of steps and bootstrap actions in S3, as EMR lays them out [EMR guide emr-manage-view-web-log-files].

<LogUri>/<cluster>/steps/<step>/{controller,syslog,stdout,stderr}.gz
<LogUri>/<cluster>/node/<instance>/bootstrap-actions/<n>/{controller,stdout,stderr}.gz
<LogUri>/<cluster>/containers/<application>/<container>/{stdout,stderr}.gz    cluster deploy mode
"""

from __future__ import annotations

import datetime
import gzip
import logging
import threading
import time
from pathlib import Path

from .context import Context
from .mirror import split_uri
from .model import Cluster

log = logging.getLogger("mrhealth.logs")


class LogShipper:
    """Uploads a folder's files some time after they are complete, all of them before the cluster ends."""

    def __init__(self, context: Context, cluster: Cluster) -> None:
        self._context = context
        self._cluster = cluster
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[Path, threading.Timer]] = {}

    def location(self, prefix: str) -> str | None:
        """Where a log will be, or None when the cluster keeps none."""
        root = self._cluster.log_uri
        return f"{root}{self._cluster.id}/{prefix}" if root else None

    def ship(self, folder: Path, prefix: str) -> None:
        if self._cluster.log_uri is None:
            return
        timer = threading.Timer(self._context.config.current.log_upload_delay_seconds, self._due, (prefix,))
        timer.daemon = True
        with self._lock:
            self._waiting[prefix] = (folder, timer)
        timer.start()

    def flush(self) -> None:
        for prefix in list(self._waiting):
            self._due(prefix)

    def _due(self, prefix: str) -> None:
        with self._lock:
            entry = self._waiting.pop(prefix, None)
        if entry is None:
            return
        folder, timer = entry
        timer.cancel()
        try:
            self._upload(folder, prefix)
        except Exception as error:
            # As on AWS a cluster does not fail for its logs (e.g. the bucket is gone).
            log.warning("logs of %s were not uploaded: %s", prefix, error)

    def _upload(self, folder: Path, prefix: str) -> None:
        location = self.location(prefix)
        if location is None:
            return
        bucket, key = split_uri(location)
        store = self._context.backend("s3")
        for path in sorted(folder.iterdir()):
            if path.is_file():
                item = store.put_object(bucket, f"{key}/{path.name}.gz", gzip.compress(path.read_bytes(), 6))
                item.set_metadata({"Content-Type": "application/x-gzip"})


def moment() -> str:
    now = datetime.datetime.now(datetime.UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"


class Controller:
    """The log ``controller``: what EMR's step runner says about a process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._started = time.time()

    def say(self, text: str, level: str = "INFO") -> None:
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(f"{moment()} {level} {text}\n")

    def started(self, command: str, folder: str, pid: int, environment: dict[str, str]) -> None:
        self._started = time.time()
        self.say(f"startExec '{command}'")
        lines = "".join(
            f"  {name}={environment[name]}\n" for name in ("HOME", "PATH", "SPARK_HOME") if name in environment
        )
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(f"INFO Environment:\n{lines}")
            file.write(f"INFO redirectOutput to {folder}/stdout\nINFO redirectError to {folder}/stderr\n")
            file.write(f"INFO Working dir {folder}\nINFO ProcessRunner started child process {pid}\n")
        self.say(f"startRun() called, child pid: {pid}")
        self.say(f"Synchronously wait child process to complete : {command}")

    def ended(self, command: str, status: int) -> None:
        seconds = int(time.time() - self._started)
        self.say(f"waitProcessCompletion ended with exit code {status} : {command}")
        self.say(f"total process run time: {seconds} seconds")
        if status == 0:
            self.say(f"Step succeeded with exitCode 0 and took {seconds} seconds")
        else:
            self.say(f"Step failed with exitCode {status} and took {seconds} seconds", "WARN")
