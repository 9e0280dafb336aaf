"""The built binary against the embedded AWS, with the strict proxy between them.

The proxy verifies every signature and checksum and holds every request to botocore's service models;
a test that uses `cloud` fails when the proxy has seen a violation of severity `error`.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import boto3
import pytest

ROOT = Path(__file__).resolve().parents[2]
STACK = ROOT / "stacks" / "mrhealth"
BINARY = Path(os.environ.get("MRHEALTH", ROOT / ".build" / "debug" / "mrhealth"))
ACCOUNT = "123456789012"
REGION = "us-east-2"


def wait_for(condition, what: str, seconds: float = 60):
    """The condition's first true answer; the time between looks is not what any test is about."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def fetch(url: str, method: str = "GET", body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, method=method, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


class Cloud:
    """One embedded AWS behind one strict proxy, both on loopback and gone with the test session."""

    def __init__(self, folder: Path, cache: Path):
        self.folder = folder
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "local")}
        self.log = open(folder / "server.log", "wb")
        self.server = subprocess.Popen(
            [sys.executable, "-m", "mrhealth_local", "serve", "--dir", str(folder / "aws"), "--cache", str(cache)],
            env=environment, stdout=self.log, stderr=self.log)
        endpoint = folder / "aws" / "endpoint.json"
        wait_for(lambda: endpoint.exists() or self.server.poll() is not None, "the embedded AWS starting")
        assert self.server.poll() is None, (folder / "server.log").read_text()
        self.endpoint = json.loads(endpoint.read_text())
        self.proxy = subprocess.Popen(
            [sys.executable, str(ROOT / "Tests" / "Support" / "strict_proxy.py"), "--listen", "127.0.0.1:0",
             "--upstream", self.endpoint["endpoint"], "--key",
             f"{self.endpoint['access_key_id']}={self.endpoint['secret_access_key']}",
             "--open-path", "/_local/,/moto-api/", "--aws-host", ""],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.url = "http://" + json.loads(self.proxy.stdout.readline())["listening"]

    def stop(self):
        for process in (self.proxy, self.server):
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
        self.log.close()

    def environment(self, **more: str) -> dict[str, str]:
        """What a user would have set, and nothing of this machine's own AWS settings."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MRHEALTH_"))}
        return {
            **clean, "HOME": str(self.folder), "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.endpoint["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.endpoint["secret_access_key"],
            "AWS_EC2_METADATA_DISABLED": "true", **more,
        }

    def client(self, service: str):
        return boto3.client(
            service, region_name=REGION, endpoint_url=self.endpoint["endpoint"],
            aws_access_key_id=self.endpoint["access_key_id"], aws_secret_access_key=self.endpoint["secret_access_key"])

    def config(self, **values):
        return fetch(self.endpoint["endpoint"] + "/_local/config", "PUT", values)

    def inbox(self) -> list[dict]:
        return fetch(self.endpoint["endpoint"] + "/_local/inbox")

    def faults(self, rules: list[dict]):
        fetch(self.url + "/__strict__/faults", "PUT", rules)

    def violations(self) -> list[dict]:
        answer = fetch(self.url + "/__strict__/violations?severity=error")
        return answer["violations"] if isinstance(answer, dict) else answer

    def forget(self):
        """Drops what the proxy has recorded, where a test has provoked it."""
        fetch(self.url + "/__strict__/reset", "POST")

    def tagged(self, stack: str = "mrhealth") -> list[str]:
        """What is alive with the stack's tag, looked up without the product's help."""
        ours = {"Key": "mrhealth:stack", "Value": stack}
        found = []
        s3 = self.client("s3")
        for bucket in s3.list_buckets()["Buckets"]:
            try:
                tags = s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"]
            except s3.exceptions.ClientError:
                continue
            if ours in tags:
                found.append(f"bucket/{bucket['Name']}")
        iam = self.client("iam")
        for name in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
            if ours in iam.list_role_tags(RoleName=name)["Tags"]:
                found.append(f"role/{name}")
        for name in [item["InstanceProfileName"] for item in iam.list_instance_profiles()["InstanceProfiles"]]:
            if ours in iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Tags"]:
                found.append(f"profile/{name}")
        ec2 = self.client("ec2")
        groups = ec2.describe_security_groups(Filters=[{"Name": "tag:mrhealth:stack", "Values": [stack]}])
        found += [f"security-group/{group['GroupName']}" for group in groups["SecurityGroups"]]
        sns = self.client("sns")
        for arn in [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]:
            if ours in sns.list_tags_for_resource(ResourceArn=arn)["Tags"]:
                found.append(f"topic/{arn}")
        emr = self.client("emr")
        for id in self.clusters():
            if ours in emr.describe_cluster(ClusterId=id)["Cluster"]["Tags"]:
                found.append(f"cluster/{id}")
        return sorted(found)

    def clusters(self) -> list[str]:
        """All that have not ended, whoever they belong to."""
        alive = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]
        pages = self.client("emr").get_paginator("list_clusters").paginate(ClusterStates=alive)
        return [cluster["Id"] for page in pages for cluster in page["Clusters"]]


class Result:
    def __init__(self, process: subprocess.CompletedProcess):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.status}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Tool:
    """The binary, run as a user would run it."""

    def __init__(self, cloud: Cloud, stack: Path):
        self.cloud = cloud
        self.stack = stack

    def __call__(self, *arguments: str, expect: int | None = 0, timeout: float = 300, **environment: str) -> Result:
        process = subprocess.run(
            [str(BINARY), "--stack", str(self.stack), *arguments], capture_output=True, text=True, timeout=timeout,
            env=self.cloud.environment(**environment), cwd=self.cloud.folder, stdin=subprocess.DEVNULL)
        result = Result(process)
        if expect is not None:
            assert result.status == expect, result
        return result


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    """Kept between embedded AWSs of one session: Spark's class archive."""
    folder = Path(os.environ.get("MRHEALTH_TEST_CACHE", ROOT / ".cache"))
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def cloud(tmp_path, cache):
    cloud = Cloud(tmp_path, cache)
    yield cloud
    violations = cloud.violations()
    cloud.stop()
    assert not violations, json.dumps(violations, indent=1)[:4000]


@pytest.fixture(scope="module")
def shared_cloud(tmp_path_factory, cache):
    """One for all tests of a module, which then see to it that they do not get in each other's way."""
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), cache)
    # Their states are seen in other tests.
    cloud.config(starting_seconds=0.05, bootstrapping_seconds=0.05, terminating_seconds=0.05)
    yield cloud
    cloud.stop()


@pytest.fixture
def stack(tmp_path) -> Path:
    """A copy of the shipped stack, for a test to change."""
    target = tmp_path / "stack"
    shutil.copytree(STACK, target, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    return target


@pytest.fixture
def tool(cloud, stack) -> Tool:
    return Tool(cloud, stack)
