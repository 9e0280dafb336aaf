"""A spread of the crash points; `make test-crash` tries them all (Tests/crash_points.py)."""
import json

import pytest
from crash import CrashBench, Point

#: Where most is at stake: around the calls that AWS cannot deduplicate, and where state and world part.
SPREAD = [
    Point("up", "after", 1, "CreateBucket"),
    Point("up", "after", 1, "PutObject"),
    Point("up", "before", 1, "CreateSecurityGroup"),
    Point("up", "after", 2, "CreateRole"),
    Point("up", "after", 1, "RunJobFlow"),
    Point("destroy", "after", 1, "TerminateJobFlows"),
    Point("destroy", "before", 1, "DeleteSecurityGroup"),
    Point("destroy", "before", 2, "DeleteBucket"),
    Point("destroy", "after", 2, "DeleteBucket"),
    Point("run", "after", 1, "RunJobFlow"),
    Point("run", "before", 1, "AddJobFlowSteps"),
    Point("run", "after", 1, "AddJobFlowSteps"),
]


@pytest.fixture(scope="module")
def bench(shared_cloud, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash") / "stack"
    folder.mkdir()
    return CrashBench(shared_cloud, folder)


@pytest.mark.parametrize("point", SPREAD, ids=str)
def test_crash(bench, point):
    try:
        assert bench.try_point(point), "the command has no such request"
        violations = bench.cloud.violations()
        assert not violations, json.dumps(violations, indent=1)[:4000]
    except BaseException:
        bench.reset()
        raise
