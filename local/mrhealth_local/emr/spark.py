"""How ``spark-submit ARGS`` becomes one Java process that sees ``s3://`` as the mirror's folders.

Starting Spark dominates small steps; DESIGN section 7 has the measurements behind the choices here: no UI,
driver on loopback, SerialGC, first-tier compilation only, SparkSubmit without its launcher's JVM, and an archive of
Spark's classes (AppCDS, see ``archive``)."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: what Spark's launcher opens to Spark on Java 17 [spark launcher JavaModuleOptions]
_MODULES = [
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in (
        "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util",
        "java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref", "sun.nio.ch", "sun.nio.cs",
        "sun.security.action", "sun.util.calendar",
    )
] + ["--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED", "-Djdk.reflect.useDirectMethodHandle=false"]  # fmt: skip
_FAST = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xlog:disable"]

#: options of spark-submit that make sense on a real cluster only
_CLUSTER_ONLY = (
    "--master",
    "--deploy-mode",
    "--num-executors",
    "--executor-cores",
    "--executor-memory",
    "--total-executor-cores",
    "--queue",
    "--principal",
    "--keytab",
    "--proxy-user",
    "--driver-cores",
)
_FILES = ("--py-files", "--files", "--jars", "--archives", "--properties-file")
_SWITCHES = ("--verbose", "-v", "--supervise", "--version", "--help", "-h")

_SUBMIT = "org.apache.spark.deploy.SparkSubmit"
_SQL = "org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver"


class SparkMissing(Exception):
    """There is no Java or no pyspark."""


@dataclass
class Settings:
    """What a submission needs to know of its cluster; written as JSON for the ``spark-submit`` shim."""

    cores: int
    #: folder with spark-defaults.conf: SPARK_CONF_DIR of the driver
    conf_dir: str
    temporary: str
    warehouse: str
    #: bucket -> folder
    buckets: dict[str, str]
    #: classification spark-defaults
    defaults: dict[str, str] = field(default_factory=dict)
    archive: str | None = None

    def as_dict(self) -> dict[str, object]:
        return dataclasses.asdict(self)


@dataclass
class Submission:
    """A parsed spark-submit: the command to run and whether it asked for cluster deploy mode."""

    command: list[str]
    cluster_mode: bool


def spark_home() -> Path:
    import importlib.util

    found = importlib.util.find_spec("pyspark")
    if found is None or not found.submodule_search_locations:
        raise SparkMissing("pyspark is not installed beside the embedded AWS")
    return Path(found.submodule_search_locations[0])


def java() -> str:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=os.path.join(home, "bin")) if home else None
    found = found or shutil.which("java")
    if found is None:
        raise SparkMissing("there is no java: install Java 17 or set JAVA_HOME")
    return found


def archive_path(cache: Path) -> Path:
    """The class archive of this Java with this Spark: another of either gets another file."""
    version = subprocess.run([java(), "-version"], capture_output=True, text=True, check=False).stderr
    digest = hashlib.sha256(version.encode())
    for jar in sorted((spark_home() / "jars").glob("*.jar")):
        digest.update(f"{jar}{jar.stat().st_size}{jar.stat().st_mtime_ns}".encode())
    return cache / f"spark-{digest.hexdigest()[:16]}.jsa"


def submit(args: Sequence[str], settings: Settings, local: Callable[[str], str], sql: bool = False) -> Submission:
    """The Java command for the arguments of spark-submit (or spark-sql).

    `local` makes a local file of a URI; it raises FileNotFoundError for one that does not exist."""
    options, rest, memory, cluster_mode, java_options = _parse(args, settings, local, sql)
    if rest and not sql:
        rest = [local(rest[0]), *rest[1:]]
    properties = dict(settings.defaults)
    memory = memory or properties.get("spark.driver.memory") or "1g"
    java_options += shlex.split(properties.get("spark.driver.extraJavaOptions", ""))
    # Jars only, Spark's first: the JVM refuses a class archive when there are folders in the path.
    classpath = f"{spark_home()}/jars/*"
    if extra := properties.get("spark.driver.extraClassPath"):
        classpath += os.pathsep + extra
    # -Xshare:auto ignores an archive that does not fit.
    shared = [f"-XX:SharedArchiveFile={settings.archive}", "-Xshare:auto"] if settings.archive else []
    command = [java(), "-cp", classpath, f"-Xmx{memory.lower().removesuffix('b')}", *_FAST, *shared, *_MODULES]
    command += [f"-Dlog4j2.configurationFile={Path(settings.conf_dir, 'log4j2.properties').as_uri()}"]
    command += [
        f"-Djava.io.tmpdir={settings.temporary}",
        f"-Dderby.system.home={settings.warehouse}",
        *java_options,
        _SUBMIT,
    ]
    for name, value in forced(settings).items():
        options += ["--conf", f"{name}={value}"]
    command += options
    command += ["--class", _SQL, "spark-internal", *rest] if sql else rest
    return Submission(command, cluster_mode)


def forced(settings: Settings) -> dict[str, str]:
    """Settings no job may change: they keep Spark on this machine and map its file systems."""
    found = {
        "spark.master": f"local[{settings.cores}]",
        "spark.submit.deployMode": "client",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.eventLog.enabled": "false",
        "spark.dynamicAllocation.enabled": "false",
        "spark.shuffle.service.enabled": "false",
        "spark.hadoop.fs.viewfs.overload.scheme.target.file.impl": "org.apache.hadoop.fs.LocalFileSystem",
    }
    for scheme in ("s3", "s3a", "s3n"):
        found[f"spark.hadoop.fs.{scheme}.impl"] = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
    for bucket, folder in settings.buckets.items():
        found[f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback"] = f"file://{folder}"
    return found


def defaults(properties: Mapping[str, str], warehouse: str) -> dict[str, str]:
    """spark-defaults of the cluster over ours. 200 shuffle partitions suit a cluster, not two cores;
    adaptive execution joins small ones anyway."""
    return {
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.warehouse.dir": warehouse,
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={warehouse}/metastore;create=true",
        "spark.ui.showConsoleProgress": "false",
        **properties,
    }


def write_defaults(settings: Settings) -> None:
    folder = Path(settings.conf_dir)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} {value}\n" for name, value in settings.defaults.items()]
    (folder / "spark-defaults.conf").write_text("".join(lines), encoding="utf-8")
    (folder / "log4j2.properties").write_text(_LOG4J, encoding="utf-8")


#: as EMR's: everything to stderr; WARN, since INFO costs a small step a tenth of its time
_LOG4J = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
"""


