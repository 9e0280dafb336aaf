"""Parts that can be tried without a server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mrhealth_local.config import Config, ConfigError
from mrhealth_local.emr import failure, spark
from mrhealth_local.emr.mirror import Mirror, local_path
from mrhealth_local.s3 import KeyLocks
from mrhealth_local.s3_fixes import policy_fault
from mrhealth_local.scope import scope_of

SETTINGS = spark.Settings(
    2,
    "/c",
    "/t",
    "/w",
    {"lake": "/m/lake"},
    {"spark.driver.memory": "2g", "spark.submit.deployMode": "client"},
    "/cds/a.jsa",
)


@pytest.fixture
def java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "java", lambda: "java")
    monkeypatch.setattr(spark, "spark_home", lambda: Path("/spark"))


def submit(*args: str) -> tuple[list[str], list[str], bool]:
    """JVM arguments, SparkSubmit's arguments, cluster mode."""
    found = spark.submit(args, SETTINGS, lambda uri: uri.replace("s3://b/", "/files/"))
    split = found.command.index("org.apache.spark.deploy.SparkSubmit")
    return found.command[:split], found.command[split + 1 :], found.cluster_mode


@pytest.mark.usefixtures("java")
class TestSubmit:
    def test_files_are_local_and_arguments_untouched(self) -> None:
        _, args, cluster = submit(
            "--deploy-mode",
            "cluster",
            "--py-files",
            "s3://b/a.py,s3://b/b.zip",
            "--archives",
            "s3://b/e.tgz#env",
            "s3://b/job.py",
            "--master",
            "s3://b/x",
        )
        assert cluster
        assert args[args.index("--py-files") + 1] == "/files/a.py,/files/b.zip"
        assert args[args.index("--archives") + 1] == "/files/e.tgz#env"
        assert args[-3:] == ["/files/job.py", "--master", "s3://b/x"]

    def test_cluster_only_options_vanish(self) -> None:
        _, args, cluster = submit(
            "--master=yarn", "--num-executors", "50", "--executor-memory", "64g", "--name", "n", "s3://b/job.py"
        )
        assert not cluster and "yarn" not in " ".join(args) and "64g" not in args
        assert args[args.index("--name") + 1] == "n" and args[-1] == "/files/job.py"
        assert "spark.master=local[2]" in args and "spark.driver.bindAddress=127.0.0.1" in args

    def test_memory_and_java_options(self) -> None:
        assert "-Xmx2g" in submit("j.py")[0]
        assert "-Xmx512m" in submit("--driver-memory", "512m", "j.py")[0]
        assert "-Xmx3g" in submit("--conf", "spark.driver.memory=3g", "j.py")[0]
        assert "-Da=b c" in submit("--driver-java-options", "'-Da=b c'", "j.py")[0]

    def test_buckets_are_mounted_and_the_archive_used(self) -> None:
        jvm, args, _ = submit("j.py")
        assert "spark.hadoop.fs.viewfs.mounttable.lake.linkFallback=file:///m/lake" in args
        assert "-XX:SharedArchiveFile=/cds/a.jsa" in jvm


@pytest.mark.parametrize(
    ("stderr", "stdout", "reason", "message", "log"),
    [
        (
            "a\njava.io.IOException: x\n\tat a.B.c(B.java:1)\nCaused by: java.lang.Error: y\n",
            "",
            "Unknown Error.",
            "java.io.IOException: x",
            "stderr",
        ),
        (
            "26/11/24 02:00:00 WARN X: y\n",
            "Traceback:\n  line\npkg.err.MyError: z\n",
            "Unknown Error.",
            "pkg.err.MyError: z",
            "stdout",
        ),
        (
            "pyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://a/b.",
            "",
            "Input path does not exist.",
            "pyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://a/b.",
            "stderr",
        ),
        ("cp: cannot stat 'x'\n", "", "Unknown Error.", "cp: cannot stat 'x'", "stderr"),
        ("", "", "Unknown Error.", None, "stderr"),
    ],
)
def test_failure_details(tmp_path: Path, stderr: str, stdout: str, reason: str, message: str | None, log: str) -> None:
    (tmp_path / "stderr").write_text(stderr)
    (tmp_path / "stdout").write_text(stdout)
    found = failure.details(tmp_path, "s3://b/s-1")
    assert (found["Reason"], found.get("Message"), found["LogFile"]) == (reason, message, f"s3://b/s-1/{log}.gz")


