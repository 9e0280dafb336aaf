"""emr.cluster."""
from conftest import ACCOUNT, wait_for
from conformance import ABSENT, TAGS, Case, Drift, Input, own_tags, pairs, tag_input, unpaired

CODE = f"c-emr-code-{ACCOUNT}"
MANAGED = {"for-use-with-amazon-emr-managed-policies": "true"}
FIXED = "RunJobFlow's; EMR has no call that changes it on a cluster"


def cluster(cloud, id):
    found = cloud.client("emr").describe_cluster(ClusterId=id)["Cluster"]
    return None if found["Status"]["State"].startswith("TERMINAT") else found


def read_cluster(cloud, id):
    found = cluster(cloud, id)
    if found is None:
        return None
    emr = cloud.client("emr")
    groups = emr.list_instance_groups(ClusterId=id)["InstanceGroups"]
    actions = emr.list_bootstrap_actions(ClusterId=id)["BootstrapActions"]
    policy = emr.get_auto_termination_policy(ClusterId=id).get("AutoTerminationPolicy")
    ec2 = found["Ec2InstanceAttributes"]
    return {
        "name": found["Name"], "release": found["ReleaseLabel"], "log_uri": found["LogUri"],
        "applications": sorted(item["Name"] for item in found["Applications"]),
        "service_role": found["ServiceRole"].rpartition("/")[2], "instance_profile": ec2["IamInstanceProfile"],
        "instance_groups": [(item["InstanceGroupType"], item["InstanceType"], item["RequestedInstanceCount"])
                            for item in groups],
        "bootstrap": [(item["Name"], item["ScriptPath"], item["Args"]) for item in actions],
        "configurations": [item["Classification"] for item in found.get("Configurations", [])],
        "step_concurrency": found["StepConcurrencyLevel"], "termination_protection": found["TerminationProtected"],
        "idle_timeout_minutes": policy and policy["IdleTimeout"] // 60,
        "root_volume_gib": found.get("EbsRootVolumeSize"), "tags": own_tags(unpaired(found["Tags"])),
    }


def expect_cluster(inputs):
    expected = {
        "step_concurrency": 1, "termination_protection": False, "tags": {},
        "idle_timeout_minutes": None, **{k: v for k, v in inputs.items() if k not in OPAQUE},
        "applications": sorted(inputs.get("applications", ["Spark"])),
        "service_role": "c-service", "instance_profile": "c-node", "log_uri": f"s3://{CODE}/logs/",
        "instance_groups": [(item["role"], item["type"], item["count"]) for item in inputs["instance_groups"]],
        "bootstrap": [(item["name"], item["script"].replace("${s3.bucket.code.name}", CODE), item.get("args", []))
                      for item in inputs.get("bootstrap", [])],
        "configurations": [item["classification"] for item in inputs.get("configurations", [])],
    }
    return expected


#: Checked by what EMR accepts, not read back: they name what other cases are about.
OPAQUE = {"primary_security_group", "core_security_group", "runs_forever"}


def end_cluster(cloud, id):
    emr = cloud.client("emr")
    emr.set_termination_protection(JobFlowIds=[id], TerminationProtected=False)
    emr.terminate_job_flows(JobFlowIds=[id])
    wait_for(lambda: emr.describe_cluster(ClusterId=id)["Cluster"]["Status"]["State"] == "TERMINATED", "the end")


def change_cluster_tags(cloud, id, put, drop):
    emr = cloud.client("emr")
    emr.add_tags(ResourceId=id, Tags=pairs(put))
    if drop:
        emr.remove_tags(ResourceId=id, TagKeys=drop)


def idle(seconds):
    return lambda cloud, id: cloud.client("emr").put_auto_termination_policy(
        ClusterId=id, AutoTerminationPolicy={"IdleTimeout": seconds})


