"""What bad input gets: what happened, where, what to do; the right exit code; nothing half-recorded."""
import json
import socket
import subprocess
import sys

import pytest

from conftest import ACCOUNT, BINARY, wait_for

LAKE = f"mrhealth-terraform-{ACCOUNT}"


def edit(stack, old: str, new: str):
    path = stack / "stack.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def without_credentials(cloud) -> dict[str, str]:
    return {k: v for k, v in cloud.environment().items() if not k.startswith("AWS_") or k == "AWS_ENDPOINT_URL"}


def test_missing_credentials_offer_local(cloud, stack):
    environment = {**without_credentials(cloud), "AWS_EC2_METADATA_DISABLED": "true"}
    result = subprocess.run(
        [str(BINARY), "--stack", str(stack), "plan"], capture_output=True, text=True, env=environment)
    assert result.returncode == 1
    assert "credentials" in result.stderr and "--local" in result.stderr and "AWS_PROFILE" in result.stderr


def test_expired_credentials(cloud, tool):
    cloud.faults([{"action": "error", "status": 403, "code": "ExpiredToken", "message": "The security token is expired"}])
    result = tool("up", "--yes", expect=1)
    assert "expired" in result.err and "aws sso login" in result.err
    cloud.faults([])
    assert cloud.tagged() == []


def test_unknown_key(cloud, tool):
    result = tool("plan", expect=1, AWS_ACCESS_KEY_ID="AKIAUNKNOWN000000000")
    assert "does not know the access key" in result.err


def test_wrong_region(tool):
    result = tool("--region", "us_east", "plan", expect=1)
    assert "us_east" in result.err and "region" in result.err


def test_the_region_of_another_stack(cloud, tool):
    """The state bucket is where the first `up` made it; a command for another region says where that is."""
    tool("up", "--yes", "--target", "s3.bucket.lake")
    result = tool("--region", "us-west-2", "plan", expect=1)
    assert "another region: it is in us-east-2" in result.err and "--region" in result.err
    # The one violation is the point of this test.
    wrong = cloud.violations()
    assert [(item["kind"], item["where"]) for item in wrong] == [("signature", "scope")]
    cloud.forget()


def test_a_bucket_name_taken_by_another_account(cloud, tool):
    cloud.config(foreign_buckets=[f"mrhealth-{ACCOUNT}"])
    result = tool("up", "--yes", expect=4)
    assert "taken by another account" in result.err and "s3.bucket.code" in result.err
    assert "stack.yaml:" in result.err or "Choose another name" in result.err
    # What does not need the bucket was made; the rest was not begun.
    state = json.loads(tool("state", "pull").out)
    assert "emr.cluster.main" not in [resource["address"] for resource in state["resources"]]
    cloud.config(foreign_buckets=[])
    tool("up", "--yes")
    tool("destroy", "--yes")
    assert cloud.tagged() == [f"bucket/{LAKE}"]


def test_the_state_bucket_s_name_taken_by_another_account(cloud, tool):
    cloud.config(foreign_buckets=[LAKE])
    result = tool("up", "--yes", expect=1)
    assert f"`{LAKE}` may not be read" in result.err and "taken by another account" in result.err
    cloud.config(foreign_buckets=[])
    assert cloud.tagged() == []


@pytest.mark.parametrize("old, new, place, message", [
    ("versioning: true", "versionning: true", "stack.yaml:30:5", "Did you mean `versioning`?"),
    ("versioning: true", "versioning: [", "stack.yaml:", "not valid YAML"),
    ("script: pipeline/gold.py", "script: pipeline/ouro.py", "stack.yaml:", "No file `pipeline/ouro.py`"),
    ("role: ${iam.role.emr_node.name}", "role: ${iam.role.emr_nod.name}", "stack.yaml:", "Did you mean iam.role.emr_node?"),
    ("vpc: default", "vpc: ${var.vpc}", "stack.yaml:", "no variable `vpc`"),
    ("idle_timeout_minutes: 60", "idle_timeout_minutes: often", "stack.yaml:", "must be a whole number"),
])
def test_malformed_stack(tool, stack, old, new, place, message):
    edit(stack, old, new)
    result = tool("validate", expect=1)
    assert place in result.err and message in result.err


def test_a_cycle_is_named(tool, stack):
    edit(stack, "    description: Role of the cluster's EC2 instances",
         "    description: ${iam.instance_profile.emr_node.arn}")
    result = tool("validate", expect=1)
    assert "circle" in result.err
    assert "iam.role.emr_node -> " in result.err or "iam.instance_profile.emr_node -> " in result.err


def test_a_missing_and_an_unreadable_stack(tool, tmp_path):
    tool.stack = tmp_path / "nowhere"
    result = tool("validate", expect=1)
    assert "No stack file" in result.err and "--stack" in result.err
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "stack.yaml").mkdir()
    tool.stack = tmp_path / "folder"
    result = tool("validate", expect=1)
    assert "cannot be read" in result.err


def test_a_failing_bootstrap_action(cloud, tool, stack):
    (stack / "scripts" / "bootstrap.sh").write_text("#!/bin/bash\necho 'pacote numpy-x nao existe' >&2\nexit 7\n")
    result = tool("up", "--yes", expect=4, timeout=120)
    assert "bootstrap action" in result.err and "pacote numpy-x nao existe" in result.err
    assert "emr.cluster.main" in result.err
    # Mended, it is made anew and nothing of the first try stays.
    (stack / "scripts" / "bootstrap.sh").write_text("#!/bin/bash\nexit 0\n")
    tool("up", "--yes")
    assert sum(name.startswith("cluster/") for name in cloud.tagged()) == 1
    tool("destroy", "--yes")
    assert cloud.tagged() == [f"bucket/{LAKE}"]