def _parse(
    args: Sequence[str], settings: Settings, local: Callable[[str], str], sql: bool
) -> tuple[list[str], list[str], str | None, bool, list[str]]:
    """Splits the arguments into options for SparkSubmit and the application with its own."""
    options: list[str] = []
    own: list[str] = []
    java_options: list[str] = []
    memory: str | None = None
    cluster_mode = settings.defaults.get("spark.submit.deployMode") == "cluster"
    index = 0
    while index < len(args):
        name, equals, value = args[index].partition("=")
        if not name.startswith("-"):
            break
        index += 1
        if name in _SWITCHES:
            options.append(name)
            continue
        if sql and name in (
            "-e",
            "-f",
            "-i",
            "-S",
            "--silent",
            "-d",
            "--define",
            "--hivevar",
            "--hiveconf",
            "--database",
        ):
            own.append(name)
            if name not in ("-S", "--silent") and index < len(args):
                own.append(local(args[index]) if name in ("-f", "-i") else args[index])
                index += 1
            continue
        if not (equals and name.startswith("--")):
            if index >= len(args):
                options.append(name)
                break
            value, index = args[index], index + 1
        if name == "--deploy-mode":
            cluster_mode = value == "cluster"
        elif name == "--driver-memory":
            memory = value
        elif name == "--driver-java-options":
            java_options += shlex.split(value)
        elif name in _FILES:
            options += [name, ",".join(_fragment(local, each) for each in value.split(",") if each)]
        elif name == "--conf" and value.startswith("spark.driver.memory="):
            memory = value.partition("=")[2]
        elif name == "--conf" and value.startswith("spark.submit.deployMode="):
            cluster_mode = value.endswith("=cluster")
        elif name not in _CLUSTER_ONLY:
            options += [name, value]
    return options, own + list(args[index:]), memory, cluster_mode, java_options


def _fragment(local: Callable[[str], str], uri: str) -> str:
    """`local` for URIs that may end in ``#name`` (the name a file gets at the workers)."""
    place, mark, name = uri.partition("#")
    return local(place) + mark + name
