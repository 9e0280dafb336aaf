"""Saved plans, refreshing, and a state that is looked back on, restored, pushed and rebuilt."""
import json
import stat

import pytest

from conftest import ACCOUNT

LAKE = f"mrhealth-terraform-{ACCOUNT}"
CODE = f"mrhealth-{ACCOUNT}"
STATE = "mrhealth.state.json"


@pytest.fixture
def light(stack):
    """The shipped stack without its cluster: everything but the wait."""
    text = (stack / "stack.yaml").read_text()
    (stack / "stack.yaml").write_text(text[:text.index("\nclusters:")] + "\n")
    return stack


def edit(stack, old: str, new: str):
    path = stack / "stack.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def stored(tool) -> dict:
    return json.loads(tool("state", "pull").out)


def versions(tool) -> list[dict]:
    return tool("state", "history", "--json").json


def test_a_saved_plan_is_what_is_done(cloud, tool, light, tmp_path):
    plan = tmp_path / "plan.json"
    tool("plan", "--out", str(plan))
    assert stat.S_IMODE(plan.stat().st_mode) == 0o600
    assert cloud.endpoint["secret_access_key"] not in plan.read_text()
    # Nobody is asked: whoever saved it has read it.
    tool("up", str(plan))
    assert len(stored(tool)["resources"]) == 10
    # The state has moved on.
    refused = tool("up", str(plan), expect=1)
    assert "out of date" in refused.err and "mrhealth plan" in refused.err

    # What the file says, and not what the stack has become since.
    edit(light, "noncurrent_days: 90", "noncurrent_days: 60")
    tool("plan", "--out", str(plan))
    edit(light, "noncurrent_days: 60", "noncurrent_days: 30")
    tool("up", str(plan))
    rules = cloud.client("s3").get_bucket_lifecycle_configuration(Bucket=LAKE)["Rules"]
    assert rules[0]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 60

    # A file that was changed since is not uploaded under an old plan's name.
    edit(light, "noncurrent_days: 30", "noncurrent_days: 60")
    gold = light / "pipeline" / "gold.py"
    gold.write_text(gold.read_text() + "# one\n")
    tool("plan", "--out", str(plan))
    gold.write_text(gold.read_text() + "# two\n")
    refused = tool("up", str(plan), expect=1)
    assert "s3.upload.pipeline is not what it was" in refused.err and "pipeline/gold.py" in refused.err
    assert tool("plan", "--detailed-exitcode", expect=2).out.count("s3.upload.pipeline") == 1


@pytest.mark.parametrize("content, message", [
    (None, "No such file"), ("{}", "is not a plan"), ("\x00\x01", "is not a plan"),
    ('{"version": 9, "plan": {"stack": "mrhealth"}}', "another version"),
])
def test_what_is_no_plan(tool, light, tmp_path, content, message):
    file = tmp_path / "p.json"
    if content is not None:
        file.write_text(content)
    result = tool("up", str(file), expect=1)
    assert message in result.err and "mrhealth plan --out" in result.err


def test_a_plan_goes_only_where_it_was_made_for(tool, light, tmp_path):
    plan = tmp_path / "plan.json"
    tool("plan", "--out", str(plan))
    result = tool("--region", "us-west-2", "up", str(plan), expect=1)
    assert "another place" in result.err and "us-east-2" in result.err
    assert tool("plan", "--out", str(tmp_path), expect=1).err.count("cannot be written") == 1
    tool("up", str(plan), "--target", "s3.bucket.lake", expect=64)


def test_refreshing_takes_over_and_changes_nothing(cloud, tool, light):
    tool("up", "--yes")
    assert "Nothing was changed outside" in tool("plan", "--refresh-only").out
    s3 = cloud.client("s3")
    s3.put_bucket_versioning(Bucket=CODE, VersioningConfiguration={"Status": "Enabled"})
    cloud.client("sns").delete_topic(TopicArn=f"arn:aws:sns:us-east-2:{ACCOUNT}:mrhealth-avisos")
    shown = tool("plan", "--refresh-only", "--detailed-exitcode", expect=2)
    assert "versioning: false -> true" in shown.out and "of them 1 deleted" in shown.out
    tool("up", "--refresh-only", "--yes")
    resources = {item["address"]: item for item in stored(tool)["resources"]}
    assert resources["s3.bucket.code"]["inputs"]["versioning"] is True
    assert "sns.topic.alerts" not in resources
    assert s3.get_bucket_versioning(Bucket=CODE)["Status"] == "Enabled"
    # It is the stack file that is right: the next plan sets it back.
    plan = tool("plan", "--json").json
    changes = {item["address"]: item["action"] for item in plan["changes"] if item["action"] not in ("no-change", "keep")}
    assert changes == {"s3.bucket.code": "update", "sns.topic.alerts": "create"}
    tool("up", "--yes")
    assert tool("plan", "--detailed-exitcode").status == 0