def test_a_fresh_instance_profile_is_waited_for(cloud, tool):
    cloud.config(instance_profile_propagation_seconds=3)
    assert tool("up", "--yes", "--json").json["failed"] == []
    tool("destroy", "--yes")


def test_a_lost_answer_does_not_launch_twice(cloud, tool):
    """The proxy drops the answer after EMR has acted (invariant 2)."""
    cloud.faults([{"match": {"service": "emr", "operation": "RunJobFlow"}, "when": "after", "first": 1, "action": "reset"}])
    assert tool("up", "--yes", "--json").json["failed"] == []
    assert len(cloud.client("emr").list_clusters()["Clusters"]) == 1
    tool("destroy", "--yes")


def test_an_endpoint_that_does_not_answer(tool):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    result = tool("plan", expect=1, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")
    assert "No connection to AWS" in result.err and "AWS_ENDPOINT_URL" in result.err


def test_an_endpoint_that_is_silent(tool):
    """It takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        result = tool("plan", expect=1, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}", AWS_MAX_ATTEMPTS="1",
                      MRHEALTH_READ_TIMEOUT="1")
    assert "STS GetCallerIdentity got no answer" in result.err and "same command again" in result.err
    wrong = tool("whoami", expect=1, MRHEALTH_READ_TIMEOUT="soon")
    assert "MRHEALTH_READ_TIMEOUT" in wrong.err and "soon" in wrong.err


@pytest.mark.parametrize("arguments", [["validate"], ["validate", "--json"], ["--version"], ["--help"]])
def test_a_full_disk(stack, arguments):
    """A result that could not be written is not a success: a script would go on with half a file."""
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [str(BINARY), "--stack", str(stack), *arguments] if arguments[0] == "validate" else [str(BINARY), *arguments],
            stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert "No space left on device" in result.stderr


def test_nowhere_to_keep_the_embedded_aws(cloud):
    result = subprocess.run(
        [str(BINARY), "--local", "whoami"], capture_output=True, text=True,
        env={**cloud.environment(), "MRHEALTH_LOCAL_DIR": "/dev/full/aws", "MRHEALTH_PYTHON": sys.executable})
    assert result.returncode == 1
    assert "nowhere to keep its files" in result.stderr and "MRHEALTH_LOCAL_DIR" in result.stderr


def test_a_full_disk_under_the_embedded_aws(cloud, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("a file system of a few KiB can only be mounted by root")
    try:
        with open(folder / "fill", "wb", buffering=0) as fill, pytest.raises(OSError):
            while True:
                fill.write(bytes(4096))
        result = subprocess.run(
            [str(BINARY), "--local", "whoami"], capture_output=True, text=True, timeout=50,
            env={**cloud.environment(), "MRHEALTH_LOCAL_DIR": str(folder), "MRHEALTH_PYTHON": sys.executable})
        assert result.returncode == 1
        assert "no space is left" in result.stderr and "MRHEALTH_LOCAL_DIR" in result.stderr
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_an_unreadable_data_folder(cloud, tool, tmp_path):
    tool("up", "--yes")
    result = tool("run", "--data", str(tmp_path / "nada"), expect=1)
    assert "nada" in result.err
    record = json.loads(tool("runs", "--json").out)[0]
    assert record["outcome"] == "failed" and record["cause"]
    tool("destroy", "--yes")


def test_run_before_up(tool):
    result = tool("run", "--date", "2024-11-20", expect=1)
    assert "mrhealth up" in result.err


@pytest.mark.parametrize("arguments", [
    ["run", "--date", "2024-13-40"], ["plan", "--target", "s3.bucket.lak"],
    ["run", "--from", "2024-11-20", "--to", "2024-11-19"]])
def test_wrong_arguments(cloud, tool, arguments):
    result = tool(*arguments, expect=1)
    assert arguments[-1] in result.err


def test_usage_errors_exit_64(tool):
    assert tool("plan", "--no-such-option", expect=64).out == ""
    assert "go together" in tool("run", "--from", "2024-11-20", expect=64).err
    assert "either --date" in tool("run", "--date", "2024-11-20", "--from", "2024-11-20", "--to", "2024-11-20", expect=64).err
    assert "Did you mean `mrhealth destroy`?" in tool("destory", expect=64).err


def test_a_locked_stack_says_by_whom(cloud, tool):
    tool("up", "--yes")
    s3 = cloud.client("s3")
    lock = {"token": "t", "user": "ana", "host": "pc", "pid": 7, "command": "mrhealth up", "since": "2026-01-01T00:00:00Z",
            "beat": 0, "lease": 5, "interval": 1}

    def beat():
        lock["beat"] += 1
        s3.put_object(Bucket=LAKE, Key="mrhealth.state.json.lock", Body=json.dumps(lock))

    beat()
    process = subprocess.Popen(
        [str(BINARY), "--stack", str(tool.stack), "destroy", "--yes"], env=cloud.environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # A holder that beats is alive; one that does not is taken over from after its lease.
    wait_for(lambda: beat() or process.poll() is not None, "the refusal")
    said = process.stderr.read()
    assert process.returncode == 11, said
    assert "ana@pc" in said
    tool("destroy", "--yes")
    assert cloud.tagged() == [f"bucket/{LAKE}"]


def test_a_broken_pipe_ends_quietly(cloud, tool):
    command = f"'{BINARY}' --stack '{tool.stack}' plan | head -c 10 >/dev/null; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=cloud.environment())
    assert result.returncode == 0 and result.stderr == ""
