"""One embedded AWS for all tests; boto3 is the independent client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LOCAL = Path(__file__).resolve().parent.parent
FAST = {
    "starting_seconds": 0.1,
    "bootstrapping_seconds": 0.05,
    "terminating_seconds": 0.05,
    "log_upload_delay_seconds": 0.2,
}
REGION = "us-east-2"
EMR_TAG = {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}


class Served:
    """A running server and its clients."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        config = directory.parent / f"{directory.name}.config.json"
        config.write_text(json.dumps({**FAST, **settings}), encoding="utf-8")
        cache = os.environ.get("MRHEALTH_CDS_CACHE", str(directory.parent / "cds"))
        self.command = [
            sys.executable,
            "-m",
            "mrhealth_local",
            "serve",
            "--dir",
            str(directory),
            "--config",
            str(config),
            "--cache",
            cache,
        ]
        self.process = self.start()
        assert self.process.stdout is not None
        self.endpoint = json.loads(self.process.stdout.readline())

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command,
            env={**os.environ, "PYTHONPATH": str(LOCAL)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def client(self, service: str, region: str = REGION) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.endpoint["endpoint"],
            region_name=region,
            aws_access_key_id=self.endpoint["access_key_id"],
            aws_secret_access_key=self.endpoint["secret_access_key"],
            config=Config(retries={"max_attempts": 0}, max_pool_connections=40),
        )

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint['endpoint']}/_local/{path}", data=data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(15)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("aws") / "dir", foreign_buckets=["strangers"])
    yield served
    violations = served.admin("GET", "health")["response_violations"]
    assert served.stop() == 0
    assert violations == [], "answers that do not fit botocore's model"


@pytest.fixture
def bucket(aws: Served) -> str:
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


class Emr:
    """Roles, groups and helpers to run clusters."""

    def __init__(self, aws: Served) -> None:
        self.aws = aws
        self.api, self.s3, self.iam, self.ec2 = (aws.client(name) for name in ("emr", "s3", "iam", "ec2"))
        self.bucket = f"emr-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.make_role("service", "elasticmapreduce.amazonaws.com")
        self.make_role("nodes", "ec2.amazonaws.com")
        self.iam.attach_role_policy(
            RoleName="service", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"
        )
        self.iam.put_role_policy(
            RoleName="service",
            PolicyName="pass",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "iam:PassRole",
                            "Resource": "arn:aws:iam::123456789012:role/nodes",
                        }
                    ],
                }
            ),
        )
        self.make_profile("nodes", "nodes")
        subnet = self.ec2.describe_subnets()["Subnets"][0]
        self.subnet, self.vpc = subnet["SubnetId"], subnet["VpcId"]
        self.ec2.create_tags(Resources=[self.subnet], Tags=[EMR_TAG])
        self.group = self.make_group("emr", [EMR_TAG])

    def make_role(self, name: str, principal: str) -> None:
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}],
        }
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))

    def make_profile(self, name: str, role: str | None) -> None:
        self.iam.create_instance_profile(InstanceProfileName=name)
        if role:
            self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)

    def make_group(self, name: str, tags: list[dict[str, str]]) -> str:
        specification = [{"ResourceType": "security-group", "Tags": tags}] if tags else []
        return self.ec2.create_security_group(
            GroupName=name, Description=name, VpcId=self.vpc, TagSpecifications=specification
        )["GroupId"]

    def request(self, **changes: Any) -> dict[str, Any]:
        """A complete RunJobFlow request; `instances` and other members can be replaced."""
        instances = {
            "InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}],
            "Ec2SubnetId": self.subnet,
            "EmrManagedMasterSecurityGroup": self.group,
            "EmrManagedSlaveSecurityGroup": self.group,
            **changes.pop("instances", {}),
        }
        request = {
            "Name": "test",
            "ReleaseLabel": "emr-7.13.0",
            "Applications": [{"Name": "Spark"}],
            "LogUri": f"s3://{self.bucket}/logs/",
            "JobFlowRole": "nodes",
            "ServiceRole": "service",
            "Tags": [EMR_TAG],
            "Instances": {name: value for name, value in instances.items() if value is not None},
            **changes,
        }
        return {name: value for name, value in request.items() if value is not None}

    def run(self, *steps: dict[str, Any], keep: bool = False, **changes: Any) -> str:
        instances = {"KeepJobFlowAliveWhenNoSteps": keep, **changes.pop("instances", {})}
        return self.api.run_job_flow(**self.request(Steps=list(steps), instances=instances, **changes))["JobFlowId"]

    def status(self, cluster: str) -> dict[str, Any]:
        return self.api.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]

    def wait(self, cluster: str, *states: str, seconds: float = 60) -> dict[str, Any]:
        return until(lambda: (status := self.status(cluster))["State"] in states and status, seconds)

    def ended(self, cluster: str) -> dict[str, Any]:
        return self.wait(cluster, "TERMINATED", "TERMINATED_WITH_ERRORS")

    def steps(self, cluster: str) -> list[dict[str, Any]]:
        """Oldest first."""
        return list(reversed(self.api.list_steps(ClusterId=cluster)["Steps"]))

    def states(self, cluster: str) -> list[str]:
        return [step["Status"]["State"] for step in self.steps(cluster)]

    def put(self, key: str, text: str) -> str:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())
        return f"s3://{self.bucket}/{key}"

    def log(self, key: str) -> str:
        import gzip

        body = self.s3.get_object(Bucket=self.bucket, Key=f"logs/{key}")["Body"].read()
        return gzip.decompress(body).decode()


def step(*args: str, action: str = "CONTINUE", jar: str = "command-runner.jar", name: str = "step") -> dict[str, Any]:
    return {"Name": name, "ActionOnFailure": action, "HadoopJarStep": {"Jar": jar, "Args": list(args)}}


def until(probe: Any, seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := probe():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


@pytest.fixture(scope="session")
def emr(aws: Served) -> Emr:
    return Emr(aws)
