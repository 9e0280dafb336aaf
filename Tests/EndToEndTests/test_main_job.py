"""up, run, destroy: the main job, with real Spark, looked at from outside by boto3 and pyarrow."""
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ACCOUNT, ROOT, STACK, wait_for

sys.path.insert(0, str(STACK / "tests"))
import oraculo  # noqa: E402  (the pipeline's independent implementation)
import tabelas  # noqa: E402

LAKE = f"mrhealth-terraform-{ACCOUNT}"
CODE = f"mrhealth-{ACCOUNT}"


def keys(cloud, bucket: str, prefix: str = "") -> list[str]:
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def table(cloud, name: str) -> list[dict]:
    """A gold table as its parquet files and the names of their folders hold it."""
    return tabelas.ler_s3(cloud.client("s3"), LAKE, f"dados/gold/{name}")


def test_up_run_destroy(cloud, tool, stack):
    # A plan changes nothing and says what would be made.
    planned = tool("plan", "--detailed-exitcode", expect=2)
    assert "11 to create" in planned.out
    assert cloud.tagged() == []

    up = tool("up", "--yes", "--json")
    assert up.json["failed"] == [] and len(up.json["done"]) == 11
    made = cloud.tagged()
    assert f"bucket/{LAKE}" in made and f"bucket/{CODE}" in made
    assert "role/mrhealth-emr-service" in made and "role/mrhealth-emr-node" in made
    assert sum(name.startswith("cluster/") for name in made) == 1
    check_settings(cloud)

    # The state is in the lake bucket, unlocked, and holds no secret.
    text = cloud.client("s3").get_object(Bucket=LAKE, Key="mrhealth.state.json")["Body"].read().decode()
    state = json.loads(text)
    assert state["version"] == 1 and len(state["resources"]) == 11
    assert all(resource["status"] == "created" and resource["id"] for resource in state["resources"])
    assert cloud.endpoint["secret_access_key"] not in text
    assert keys(cloud, LAKE, "mrhealth.state.json.lock") == []

    # Again: nothing to do, nothing done.
    again = tool("up", "--yes")
    assert "No changes" in again.out
    assert tool("plan", "--detailed-exitcode").status == 0
    assert json.loads(tool("state", "pull").out)["serial"] == state["serial"]

    # One changed script is one upload, and the cluster stays.
    silver = stack / "pipeline" / "silver.py"
    silver.write_text(silver.read_text() + "\n# touched\n")
    plan = tool("plan", "--json").json
    changed = [change for change in plan["changes"] if change["action"] not in ("no-change", "keep")]
    assert [change["address"] for change in changed] == ["s3.upload.pipeline"]
    assert [item["path"] for item in changed[0]["attributes"]] == ["objects.pipeline/silver.py"]
    before = {item.key: item.last_modified for item in objects(cloud, CODE, "pipeline/")}

    run = tool("run", "--date", "2024-11-20", "--json", timeout=600)
    after = {item.key: item.last_modified for item in objects(cloud, CODE, "pipeline/")}
    assert {key for key in after if after[key] != before.get(key)} == {"pipeline/silver.py"}
    check_run(cloud, run.json)
    check_gold(cloud, STACK / "dados")
    check_message(cloud, run.json)
    assert run.json["id"] in tool("runs").out

    # What was inside goes, the lake stays, and nothing else carries our tag.
    destroyed = tool("destroy", "--yes")
    assert LAKE in destroyed.out
    assert cloud.tagged() == [f"bucket/{LAKE}"]
    assert tool("destroy", "--yes").out.startswith("Nothing to destroy")
    assert any(key.startswith("dados/gold/") for key in keys(cloud, LAKE))
    refused = tool("destroy", "--purge", "--yes", expect=1)
    assert "--confirm" in refused.err
    tool("destroy", "--purge", "--yes", "--confirm", LAKE)
    assert cloud.tagged() == []


def objects(cloud, bucket: str, prefix: str):
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [type("Object", (), {"key": item["Key"], "last_modified": item["LastModified"]})
            for page in pages for item in page.get("Contents", [])]


