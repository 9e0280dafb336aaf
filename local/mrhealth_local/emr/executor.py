"""Runs bootstrap actions and steps for one cluster, in its folder, as real processes.

Layout of ``clusters/<id>/``: ``home`` (HOME), ``bin`` (sudo, python3, pip3, aws, ... of ``shims``), ``site`` (what
pip installs), ``conf`` (Spark), ``tmp``, ``steps/<id>/`` and ``bootstrap-actions/<n>/`` (working folders, whose
``logs`` hold stdout, stderr and controller)."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import failure, spark
from .commands import CannotStart, Command, Workspace, command_for, script
from .context import Context
from .logs import Controller, LogShipper
from .model import Cluster, Step
from .process import Process

log = logging.getLogger("mrhealth.executor")

_PACKAGE = Path(__file__).resolve().parent.parent
#: what of the server's own environment a cluster may see: how pip reaches its index
_PASSED_ON = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "TZ",
)


@dataclass
class Outcome:
    failed: bool
    failure: dict[str, str] = field(default_factory=dict)


@dataclass
class BootstrapFailure:
    message: str
    error_code: str


class Executor:
    def __init__(self, context: Context, cluster: Cluster) -> None:
        self._context = context
        self._cluster = cluster
        self._logs = LogShipper(context, cluster)
        folder = cluster.directory
        self._home, self._bin, self._site, self._tmp = folder / "home", folder / "bin", folder / "site", folder / "tmp"

    def prepare(self) -> None:
        """Makes the node: its folders and its commands."""
        for path in (self._home, self._bin, self._site, self._tmp, self._cluster.directory / "warehouse"):
            path.mkdir(parents=True, exist_ok=True)
        for shim in (_PACKAGE / "shims").iterdir():
            target = self._bin / shim.name
            shutil.copyfile(shim, target)
            target.chmod(0o755)
        self._settings()

    def close(self) -> None:
        """The cluster ends: its logs go to S3, its scratch goes away."""
        self._logs.flush()
        shutil.rmtree(self._tmp, ignore_errors=True)

    def bootstrap(self, number: int, action: dict[str, Any]) -> BootstrapFailure | None:
        """Runs a bootstrap action on the master; None when it succeeded."""
        instance = self._cluster.master.ec2_id
        folder = self._cluster.directory / "bootstrap-actions" / str(number)
        logs = folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        controller = Controller(logs / "controller")
        path, args = action["ScriptBootstrapAction"]["Path"], action["ScriptBootstrapAction"].get("Args", [])
        self._context.mirror.pull()
        try:
            argv = script([path, *args], self._workspace(folder))
        except FileNotFoundError:
            controller.say(f"Could not download {path}", "ERROR")
            self._ship_bootstrap(logs, instance, number)
            return BootstrapFailure(
                f"On the master instance ({instance}), application provisioning failed: could not download bootstrap action {number} from {path}",
                "BOOTSTRAP_FAILURE_BA_DOWNLOAD_FAILED_PRIMARY",
            )
        shown = " ".join([path, *args])
        status = self._run(Command(argv, shown), folder, logs, controller, None)
        self._ship_bootstrap(logs, instance, number)
        if status == 0:
            return None
        return BootstrapFailure(
            f"On the master instance ({instance}), bootstrap action {number} returned a non-zero return code",
            "BOOTSTRAP_FAILURE_PRIMARY_WITH_NON_ZERO_CODE",
        )

    def _ship_bootstrap(self, logs: Path, instance: str, number: int) -> None:
        self._logs.ship(logs, f"node/{instance}/bootstrap-actions/{number}")

    def run(self, step: Step) -> Outcome:
        """Runs a step to its end; what it wrote to its buckets is in S3 when this returns."""
        folder = self._cluster.directory / "steps" / step.id
        logs = folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        for name in ("stdout", "stderr", "syslog"):
            (logs / name).touch()
        controller = Controller(logs / "controller")
        number = self._cluster.steps.index(step) + 1
        controller.say(f"Ensure step {number} jar file {step.jar['Jar']}")
        controller.say(f"StepRunner: Created Runner for step {number}")
        container: Path | None = None
        self._context.mirror.pull()
        try:
            command = command_for(step.jar, self._workspace(folder))
            status = self._run(command, folder, logs, controller, step)
            if command.cluster_mode:
                container = self._containerise(logs, step, status)
        except CannotStart as error:
            (logs / "stderr").write_text(f"{error}\n", encoding="utf-8")
            controller.say("Step failed with exitCode 1 and took 0 seconds", "WARN")
            status = 1
        finally:
            self._context.mirror.push()
        outcome = Outcome(failed=status != 0)
        if outcome.failed:
            outcome.failure = failure.details(container or logs, self._logs.location(f"steps/{step.id}"))
        self._logs.ship(logs, f"steps/{step.id}")
        shutil.rmtree(folder / "files", ignore_errors=True)
        return outcome

    def _run(self, command: Command, folder: Path, logs: Path, controller: Controller, step: Step | None) -> int:
        environment = self._environment()
        process = Process(command.argv, cwd=folder, env=environment, stdout=logs / "stdout", stderr=logs / "stderr")
        with self._cluster.condition:
            if step is not None:
                step.process = process
                stopped = step.cancelled or ("ended" if self._cluster.ending else None)
            else:
                stopped = "ended" if self._cluster.ending else None
        if stopped:
            process.stop(kill=stopped != "SEND_INTERRUPT")
        watcher = _EndWatcher(self._cluster, process) if step is None else None
        controller.started(command.shown, f"/mnt/var/lib/hadoop/steps/{folder.name}", process.pid, environment)
        status = process.wait()
        if watcher is not None:
            watcher.done()
        controller.ended(command.shown, status)
        return status

    def _containerise(self, logs: Path, step: Step, status: int) -> Path | None:
        """In cluster deploy mode the driver is a YARN container: its output is there, and the step's
        stderr holds what the submitting client says."""
        application = f"{int((self._cluster.created) * 1000)}_{self._cluster.steps.index(step) + 1:04d}"
        place = f"application_{application}/container_{application}_01_000001"
        folder = logs.parent / "container"
        folder.mkdir(exist_ok=True)
        for name in ("stdout", "stderr"):
            os.replace(logs / name, folder / name)
            (logs / name).touch()
        state = "SUCCEEDED" if status == 0 else "FAILED"
        report = f"INFO Client: Application report for application_{application} (state: FINISHED)\nINFO Client: final status: {state}\n"
        if status != 0:
            report += f'Exception in thread "main" org.apache.spark.SparkException: Application application_{application} finished with failed status\n'
        (logs / "stderr").write_text(report, encoding="utf-8")
        self._logs.ship(folder, f"containers/{place}")
        return folder

    def _workspace(self, folder: Path) -> Workspace:
        return Workspace(folder, self._settings(), self._context.mirror.path_of)

    def _settings(self) -> spark.Settings:
        directory = self._cluster.directory
        warehouse = str(directory / "warehouse")
        mirror = self._context.mirror
        settings = spark.Settings(
            cores=self._context.config.current.spark_cores,
            conf_dir=str(directory / "conf"),
            temporary=str(self._tmp),
            warehouse=warehouse,
            buckets={bucket: str(mirror.folder(bucket)) for bucket in mirror.buckets()},
            defaults=spark.defaults(self._configuration("spark-defaults"), warehouse),
            archive=self._context.archive.path(),
        )
        spark.write_defaults(settings)
        (directory / "conf" / "submit.json").write_text(json.dumps(settings.as_dict()), encoding="utf-8")
        return settings

    def _configuration(self, classification: str) -> dict[str, str]:
        """The merged properties of a classification, as EMR applies them."""
        found: dict[str, str] = {}
        for item in self._cluster.request.get("Configurations", []):
            if item.get("Classification") == classification:
                found.update(item.get("Properties", {}))
        return found

    def _exports(self) -> dict[str, str]:
        """spark-env / export: the environment of Spark's processes."""
        found: dict[str, str] = {}
        for item in self._cluster.request.get("Configurations", []):
            if item.get("Classification") in ("spark-env", "hadoop-env", "yarn-env"):
                for nested in item.get("Configurations", []):
                    if nested.get("Classification") == "export":
                        found.update(nested.get("Properties", {}))
        return found

    def _environment(self) -> dict[str, str]:
        context, cluster = self._context, self._cluster
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        path = [str(self._bin), *os.environ.get("PATH", os.defpath).split(os.pathsep)]
        environment |= {
            "PATH": os.pathsep.join(path),
            "HOME": str(self._home),
            "USER": "hadoop",
            "LOGNAME": "hadoop",
            "LANG": "C.UTF-8",
            "TMPDIR": str(self._tmp),
            "PYTHONPATH": str(self._site),
            "PYTHONUSERBASE": str(cluster.directory / "userbase"),
            # A pip that is called by its full path still must not touch the machine.
            "PIP_USER": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_CONF_DIR": str(cluster.directory / "conf"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self._tmp),
            "EMR_CLUSTER_ID": cluster.id,
            "AWS_ACCESS_KEY_ID": context.access_key_id,
            "AWS_SECRET_ACCESS_KEY": context.secret_access_key,
            "AWS_REGION": cluster.region,
            "AWS_DEFAULT_REGION": cluster.region,
            "AWS_ENDPOINT_URL": context.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "MRHEALTH_PYTHON": sys.executable,
            "MRHEALTH_LOCAL": str(_PACKAGE.parent),
            "MRHEALTH_SITE": str(self._site),
            "MRHEALTH_CONF": str(cluster.directory / "conf"),
        }
        try:
            environment["SPARK_HOME"] = str(spark.spark_home())
            environment["JAVA_HOME"] = os.environ.get("JAVA_HOME") or str(Path(spark.java()).resolve().parent.parent)
        except spark.SparkMissing:
            pass
        for name, value in self._exports().items():
            if (
                name in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "JAVA_HOME")
                and shutil.which(value) is None
                and not os.path.isdir(value)
            ):
                # The node has it, this machine does not: the embedded AWS' own stands in.
                continue
            environment[name] = value
        return environment


class _EndWatcher:
    """Kills a bootstrap action when its cluster is terminated meanwhile."""

    def __init__(self, cluster: Cluster, process: Process) -> None:
        self._cluster = cluster
        self._process = process
        self._finished = False
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        with self._cluster.condition:
            self._cluster.condition.wait_for(lambda: self._finished or self._cluster.ending is not None)
        if not self._finished:
            self._process.stop(kill=True)

    def done(self) -> None:
        with self._cluster.condition:
            self._finished = True
            self._cluster.condition.notify_all()