def test_protected_resources_stay(cloud, tool, light):
    edit(light, "    name: mrhealth-avisos", "    name: mrhealth-avisos\n    protect: true")
    tool("up", "--yes")
    for command in (["destroy", "--yes"], ["plan"]):
        if command == ["plan"]:
            edit(light, "    name: mrhealth-avisos", "    name: mrhealth-outros")
        refused = tool(*command, expect=1)
        assert "sns.topic.alerts is protected" in refused.err and "Take `protect` off" in refused.err
    assert len(cloud.client("sns").list_topics()["Topics"]) == 1


def test_history_and_rollback(cloud, tool, light):
    tool("up", "--yes")
    before = stored(tool)
    edit(light, "display_name: Mr. Health", "display_name: Outro")
    tool("up", "--yes")
    history = versions(tool)
    assert [item["current"] for item in history] == [True] + [False] * (len(history) - 1)
    assert [item["serial"] for item in history] == sorted((item["serial"] for item in history), reverse=True)
    table = tool("state", "history", "--limit", "2").out.splitlines()
    assert len(table) == 3 and "(current)" in table[1]

    wanted = next(item for item in history if item["serial"] == before["serial"])
    back = tool("state", "rollback", wanted["version"], "--yes")
    assert "mrhealth plan" in back.out
    now = stored(tool)
    assert now["resources"] == before["resources"] and now["lineage"] == before["lineage"]
    assert now["serial"] > history[0]["serial"]
    # AWS stayed as it was; the plan says what the old state did not know.
    assert "changed outside: display_name" in tool("plan").out
    refused = tool("state", "rollback", "nada", "--yes", expect=1)
    assert "no version `nada`" in refused.err and "state history" in refused.err
    assert tool("state", "rollback", wanted["version"], expect=1).err.count("Nobody to ask") == 1
    assert stored(tool) == now


def test_a_lost_state_is_said_and_rebuilt(cloud, tool, stack):
    tool("up", "--yes")
    before = stored(tool)
    cloud.client("s3").delete_object(Bucket=LAKE, Key=STATE)
    for command in (["plan"], ["up", "--yes"], ["destroy", "--yes"], ["state", "list"]):
        refused = tool(*command, expect=1)
        assert "The state was deleted" in refused.err
        assert "state rollback" in refused.err and "state rebuild" in refused.err

    # One resource is no longer declared: its tag finds it all the same.
    edit(stack, "  alerts:\n    name: mrhealth-avisos\n    display_name: Mr. Health\n    subscriptions:\n"
         "      - protocol: email\n        endpoint: ${var.notify_email}\n", "  other:\n    name: mrhealth-outro\n")
    edit(stack, "  notify: sns.topic.alerts", "  notify: sns.topic.other")
    rebuilt = tool("state", "rebuild", "--json").json
    assert rebuilt["warnings"] == [] and rebuilt["missing"] == ["sns.topic.other"]
    after = {item["address"]: item for item in stored(tool)["resources"]}
    assert set(after) == {item["address"] for item in before["resources"]}
    for item in before["resources"]:
        assert after[item["address"]]["id"] == item["id"]
        # Who subscribed it is written nowhere but in the stack file.
        assert item["address"] == "sns.topic.alerts" or after[item["address"]]["inputs"] == item["inputs"]
    changes = {item["address"]: item["action"] for item in tool("plan", "--json").json["changes"]
               if item["action"] not in ("no-change", "keep")}
    assert changes == {"sns.topic.alerts": "delete", "sns.topic.other": "create"}
    # Again there is nothing to find.
    assert "nothing that the state does not know" in tool("state", "rebuild").out
    tool("up", "--yes")
    tool("destroy", "--yes")
    assert cloud.tagged() == [f"bucket/{LAKE}"]


