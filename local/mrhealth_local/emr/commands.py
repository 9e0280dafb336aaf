"""What a step's jar and arguments mean: the command to run for each of EMR's ways to start something."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import spark
from .mirror import is_s3

#: EMR's script runner lives in a public bucket of every region [EMR guide emr-commandrunner]
_SCRIPT_RUNNER = "script-runner.jar"
_COMMAND_RUNNER = "command-runner.jar"


class CannotStart(Exception):
    """The step fails before a process exists; the message is its stderr."""


@dataclass
class Command:
    argv: list[str]
    #: as EMR's controller log shows it
    shown: str
    cluster_mode: bool = False


@dataclass
class Workspace:
    """Where a step runs and how it sees S3."""

    folder: Path
    settings: spark.Settings
    #: the mirror's file for an s3:// URI, or None without such a bucket
    locate: Callable[[str], Path | None]

    def local(self, uri: str) -> str:
        """A copy of the file of a URI in the step's folder; other names are returned as they are."""
        if not is_s3(uri):
            return uri.removeprefix("file://")
        path = self.locate(uri)
        if path is None or not path.is_file():
            raise FileNotFoundError(uri)
        target = self.folder / "files" / path.name
        if target.exists() and target.read_bytes() != path.read_bytes():
            target = self.folder / "files" / str(len(list(target.parent.iterdir()))) / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        return str(target)


def command_for(jar: dict[str, Any], workspace: Workspace) -> Command:
    """The command of a HadoopJarStep.

    Raises CannotStart with what EMR writes to stderr when there is nothing to start."""
    name, args = jar["Jar"], list(jar.get("Args", []))
    shown = " ".join(["hadoop jar", _shown_jar(name), *args])
    try:
        if name.rpartition("/")[2] == _COMMAND_RUNNER:
            return _command_runner(args, workspace, shown)
        if name.rpartition("/")[2] == _SCRIPT_RUNNER:
            return Command(script(args, workspace), shown)
        return Command(_jar(jar, args, workspace), shown)
    except FileNotFoundError as error:
        uri = error.args[0]
        raise CannotStart(
            f"Exception in thread \"main\" java.io.FileNotFoundException: No such file or directory '{uri}'"
        ) from None
    except spark.SparkMissing as error:
        raise CannotStart(f"Error: {error}") from None


def _shown_jar(name: str) -> str:
    return f"/var/lib/aws/emr/step-runner/hadoop-jars/{name}" if "/" not in name else name


def _command_runner(args: list[str], workspace: Workspace, shown: str) -> Command:
    if not args:
        raise CannotStart('Exception in thread "main" java.lang.IllegalArgumentException: Expected a command to run')
    program, rest = os.path.basename(args[0]), args[1:]
    if program in ("spark-submit", "spark-sql"):
        submission = spark.submit(rest, workspace.settings, workspace.local, sql=program == "spark-sql")
        return Command(submission.command, shown, submission.cluster_mode)
    if program == "s3-dist-cp":
        return Command(["aws", "s3", "dist-cp", *rest], shown)
    if program in ("hadoop-streaming", "pig-script", "hive-script", "presto-cli"):
        raise CannotStart(f'Cannot run program "{program}": the embedded AWS has Spark only')
    return Command([args[0], *rest], shown)


def script(args: list[str], workspace: Workspace) -> list[str]:
    """A script with its arguments, run by its own interpreter line or else by bash."""
    if not args:
        raise CannotStart('Exception in thread "main" java.lang.RuntimeException: script-runner.jar expects a script')
    path = Path(workspace.local(args[0]))
    if not path.is_file():
        raise FileNotFoundError(args[0])
    if path.is_relative_to(workspace.folder):
        path.chmod(0o755)
    with open(path, "rb") as file:
        first = file.readline(256)
    if first.startswith(b"#!") and shutil.which(first[2:].split()[0].decode("latin-1")):
        return (
            [str(path), *args[1:]] if os.access(path, os.X_OK) else [*first[2:].decode().split(), str(path), *args[1:]]
        )
    return ["bash", str(path), *args[1:]]


def _jar(jar: dict[str, Any], args: list[str], workspace: Workspace) -> list[str]:
    path = workspace.local(jar["Jar"])
    if not os.path.isfile(path):
        raise FileNotFoundError(jar["Jar"])
    main_class = jar.get("MainClass") or _manifest_class(path)
    if main_class is None:
        if not args:
            raise CannotStart(
                'Exception in thread "main" java.lang.IllegalArgumentException: no main class in the jar or the step'
            )
        main_class, args = args[0], args[1:]
    properties = [f"-D{item.get('Key', '')}={item.get('Value', '')}" for item in jar.get("Properties", [])]
    classpath = os.pathsep.join([path, f"{spark.spark_home()}/jars/*"])
    return [spark.java(), "-cp", classpath, *properties, main_class, *args]


def _manifest_class(path: str) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = archive.read("META-INF/MANIFEST.MF").decode("utf-8", "replace")
    except (zipfile.BadZipFile, KeyError):
        return None
    for line in manifest.splitlines():
        if line.startswith("Main-Class:"):
            return line.partition(":")[2].strip()
    return None
