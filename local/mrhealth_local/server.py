"""``serve``: one server a folder, its endpoint file, its end."""

from __future__ import annotations

import datetime
import fcntl
import json
import logging
import os
import random
import signal
import string
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import VERSION
from .config import Config

log = logging.getLogger("mrhealth.server")

_STARTING_LIMIT = 30.0


@dataclass
class Options:
    directory: Path
    port: int
    account: str
    region: str
    config: str | None
    cache: Path | None


class AlreadyServed(Exception):
    """Another process serves the folder; `endpoint` is its file's content, or None when it never got ready."""

    def __init__(self, endpoint: dict[str, Any] | None) -> None:
        super().__init__("already served")
        self.endpoint = endpoint


def serve(options: Options) -> int:
    directory = options.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        lock = _lock(directory)
    except AlreadyServed as served:
        return _report_running(served.endpoint, directory)
    config = Config.load(options.config)
    endpoint_file = directory / "endpoint.json"
    # We hold the lock, so whoever wrote it is gone.
    endpoint_file.unlink(missing_ok=True)
    _log_to(directory / "log.txt")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server, context = _build(options, directory, config, stop)
    endpoint = {
        "endpoint": f"http://127.0.0.1:{server.port}",
        "pid": os.getpid(),
        "account": options.account,
        "region": options.region,
        "access_key_id": context.access_key_id,
        "secret_access_key": context.secret_access_key,
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "version": VERSION,
    }
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    _write_private(endpoint_file, json.dumps(endpoint))
    print(json.dumps(endpoint), flush=True)
    log.info("serving %s at %s", directory, endpoint["endpoint"])
    threading.Thread(target=_warm, args=(context,), name="warm", daemon=True).start()
    stop.wait()
    log.info("stopping")
    endpoint_file.unlink(missing_ok=True)
    server.shutdown()
    _stop_clusters(context)
    os.close(lock)
    return 0


def _build(options: Options, directory: Path, config: Config, stop: threading.Event) -> tuple[Any, Any]:
    from .admin import Admin
    from .app import Application
    from .ec2_fixes import users_from
    from .emr import network
    from .emr.api import EmrApi
    from .emr.archive import Archive
    from .emr.context import Context
    from .emr.mirror import Mirror
    from .http_server import Server
    from .moto_gateway import MotoGateway
    from .s3 import S3Front
    from .tagging import clusters_from

    cache = (options.cache or directory / "cds").resolve()
    cache.mkdir(parents=True, exist_ok=True)
    gateway = MotoGateway(options.account)
    context = Context(
        account=options.account,
        region=options.region,
        directory=directory,
        cache=cache,
        config=config,
        gateway=gateway,
        access_key_id="AKIA" + "".join(random.choices(string.ascii_uppercase + "234567", k=16)),
        secret_access_key="".join(random.choices(string.ascii_letters + string.digits, k=40)),
    )
    clusters_from(context.store.clusters)
    users_from(lambda group_id: network.uses(context.store.clusters(), group_id))
    s3 = S3Front(gateway, config)
    context.mirror = Mirror(context, s3.locks)
    context.archive = Archive(cache)
    emr = EmrApi(context)
    admin = Admin(context, emr.violations, stop.set)
    server = Server(options.port, Application(context, s3, emr, admin))
    context.endpoint = f"http://127.0.0.1:{server.port}"
    return server, context


def _warm(context: Any) -> None:
    try:
        context.gateway.warm()
        log.info("services loaded")
    except Exception:
        log.exception("loading the services ahead failed")


def _stop_clusters(context: Any) -> None:
    """Kills what runs; the guards kill the rest when this process is gone."""
    for cluster in context.store.clusters():
        with cluster.condition:
            cluster.end("INTERNAL_ERROR", "The embedded AWS was stopped.", with_errors=True)
            for step in cluster.steps:
                if step.process is not None:
                    step.process.stop(kill=True)
    context.archive.stop()
    deadline = time.monotonic() + 3
    for cluster in context.store.clusters():
        while any(step.process is not None for step in cluster.steps) and time.monotonic() < deadline:
            time.sleep(0.02)


def _lock(directory: Path) -> int:
    """Takes the folder's lock, which ends with its process; raises AlreadyServed."""
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise AlreadyServed(_await_endpoint(directory / "endpoint.json")) from None
    return handle


def _await_endpoint(path: Path) -> dict[str, Any] | None:
    """The other server's endpoint; it may be just starting."""
    deadline = time.monotonic() + _STARTING_LIMIT
    while time.monotonic() < deadline:
        try:
            endpoint = json.loads(path.read_text(encoding="utf-8"))
            os.kill(endpoint["pid"], 0)
            return endpoint
        except (OSError, ValueError, KeyError):
            time.sleep(0.05)
    return None


def _report_running(endpoint: dict[str, Any] | None, directory: Path) -> int:
    if endpoint is None:
        print(f"another process holds {directory} but does not answer", file=sys.stderr)
        return 1
    print(json.dumps(endpoint), flush=True)
    print(f"already serving {directory} as process {endpoint['pid']} at {endpoint['endpoint']}", file=sys.stderr)
    return 0


def _write_private(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    os.replace(part, path)


def _log_to(path: Path) -> None:
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("mrhealth").setLevel(logging.INFO)