def test_a_state_that_lost_everything_but_its_bucket_takes_all_down(cloud, tool, stack, tmp_path):
    """No stack file knows the resources any more: tags alone find them, and the order of deletion is right."""
    tool("up", "--yes")
    cloud.client("s3").delete_object(Bucket=LAKE, Key=STATE)
    full = (stack / "stack.yaml").read_text()
    start, end = full.index("\n  code:"), full.index("\nuploads:")
    (stack / "stack.yaml").write_text(full[:start] + "\n")
    assert end > start
    rebuilt = tool("state", "rebuild", "--json").json
    found = {item["address"] for item in rebuilt["recovered"]}
    assert found == {
        "s3.bucket.lake", "s3.bucket.code", "iam.role.emr_service", "iam.role.emr_node", "iam.instance_profile.emr_node",
        "ec2.security_group.primary", "ec2.security_group.core", "sns.topic.alerts", "emr.cluster.main"}
    tool("destroy", "--yes")
    assert cloud.tagged() == [f"bucket/{LAKE}"]


def test_a_cluster_that_the_state_does_not_know_is_not_launched_twice(cloud, tool, stack):
    tool("up", "--yes")
    tool("state", "rm", "emr.cluster.main")
    refused = tool("up", "--yes", expect=4)
    assert "running already" in refused.err and "state rebuild" in refused.err
    assert len(cloud.client("emr").list_clusters()["Clusters"]) == 1
    assert "emr.cluster.main" in tool("state", "rebuild").out
    assert "No changes" in tool("plan").out


def test_a_damaged_and_a_newer_state(cloud, tool, light):
    tool("up", "--yes")
    good = versions(tool)[0]
    s3 = cloud.client("s3")
    for body, message in [(b'{"version": 1, "stack"', "damaged"), (b'{"version": 99}', "newer mrhealth")]:
        s3.put_object(Bucket=LAKE, Key=STATE, Body=body)
        for command in (["plan"], ["up", "--yes"], ["state", "list"], ["destroy", "--yes"]):
            assert message in tool(*command, expect=1).err
        assert s3.get_object(Bucket=LAKE, Key=STATE)["Body"].read() == body
    assert "damaged" in tool("state", "history").out
    refused = tool("state", "rebuild", expect=1)
    assert "--replace" in refused.err and "state history" in refused.err
    tool("state", "rollback", good["version"], "--yes")
    assert "No changes" in tool("plan").out
    s3.put_object(Bucket=LAKE, Key=STATE, Body=b"")
    tool("state", "rebuild", "--replace")
    assert "No changes" in tool("plan").out


def test_a_rescued_state_is_pushed(cloud, tool, light, tmp_path):
    """The state cannot be saved half-way through: it goes to a file, and the message's own command brings it back."""
    cloud.faults([{"match": {"service": "s3", "operation": "PutObject", "path": rf"{STATE}(\?|$)"}, "after": 2,
                   "action": "error", "status": 403, "code": "AccessDenied", "message": "not now"}])
    failed = tool("up", "--yes", expect=4)
    assert "could not be saved" in failed.err
    file = tmp_path / "mrhealth.state.rescued.json"
    assert f"mrhealth state push {file}" in failed.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rescued = json.loads(file.read_text())
    cloud.faults([])
    tool("state", "push", str(file))
    pushed = stored(tool)
    assert pushed["resources"] == rescued["resources"]
    assert "already" in tool("state", "push", str(file)).out
    tool("up", "--yes")
    refused = tool("state", "push", str(file), expect=1)
    assert "not the successor" in refused.err and "--force" in refused.err
    assert "No changes" in tool("plan").out
    tool("destroy", "--yes")
    assert cloud.tagged() == [f"bucket/{LAKE}"]


def test_the_state_bucket_is_deleted_half_way(cloud, tool, light, tmp_path):
    tool("up", "--yes")
    edit(light, "display_name: Mr. Health", "display_name: Outro")
    cloud.faults([{"match": {"service": "s3", "operation": "PutObject", "path": rf"{STATE}(\?|$)"},
                   "action": "error", "status": 404, "code": "NoSuchBucket", "message": "The bucket does not exist"}])
    failed = tool("up", "--yes", expect=4)
    assert "state push" in failed.err
    cloud.faults([])
    s3 = cloud.client("s3")
    for item in s3.list_object_versions(Bucket=LAKE).get("Versions", []) + s3.list_object_versions(Bucket=LAKE).get("DeleteMarkers", []):
        s3.delete_object(Bucket=LAKE, Key=item["Key"], VersionId=item["VersionId"])
    s3.delete_bucket(Bucket=LAKE)
    # The push makes the bucket again, and `up` sets the rest of it.
    tool("state", "push", str(tmp_path / "mrhealth.state.rescued.json"))
    tool("up", "--yes")
    assert "No changes" in tool("plan").out
    tool("destroy", "--yes")
    assert cloud.tagged() == [f"bucket/{LAKE}"]
