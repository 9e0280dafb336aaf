"""What goes wrong on the way: a storm of errors, many writers at once, a holder that sleeps, credentials that expire."""
import json
import signal
import subprocess

import pytest
import yaml
from conftest import BINARY, wait_for
from crash import COMMANDS, DOCUMENT, LAKE, STACK, CrashBench

#: A fifth of all answers. What is reset afterwards was carried out.
STORM = [
    {"probability": 0.05, "action": "error", "status": 500, "code": "InternalError", "message": "storm"},
    {"probability": 0.05, "action": "error", "status": 503, "code": "ServiceUnavailable", "message": "storm"},
    {"probability": 0.05, "action": "throttle"},
    {"probability": 0.02, "action": "reset"},
    {"probability": 0.02, "action": "reset", "when": "after"},
    {"probability": 0.01, "times": 2, "action": "latency", "ms": 10_000},
]


@pytest.fixture
def bench(shared_cloud, tmp_path):
    folder = tmp_path / "stack"
    folder.mkdir()
    bench = CrashBench(shared_cloud, folder)
    yield bench
    shared_cloud.faults([])
    shared_cloud.config(starting_seconds=0.5)
    if bench.inventory():
        bench.reset()


def state(bench) -> dict:
    body = bench.cloud.client("s3").get_object(Bucket=LAKE, Key=f"{STACK}.state.json")["Body"].read()
    return json.loads(body)


def start(bench, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [str(BINARY), "--stack", str(bench.folder), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL, env=bench.cloud.environment(), cwd=bench.folder.parent)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_of_errors_is_weathered(bench, seed):
    before, hits = bench.launched(), []
    for command in ("up", "run", "destroy"):
        bench.cloud.faults([{**rule, "seed": 100 * seed + n} for n, rule in enumerate(STORM)])
        bench.tool(*COMMANDS[command], timeout=500)
        hits.append(sum(fault["hits"] for fault in bench.status()["faults"]))
        bench.cloud.faults([])
        if command == "up":
            bench.check_complete()
    bench.check_empty()
    assert len(bench.launched() - before) == 1
    assert sum(hits) >= 10, f"there was no storm: {hits}"


def test_twenty_writers_and_one_stack(bench):
    before = bench.launched()
    writers = [start(bench, "up", "--yes") for _ in range(20)]
    ends = [(*writer.communicate(timeout=300), writer.returncode) for writer in writers]
    done = [out for out, _, status in ends if status == 0]
    assert any("11 of 11" in out or "Done:" in out for out in done), ends
    for out, err, status in ends:
        assert status in (0, 11), f"exit {status}\n{out}\n{err}"
        if status == 11:
            assert "The stack is locked" in err and "mrhealth up, since" in err, err
    bench.check_complete()
    assert len(bench.launched() - before) == 1
    bench.tool(*COMMANDS["destroy"])
    bench.check_empty()


def test_a_holder_that_slept_past_its_lease_harms_nothing(bench):
    bench.cloud.config(starting_seconds=300)
    sleeper = start(bench, "up", "--yes")

    def is_waiting() -> bool:
        s3 = bench.cloud.client("s3")
        if sleeper.poll() is not None or not s3.list_buckets()["Buckets"]:
            return False
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=LAKE).get("Contents", [])]
        return f"{STACK}.state.json" in keys and any(
            item["kind"] == "emr.cluster" and item.get("id") for item in state(bench)["resources"])

    wait_for(is_waiting, "the launch")
    sleeper.send_signal(signal.SIGSTOP)
    document = json.loads(json.dumps(DOCUMENT))
    document["topics"]["alerts"]["display_name"] = "Newer"
    (bench.folder / "stack.yaml").write_text(yaml.safe_dump(document))
    # It watches the lock through the whole lease, since the holder's process is there.
    bench.tool("up", "--yes", "--target", "sns.topic.alerts", timeout=120)
    newer = state(bench)
    sleeper.send_signal(signal.SIGCONT)
    # Its heartbeat finds the lock gone, or its next save the newer state.
    sleeper.send_signal(signal.SIGINT)
    out, err = sleeper.communicate(timeout=120)
    assert sleeper.returncode != 0, out
    assert state(bench) == newer, err
    bench.cloud.config(starting_seconds=0.5)
    for cluster in bench.cloud.clusters():
        bench.cloud.client("emr").terminate_job_flows(JobFlowIds=[cluster])
    bench.tool(*COMMANDS["destroy"], timeout=120)
    bench.check_empty()


def test_credentials_that_expire_half_way(bench):
    bench.cloud.faults([{"after": 40, "action": "error", "status": 403, "code": "ExpiredToken",
                         "message": "The security token included in the request is expired"}])
    result = bench.tool("up", "--yes", expect=4)
    assert "expired" in result.err and "aws sso login" in result.err
    bench.cloud.faults([])
    # What was made and could not be recorded any more is found; nothing is made twice.
    bench.tool("up", "--yes")
    bench.check_complete()
    bench.tool(*COMMANDS["destroy"])
    bench.check_empty()