def foreign_cluster(cloud, inputs):
    return cloud.client("emr").run_job_flow(
        Name=inputs["name"], ReleaseLabel=inputs["release"], ServiceRole="c-service", JobFlowRole="c-node",
        LogUri=f"s3://{CODE}/logs/", Instances={
            "KeepJobFlowAliveWhenNoSteps": True,
            "InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}]})["JobFlowId"]


GROUPS = [{"role": "MASTER", "type": "m5.xlarge", "count": 1}, {"role": "CORE", "type": "m5.xlarge", "count": 2}]
FLEETS = [{"role": "MASTER", "on_demand": 1, "types": [{"type": "m5.xlarge"}]}]
BASE = {
    "name": "c-it", "release": "emr-7.13.0", "log_uri": "s3://${s3.bucket.code.name}/logs/",
    "service_role": "${iam.role.service.arn}", "instance_profile": "${iam.instance_profile.node.name}",
    "instance_groups": GROUPS,
}

emr_cluster = Case(
    kind="emr.cluster", section="clusters", names_clash=False, to_replace={"termination_protection": False},
    needs={
        "buckets": {"code": {"name": CODE}},
        "roles": {
            "service": {
                "name": "c-service", "trust": "elasticmapreduce.amazonaws.com",
                "policies": {"all": {"Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}}}},
            "node": {"name": "c-node", "trust": "ec2.amazonaws.com"}},
        "instance_profiles": {"node": {"name": "c-node", "role": "${iam.role.node.name}"}},
        "security_groups": {"primary": {"name": "c-primary", "tags": MANAGED},
                            "core": {"name": "c-core", "tags": MANAGED}},
        "uploads": {"scripts": {"bucket": "${s3.bucket.code.name}", "from": "scripts", "prefix": "scripts/"}},
    },
    files=lambda folder: ((folder / "scripts").mkdir(), (folder / "scripts" / "prepare.sh").write_text("exit 0\n")),
    minimal={**BASE, "idle_timeout_minutes": 60},
    full={
        **BASE, "applications": ["Spark", "Hadoop"], "primary_security_group": "${ec2.security_group.primary.id}",
        "core_security_group": "${ec2.security_group.core.id}",
        "bootstrap": [{"name": "prepare", "script": "s3://${s3.bucket.code.name}/scripts/prepare.sh", "args": ["a"]}],
        "configurations": [{"classification": "spark-defaults", "properties": {"spark.x": "1"}}],
        "step_concurrency": 2, "idle_timeout_minutes": 60, "termination_protection": True, "root_volume_gib": 20,
        "tags": {**TAGS, **MANAGED}},
    read=read_cluster, expect=expect_cluster, remove=end_cluster, foreign=foreign_cluster,
    inputs={
        **{name: Input(replacements=(value,), why=FIXED) for name, value in {
            "name": "c-other", "release": "emr-7.12.0", "applications": ["Spark"],
            "log_uri": "s3://${s3.bucket.code.name}/other/", "service_role": "${iam.role.service.name}",
            "instance_profile": "other", "primary_security_group": ABSENT, "core_security_group": ABSENT,
            "service_access_security_group": "sg-1", "subnets": ["subnet-1"], "key_name": "key",
            "bootstrap": ABSENT, "configurations": ABSENT, "root_volume_gib": 30,
            "security_configuration": "c-security",
        }.items()},
        "instance_groups": Input(replacements=([GROUPS[0]],)),
        "instance_fleets": Input(why="excludes instance_groups; changing to it is a replacement of those"),
        "step_concurrency": Input(
            drifts=(Drift("changed", lambda cloud, id: cloud.client("emr").modify_cluster(
                ClusterId=id, StepConcurrencyLevel=9), ("step_concurrency",)),),
            updates=(3, ABSENT)),
        "idle_timeout_minutes": Input(
            drifts=(
                Drift("longer", idle(7200), ("idle_timeout_minutes",)),
                Drift("not whole minutes", idle(3601), ("idle_timeout_minutes",)),
                Drift("for ever", lambda cloud, id: cloud.client("emr").remove_auto_termination_policy(ClusterId=id),
                      ("idle_timeout_minutes",))),
            updates=(90,)),
        "runs_forever": Input(why="says in words that idle_timeout_minutes is left out; updated with it"),
        "termination_protection": Input(
            drifts=(Drift("taken off", lambda cloud, id: cloud.client("emr").set_termination_protection(
                JobFlowIds=[id], TerminationProtected=False), ("termination_protection",)),),
            updates=(False, ABSENT)),
        "tags": tag_input(change_cluster_tags),
    })