class TestMirror:
    @pytest.fixture
    def store(self) -> Any:
        os.environ["MOTO_ACCOUNT_ID"] = "123456789012"
        from moto.s3.models import S3Backend

        from mrhealth_local import s3_fixes

        if not hasattr(s3_fixes, "tried"):
            s3_fixes.apply()
            s3_fixes.tried = True
        store = S3Backend("us-east-1", "123456789012")
        store.create_bucket(f"b-{os.urandom(6).hex()}", "us-east-1")
        return store

    @pytest.fixture
    def mirror(self, tmp_path: Path, store: Any) -> Mirror:
        return Mirror(SimpleNamespace(directory=tmp_path, backend=lambda *_: store), KeyLocks())

    @pytest.fixture
    def bucket(self, store: Any) -> str:
        return next(iter(store.buckets))

    @staticmethod
    def keys(store: Any, bucket: str) -> dict[str, bytes]:
        return {
            key: store.get_object(bucket, key).value
            for key in list(store.buckets[bucket].keys)
            if store.get_object(bucket, key)
        }

    def test_only_changes_travel(self, mirror: Mirror, store: Any, bucket: str) -> None:
        store.put_object(bucket, "d/a", b"1")
        assert (mirror.pull(), mirror.pull(), mirror.push()) == (1, 0, 0)
        folder = mirror.folder(bucket)
        (folder / "d" / "b").write_bytes(b"2")
        (folder / "d" / "a").unlink()
        (folder / "d" / ".b.crc").write_bytes(b"x")
        (folder / "_temporary").mkdir()
        (folder / "_temporary" / "t").write_bytes(b"x")
        assert mirror.push() == 2
        assert self.keys(store, bucket) == {"d/b": b"2"}
        assert mirror.push() == 0 and mirror.pull() == 0

    def test_deletions_in_s3_reach_the_folder(self, mirror: Mirror, store: Any, bucket: str) -> None:
        store.put_object(bucket, "d/e/a", b"1")
        mirror.pull()
        store.delete_object(bucket, "d/e/a")
        assert mirror.pull() == 1
        assert list(mirror.folder(bucket).iterdir()) == []

    def test_a_running_step_is_not_undone(self, mirror: Mirror, store: Any, bucket: str) -> None:
        for key in ("kept", "gone", "both"):
            store.put_object(bucket, key, b"old")
        mirror.pull()
        folder = mirror.folder(bucket)
        (folder / "kept").write_bytes(b"new!")
        (folder / "gone").unlink()
        mirror.pull()
        assert (folder / "kept").read_bytes() == b"new!" and not (folder / "gone").exists()
        store.put_object(bucket, "both", b"newer in S3")
        mirror.push()
        assert self.keys(store, bucket) == {"kept": b"new!", "both": b"newer in S3"}

    def test_stale_hadoop_checksums_go(self, mirror: Mirror, store: Any, bucket: str) -> None:
        store.put_object(bucket, "a", b"1")
        mirror.pull()
        (mirror.folder(bucket) / ".a.crc").write_bytes(b"of 1")
        store.put_object(bucket, "a", b"22")
        mirror.pull()
        assert (mirror.folder(bucket) / "a").read_bytes() == b"22" and not (mirror.folder(bucket) / ".a.crc").exists()

    def test_keys_that_are_no_files(self, mirror: Mirror, store: Any, bucket: str) -> None:
        for key in ("../out", "a//b", "x", "x/y", "dir/", "." * 300):
            store.put_object(bucket, key, b"1")
        mirror.pull()
        assert not (mirror.folder(bucket).parent / "out").exists()
        mirror.push()
        assert set(self.keys(store, bucket)) == {"../out", "a//b", "x", "x/y", "dir/", "." * 300}


def test_local_path_stays_inside() -> None:
    root = Path("/r")
    assert local_path(root, "a/b") == Path("/r/a/b") and local_path(root, "") == root
    assert local_path(root, "a/../../b") is None and local_path(root, "/a") is None


def test_scope() -> None:
    header = "AWS4-HMAC-SHA256 Credential=AKIA/20261124/eu-west-1/elasticmapreduce/aws4_request, SignedHeaders=host, Signature=0"
    assert (scope_of(header, "").region, scope_of(header, "").service) == ("eu-west-1", "elasticmapreduce")
    assert scope_of("", "X-Amz-Credential=AKIA%2F20261124%2Fus-east-2%2Fs3%2Faws4_request").service == "s3"
    assert scope_of("", "").service is None


def test_config(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"spark_cores": 4, "starting_seconds": 1}))
    config = Config.load(str(path))
    assert config.current.spark_cores == 4 and config.current.starting_seconds == 1.0
    for wrong in (
        {"spark_cores": 0},
        {"validate": 1},
        {"starting_seconds": -1},
        {"foreign_buckets": "x"},
        {"x": 1},
        [],
    ):
        with pytest.raises(ConfigError):
            config.update(wrong)
    assert config.current.spark_cores == 4


def test_policy_faults() -> None:
    good = {
        "Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}
        ]
    }
    assert policy_fault(json.dumps(good), "b") is None
    assert policy_fault(json.dumps(good), "c") == "Policy has invalid resource"
