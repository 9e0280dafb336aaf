"""Makes the archive of Spark's classes (AppCDS) that lets later steps start in half the time.

Writing it takes a JVM ten seconds at its exit, too long for anybody's step: a training job of its own makes it,
at the lowest priority, once the first step has ended, or ahead of time by ``python -m mrhealth_local warm``."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path

from . import spark
from .process import Process

log = logging.getLogger("mrhealth.archive")

_TRAINING = Path(__file__).with_name("training.py")


class Archive:
    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._process: Process | None = None
        self._tried = False

    def path(self) -> str | None:
        """The archive for this Java and this Spark, when there is one."""
        with self._lock:
            if self._path is None:
                try:
                    self._path = spark.archive_path(self._cache)
                except (spark.SparkMissing, OSError) as error:
                    log.warning("no Spark: %s", error)
                    return None
            return str(self._path) if self._path.exists() else None

    def make_later(self) -> None:
        """Starts making a missing archive in the background, once in the life of a server."""
        if self.path() is not None:
            return
        with self._lock:
            if self._tried or self._path is None:
                return
            self._tried = True
        threading.Thread(target=self.make, name="archive", daemon=True).start()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop(kill=True)

    def make(self) -> bool:
        """Makes the archive unless it is there or another process makes it; whether there is one now."""
        if self.path() is not None:
            return True
        target = self._path
        if target is None:
            return False
        with open(target.with_suffix(".lock"), "w", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            part = target.with_suffix(".part")
            part.unlink(missing_ok=True)
            for left in self._cache.glob("training-*"):
                shutil.rmtree(left, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix="training-", dir=self._cache) as folder:
                status = self._train(Path(folder), part)
            if status != 0 or not part.exists():
                log.warning(
                    "the class archive was not made (%s): steps start slower; see %s",
                    status,
                    target.with_suffix(".log"),
                )
                part.unlink(missing_ok=True)
                return False
            os.replace(part, target)
            log.info("class archive %s made", target)
            return True

    def _train(self, folder: Path, part: Path) -> int:
        bucket = folder / "bucket"
        bucket.mkdir()
        settings = spark.Settings(
            2,
            str(folder / "conf"),
            str(folder),
            str(folder),
            {"training": str(bucket)},
            spark.defaults({}, str(folder)),
        )
        spark.write_defaults(settings)
        command = spark.submit([str(_TRAINING), "s3://training/t"], settings, str).command
        command.insert(1, f"-XX:ArchiveClassesAtExit={part}")
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_HOME": str(spark.spark_home()),
            "SPARK_CONF_DIR": settings.conf_dir,
            "SPARK_LOCAL_DIRS": str(folder),
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        output = part.with_suffix(".log")
        output.unlink(missing_ok=True)
        self._process = Process(
            ["nice", "-n", "19", *command], cwd=folder, env=environment, stdout=output, stderr=output
        )
        return self._process.wait()
