"""Kills the binary at a chosen request and looks at what is left: nothing that a second command does not settle.

A point is (command, moment, place): the process gets SIGKILL when request number `place` of the command (or the n-th
of an operation) arrives at the proxy: `before` it is forwarded, which then never happens, or `after` it was carried
out, before the answer leaves. Requests run concurrently, so that the number counts arrivals.
"""
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml
from conftest import ACCOUNT, BINARY, REGION, Cloud, Tool, fetch, wait_for
from sweep import sweep

STACK = "crash"
LAKE, CODE = f"crash-lake-{ACCOUNT}", f"crash-code-{ACCOUNT}"
MANAGED = {"for-use-with-amazon-emr-managed-policies": "true"}
#: One resource of every kind at least, two where it takes two to go wrong, and steps that cost nothing.
DOCUMENT = {
    "stack": STACK, "version": 1, "region": REGION, "state": "s3.bucket.lake",
    "buckets": {"lake": {"name": LAKE, "versioning": True, "keep": True}, "code": {"name": CODE}},
    "uploads": {"scripts": {"bucket": "${s3.bucket.code.name}", "from": "scripts", "prefix": "scripts/"}},
    "roles": {
        "service": {
            "name": "crash-service", "trust": "elasticmapreduce.amazonaws.com",
            "managed_policies": ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
            "policies": {"all": {"Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}}}},
        "node": {"name": "crash-node", "trust": "ec2.amazonaws.com"},
    },
    "instance_profiles": {"node": {"name": "crash-node", "role": "${iam.role.node.name}"}},
    "security_groups": {
        "primary": {"name": "crash-primary", "tags": MANAGED,
                    "ingress": [{"from_port": 22, "cidr": "203.0.113.7/32"}]},
        "core": {"name": "crash-core", "tags": MANAGED,
                 "ingress": [{"from_port": 8088, "group": "${ec2.security_group.primary.id}"}]},
    },
    "topics": {"alerts": {"name": "crash", "subscriptions": [
        {"protocol": "sqs", "endpoint": f"arn:aws:sqs:{REGION}:{ACCOUNT}:alerts"}]}},
    "clusters": {"main": {
        "name": "crash", "release": "emr-7.13.0", "log_uri": "s3://${s3.bucket.code.name}/logs/",
        "service_role": "${iam.role.service.arn}", "instance_profile": "${iam.instance_profile.node.name}",
        "primary_security_group": "${ec2.security_group.primary.id}",
        "core_security_group": "${ec2.security_group.core.id}",
        "instance_groups": [{"role": "MASTER", "type": "m5.xlarge", "count": 1}],
        "idle_timeout_minutes": 60, "tags": MANAGED}},
    "pipeline": {
        "cluster": "emr.cluster.main", "data": {"from": "dados", "to": "s3://${s3.bucket.lake.name}/dados/"},
        "steps": [{"name": "one", "command": ["bash", "-c", "true"]},
                  {"name": "two", "command": ["bash", "-c", "true"]}]},
}
FILES = {"scripts/a.sh": "a", "scripts/b.sh": "b", "scripts/deep/c.sh": "c", "dados/x.csv": "x", "dados/y.csv": "y"}
#: What stands after `up`, and nothing else in the whole account.
EVERYTHING = {
    f"bucket/{LAKE}", f"bucket/{CODE}", "role/crash-service", "role/crash-node", "profile/crash-node crash-node",
    "group/crash-primary", "group/crash-core", "topic/crash", "subscription/sqs", "cluster/crash",
    *[f"object/scripts/{name.partition('/')[2]}" for name in FILES if name.startswith("scripts/")],
}
COMMANDS = {
    "up": ("up", "--yes"),
    "destroy": ("destroy", "--yes", "--purge", "--confirm", LAKE),
    "run": ("run", "--date", "2024-11-20", "--json"),
}


@dataclass(frozen=True)
class Point:
    command: str
    moment: str
    place: int
    #: Counts only requests of this operation.
    operation: str = ""

    def __str__(self):
        return f"{self.command}-{self.moment}-{self.operation}{self.place}"


class CrashBench:
    """One embedded AWS, on which the points of all commands are tried one after the other."""

    def __init__(self, cloud: Cloud, folder: Path):
        self.cloud = cloud
        self.folder = folder
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        (folder / "stack.yaml").write_text(yaml.safe_dump(DOCUMENT))
        self.tool = Tool(cloud, folder)
        self.pid_file = folder.parent / "victim.pid"

    # --- killing

    def kill(self, point: Point) -> bool:
        """Runs the command and kills it at the point; false when it ended before it came there."""
        rule = {"id": "crash", "action": "signal", "signal": "KILL", "pid_file": str(self.pid_file),
                "when": point.moment, "nth": point.place}
        if point.operation:
            rule["match"] = {"operation": point.operation}
        self.cloud.faults([rule])
        process = self.start(point.command)
        out, err = process.communicate(timeout=120)
        # What the dead had sent is still on its way through the proxy: the next command comes after it.
        wait_for(lambda: self.status()["in_flight"] == 0, "the end of the dead process's requests")
        hits = sum(fault["hits"] for fault in self.status()["faults"])
        self.cloud.faults([])
        assert process.returncode == (-9 if hits else 0), f"exit {process.returncode}\n{out}\n{err}"
        return bool(hits)

    def start(self, command: str) -> subprocess.Popen:
        """Its process id is in the file before its first request can be at the proxy."""
        line = ["sh", "-c", 'echo $$ >"$0"; exec "$@"', str(self.pid_file), str(BINARY), "--stack", str(self.folder)]
        return subprocess.Popen(
            [*line, *COMMANDS[command]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            text=True, env=self.cloud.environment(), cwd=self.folder.parent)

    def status(self) -> dict:
        return fetch(self.cloud.url + "/__strict__/status")

    # --- the three commands

    def try_point(self, point: Point) -> bool:
        """False when the command has no such point. Raises AssertionError when something is left."""
        return getattr(self, "try_" + point.command)(point)

    def try_up(self, point: Point) -> bool:
        before = self.launched()
        reached = self.kill(point)
        self.tool("up", "--yes")
        self.check_complete()
        assert len(self.launched() - before) == 1, "a second cluster was launched"
        self.tool(*COMMANDS["destroy"])
        self.check_empty()
        return reached

    def try_destroy(self, point: Point) -> bool:
        self.tool("up", "--yes")
        reached = self.kill(point)
        self.tool(*COMMANDS["destroy"])
        self.check_empty()
        return reached

    def try_run(self, point: Point) -> bool:
        """The stack stays up from point to point; each begins without a cluster."""
        if not self.inventory():
            self.tool("up", "--yes")
        emr = self.cloud.client("emr")
        emr.terminate_job_flows(JobFlowIds=self.cloud.clusters())
        wait_for(lambda: not self.cloud.clusters(), "the end of the cluster")
        before = self.launched()
        reached = self.kill(point)
        record = self.tool(*COMMANDS["run"]).json
        assert record["outcome"] == "succeeded"
        self.check_complete()
        made = self.launched() - before
        assert made == {record["cluster"]}, f"clusters {made}, the run was on {record['cluster']}"
        names = [step["Name"] for step in self.steps(record["cluster"])]
        assert len(names) == len(set(names)), f"submitted twice: {names}"
        runs = {name.partition("(run ")[2].rstrip(")") for name in names}
        assert len(names) == 2 * len(runs), f"half a submission: {names}"
        return reached

    def reset(self):
        """After a point that failed."""
        self.cloud.forget()
        sweep(self.cloud)

    # --- looking

    def launched(self) -> set[str]:
        """Every cluster there ever was."""
        pages = self.cloud.client("emr").get_paginator("list_clusters").paginate()
        return {cluster["Id"] for page in pages for cluster in page["Clusters"]}

    def steps(self, cluster: str) -> list[dict]:
        pages = self.cloud.client("emr").get_paginator("list_steps").paginate(ClusterId=cluster)
        return [step for page in pages for step in page["Steps"]]

    def check_complete(self):
        found = self.inventory()
        assert sorted(found) == sorted(EVERYTHING), sorted(set(found) ^ EVERYTHING) or found
        plan = self.tool("plan", "--detailed-exitcode", expect=None)
        assert plan.status == 0, plan

    def check_empty(self):
        assert self.inventory() == []

    def inventory(self) -> list[str]:
        """Everything in the account that AWS does not make by itself, whether it carries our tag or not."""
        cloud = self.cloud
        s3, iam, sns, ec2 = (cloud.client(name) for name in ("s3", "iam", "sns", "ec2"))
        buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        found = [f"bucket/{name}" for name in buckets]
        if CODE in buckets:
            found += [f"object/{item['Key']}" for item in s3.list_objects_v2(Bucket=CODE).get("Contents", [])
                      if not item["Key"].startswith("logs/")]
        found += [f"role/{role['RoleName']}" for role in iam.list_roles()["Roles"]]
        for profile in iam.list_instance_profiles()["InstanceProfiles"]:
            names = [profile["InstanceProfileName"], *[role["RoleName"] for role in profile["Roles"]]]
            found.append("profile/" + " ".join(names))
        groups = ec2.describe_security_groups()["SecurityGroups"]
        found += [f"group/{group['GroupName']}" for group in groups if group["GroupName"] != "default"]
        found += [f"topic/{topic['TopicArn'].rpartition(':')[2]}" for topic in sns.list_topics()["Topics"]]
        found += [f"subscription/{item['Protocol']}" for item in sns.list_subscriptions()["Subscriptions"]]
        emr = cloud.client("emr")
        found += [f"cluster/{emr.describe_cluster(ClusterId=id)['Cluster']['Name']}" for id in cloud.clusters()]
        return sorted(found)