def check_settings(cloud):
    """What was asked for is what AWS has, read by boto3."""
    s3 = cloud.client("s3")
    assert s3.get_bucket_versioning(Bucket=LAKE)["Status"] == "Enabled"
    block = s3.get_public_access_block(Bucket=LAKE)["PublicAccessBlockConfiguration"]
    assert all(block.values())
    policy = json.loads(s3.get_bucket_policy(Bucket=CODE)["Policy"])
    assert policy["Statement"][0]["Effect"] == "Deny"
    iam = cloud.client("iam")
    attached = iam.list_attached_role_policies(RoleName="mrhealth-emr-service")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonEMRServicePolicy_v2"]
    document = iam.get_role_policy(RoleName="mrhealth-emr-node", PolicyName="lake-and-code")["PolicyDocument"]
    resources = [resource for item in document["Statement"] for resource in item["Resource"]]
    assert resources and all(resource.startswith((f"arn:aws:s3:::{LAKE}", f"arn:aws:s3:::{CODE}")) for resource in resources)
    groups = cloud.client("ec2").describe_security_groups(
        Filters=[{"Name": "tag:mrhealth:stack", "Values": ["mrhealth"]}])["SecurityGroups"]
    open_to = [item["CidrIp"] for group in groups for rule in group["IpPermissions"] for item in rule["IpRanges"]]
    assert open_to == []
    emr = cloud.client("emr")
    cluster = emr.describe_cluster(ClusterId=emr.list_clusters()["Clusters"][0]["Id"])["Cluster"]
    assert cluster["Status"]["State"] == "WAITING"
    assert {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"} in cluster["Tags"]
    policy = emr.get_auto_termination_policy(ClusterId=cluster["Id"])["AutoTerminationPolicy"]
    assert policy["IdleTimeout"] == 3600


def check_run(cloud, record: dict):
    assert record["outcome"] == "succeeded"
    assert [step["state"] for step in record["steps"]] == ["COMPLETED"] * 3
    stored = json.loads(cloud.client("s3").get_object(Bucket=LAKE, Key=f"runs/{record['id']}.json")["Body"].read())
    assert stored == record
    # EMR's own layout of the logs.
    for step in record["steps"]:
        wait_for(lambda: keys(cloud, CODE, f"logs/{record['cluster']}/steps/{step['id']}/stdout.gz"), "the logs")


def check_gold(cloud, data: Path):
    """The parquet files against numbers that Spark had no part in."""
    expected = oraculo.calcular(data).gold
    assert expected
    for name, rows in expected.items():
        assert rows, name
        assert oraculo.diferencas(rows, table(cloud, name)) == [], name


def check_message(cloud, record: dict):
    message = cloud.inbox()[-1]
    assert message["subject"].startswith("[mrhealth] Execucao de 2024-11-20 concluida")
    assert record["id"] in message["message"] and "silver: concluída" in message["message"]
    # What the last step has left of the day, in the same words.
    body = cloud.client("s3").get_object(
        Bucket=LAKE, Key="dados/gold/alertas/_resumo/data=2024-11-20.json")["Body"].read()
    report = json.loads(body)
    assert record["alerts"] == len(report["alertas"])
    assert f"pedidos: {report['numeros']['pedidos']}\n" in message["message"]
    for alert in report["alertas"][:20]:
        assert f"[{alert['severidade']}]" in message["message"] and alert["titulo"] in message["message"]
    assert len(message["subject"]) <= 100 and message["subject"].isascii()


@pytest.mark.skipif(not (ROOT.parent / "shared" / "data" / "mrhealth").is_dir(), reason="the company's files are not here")
def test_the_companys_own_files_and_a_failing_step(cloud, tool, stack):
    """The same stack on other data, then a step that fails, on one cluster to save starts."""
    real = ROOT.parent / "shared" / "data" / "mrhealth"
    tool("up", "--yes")
    run = tool("run", "--date", "2024-11-20", "--data", str(real), "--json", timeout=600).json
    assert run["outcome"] == "succeeded"
    check_gold(cloud, real)

    (stack / "pipeline" / "gold.py").write_text(
        "def contar():\n    raise ValueError('faltou a coluna Vlr_Pedido')\n\n\ncontar()\n")
    failed = tool("run", "--date", "2024-11-21", "--data", str(real), expect=3, timeout=600)
    assert "ValueError: faltou a coluna Vlr_Pedido" in failed.err
    assert "gold.py:2" in failed.err
    message = cloud.inbox()[-1]
    assert "FALHOU" in message["subject"] and "faltou a coluna" in message["message"]
    record = json.loads(tool("runs", "--json").out)[0]
    assert record["outcome"] == "failed" and "faltou a coluna" in record["cause"]
    assert [step["state"] for step in record["steps"]] == ["COMPLETED", "FAILED", "CANCELLED"]


def test_a_run_launches_what_has_ended(cloud, tool, stack):
    """A cluster that has idled out is no drift; the next run has another one."""
    text = (stack / "stack.yaml").read_text()
    text = re.sub(r"script: pipeline/\w+\.py\n      py_files: \[[^]]*\]\n", "command: [bash, -c, echo]\n", text)
    (stack / "stack.yaml").write_text(text)
    tool("up", "--yes")
    emr = cloud.client("emr")
    first = emr.list_clusters()["Clusters"][0]["Id"]
    emr.terminate_job_flows(JobFlowIds=[first])
    wait_for(lambda: emr.describe_cluster(ClusterId=first)["Cluster"]["Status"]["State"] == "TERMINATED", "the end")
    assert "No changes" in tool("plan").out
    run = tool("run", "--date", "2024-11-20", "--json").json
    assert run["outcome"] == "succeeded" and run["cluster"] != first
    assert "No changes" in tool("plan").out
    tool("destroy", "--yes")
    assert cloud.tagged() == [f"bucket/{LAKE}"]


def test_local_starts_once_and_stops(tmp_path):
    """`--local` by itself: starts the embedded AWS, finds it again, and says clearly when it has died."""
    import os
    from conftest import BINARY
    environment = {**os.environ, "MRHEALTH_LOCAL_DIR": str(tmp_path / "aws"), "MRHEALTH_HOME": str(ROOT),
                   "MRHEALTH_PYTHON": sys.executable}

    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([str(BINARY), *arguments], capture_output=True, text=True, env=environment, cwd=tmp_path)

    first = run("--local", "whoami", "--json")
    assert json.loads(first.stdout)["account"] == ACCOUNT, first.stderr
    status = json.loads(run("local", "status", "--json").stdout)
    assert status["running"] and status["endpoint"].startswith("http://127.0.0.1:")
    again = run("local", "start")
    assert "already runs" in again.stdout
    os.kill(status["pid"], 9)
    inbox = run("local", "inbox")
    assert inbox.returncode == 1 and "not running" in inbox.stderr and "local start" in inbox.stderr
    assert run("local", "start").returncode == 0
    assert "stopped" in run("local", "stop").stdout
    assert not json.loads(run("local", "status", "--json").stdout)["running"]
