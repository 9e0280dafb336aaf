"""adopt: what Terraform has made is taken over, and AWS is asked, not changed."""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import ACCOUNT, REGION, ROOT, fetch, wait_for

LAKE = f"mrhealth-terraform-{ACCOUNT}"
CODE = f"mrhealth-{ACCOUNT}"
#: What Terraform 1.11.4 with the AWS provider 5.100 has left of Benchmarks/terraform.
FIXTURE = ROOT / "Tests" / "CloudTests" / "Fixtures" / "terraform-1.11.tfstate"
CONFIGURATION = ROOT / "Benchmarks" / "terraform"
TAGS = [{"Key": "projeto", "Value": "mrhealth"}]
EMR_TAGS = [*TAGS, {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}]
ADDRESSES = [
    "ec2.security_group.core", "ec2.security_group.primary", "emr.cluster.main", "iam.instance_profile.emr_node",
    "iam.role.emr_node", "iam.role.emr_service", "s3.bucket.code", "s3.bucket.lake", "s3.upload.pipeline",
    "s3.upload.scripts", "sns.topic.alerts",
]
#: These lack the stack's tags; uploads have none.
TAGGABLE = [address for address in ADDRESSES if not address.startswith("s3.upload.")]


def fixture() -> dict:
    return json.loads(FIXTURE.read_text())


def attributes(state: dict, kind: str, name: str, index=None) -> dict:
    for resource in state["resources"]:
        for instance in resource["instances"]:
            if (resource["type"], resource["name"], instance.get("index_key")) == (kind, name, index):
                return instance["attributes"]
    raise KeyError((kind, name, index))


def make(cloud, stack: Path) -> str:
    """Makes what the fixture describes, with boto3, and gives the fixture with the ids of what was made."""
    state = fixture()
    old_vpc = attributes(state, "aws_security_group", "core")["vpc_id"]
    make_buckets(cloud, stack, state)
    iam, ec2, sns = cloud.client("iam"), cloud.client("ec2"), cloud.client("sns")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    for name in ("emr_service", "emr_node"):
        role = attributes(state, "aws_iam_role", name)
        iam.create_role(
            RoleName=role["name"], Description=role["description"], AssumeRolePolicyDocument=role["assume_role_policy"],
            Tags=TAGS)
    iam.attach_role_policy(**{
        "RoleName": "mrhealth-emr-service",
        "PolicyArn": "arn:aws:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"})
    for name in ("default_subnets", "lake_and_code", "pass_node_role"):
        policy = attributes(state, "aws_iam_role_policy", name)
        iam.put_role_policy(
            RoleName=policy["role"], PolicyName=policy["name"], PolicyDocument=policy["policy"].replace(old_vpc, vpc))
    iam.create_instance_profile(InstanceProfileName="mrhealth-emr-node", Tags=TAGS)
    iam.add_role_to_instance_profile(InstanceProfileName="mrhealth-emr-node", RoleName="mrhealth-emr-node")
    ids = {old_vpc: vpc}
    groups = {}
    for name in ("primary", "core"):
        group = attributes(state, "aws_security_group", name)
        groups[name] = ec2.create_security_group(
            GroupName=group["name"], Description=group["description"], VpcId=vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": EMR_TAGS}])["GroupId"]
        ids[group["id"]] = groups[name]
    topic = sns.create_topic(
        Name="mrhealth-avisos", Attributes={"DisplayName": "Mr. Health"}, Tags=TAGS)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="gestao@mrhealth.example")
    cluster = attributes(state, "aws_emr_cluster", "main")
    ids[cluster["id"]] = launch(cloud, cluster, groups)
    text = json.dumps(state)
    for old, new in ids.items():
        text = text.replace(old, new)
    return text


def make_buckets(cloud, stack: Path, state: dict):
    s3 = cloud.client("s3")
    for name, bucket in (("lake", LAKE), ("code", CODE)):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": TAGS})
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True))
        s3.put_bucket_policy(
            Bucket=bucket, Policy=attributes(state, "aws_s3_bucket_policy", "this", name)["policy"])
    s3.put_bucket_versioning(Bucket=LAKE, VersioningConfiguration={"Status": "Enabled"})
    abort = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Status": "Enabled"}
    s3.put_bucket_lifecycle_configuration(Bucket=LAKE, LifecycleConfiguration={"Rules": [{
        "ID": "old-versions", "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 90}, **abort}]})
    s3.put_bucket_lifecycle_configuration(Bucket=CODE, LifecycleConfiguration={"Rules": [{
        "ID": "logs", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}, **abort}]})
    for folder, pattern in (("pipeline", "*.py"), ("scripts", "*.sh")):
        for file in (stack / folder).glob(pattern):
            s3.put_object(Bucket=CODE, Key=f"{folder}/{file.name}", Body=file.read_bytes())


def launch(cloud, cluster: dict, groups: dict[str, str]) -> str:
    emr = cloud.client("emr")
    size = {"InstanceType": "m5.xlarge", "Market": "ON_DEMAND"}
    identifier = emr.run_job_flow(
        Name=cluster["name"], ReleaseLabel=cluster["release_label"], Applications=[{"Name": "Spark"}],
        LogUri=cluster["log_uri"], ServiceRole=cluster["service_role"], JobFlowRole="mrhealth-emr-node",
        Configurations=json.loads(cluster["configurations_json"]), Tags=EMR_TAGS, VisibleToAllUsers=True,
        AutoTerminationPolicy={"IdleTimeout": 3600},
        BootstrapActions=[{"Name": "prepare", "ScriptBootstrapAction": {"Path": f"s3://{CODE}/scripts/bootstrap.sh"}}],
        Instances={
            "KeepJobFlowAliveWhenNoSteps": True, "EmrManagedMasterSecurityGroup": groups["primary"],
            "EmrManagedSlaveSecurityGroup": groups["core"],
            "InstanceGroups": [
                {"Name": "Master", "InstanceRole": "MASTER", "InstanceCount": 1, **size},
                {"Name": "Core", "InstanceRole": "CORE", "InstanceCount": 2, **size}]})["JobFlowId"]
    wait_for(lambda: emr.describe_cluster(ClusterId=identifier)["Cluster"]["Status"]["State"] == "WAITING", "the cluster")
    return identifier


def write(tmp_path, text: str) -> str:
    file = tmp_path / "terraform.tfstate"
    file.write_text(text)
    return str(file)


# MARK: AWS unchanged


def requests(cloud) -> list[dict]:
    answer = fetch(cloud.url + "/__strict__/log?since=0")
    return answer["log"] if isinstance(answer, dict) and "log" in answer else answer


def changes(cloud, before: int) -> list[str]:
    """The calls since then that change something, but for those of the state and its lock."""
    found = []
    for entry in requests(cloud)[before:]:
        operation, path = entry["operation"], entry.get("path", "")
        if re.match(r"(Get|List|Describe|Head)", operation):
            continue
        if entry["service"] == "s3" and path.split("?")[0].startswith(f"/{LAKE}/mrhealth.state.json"):
            continue
        found.append(f"{operation} {path}")
    return found


# MARK: the tests


def test_what_terraform_made_is_taken_over(cloud, tool, stack, tmp_path):
    file = write(tmp_path, make(cloud, stack))
    before = len(requests(cloud))

    # A dry run records nothing.
    dry = tool("adopt", "--dry-run", file)
    assert "Would be taken over" in dry.out and "Nothing was recorded" in dry.out
    assert changes(cloud, before) == []
    assert "11 to create" in tool("plan").out

    adopted = tool("adopt", file, "--json")
    assert changes(cloud, before) == [], "adopt changed something in AWS"
    result = adopted.json
    assert result["version"] == 1 and not result["dryRun"]
    assert sorted(item["address"] for item in result["adopted"]) == ADDRESSES
    assert (result["gone"], result["onlyInStack"], result["staysWithTerraform"], result["known"]) == ([], [], [], [])
    parts = {item["terraform"]: item["partOf"] for item in result["parts"]}
    assert parts["aws_s3_bucket_versioning.lake"] == ["s3.bucket.lake"]
    assert parts['aws_s3_bucket_policy.this["code"]'] == ["s3.bucket.code"]
    assert parts["aws_iam_role_policy.lake_and_code"] == ["iam.role.emr_node"]
    assert parts["aws_sns_topic_subscription.alerts"] == ["sns.topic.alerts"]
    # Everything is accounted for, and Terraform is told to forget all of it.
    covered = set(parts) | {name for item in result["adopted"] for name in item["terraform"]}
    assert covered == managed(file)
    assert {name.split("[")[0] for name in covered} == set(result["forget"])
    assert "terraform destroy" in adopted.err and "terraform state rm" in adopted.err

    # One write of the state; nothing of Terraform's is in it but what AWS says.
    state = json.loads(tool("state", "pull").out)
    assert state["serial"] == 1
    assert sorted(resource["address"] for resource in state["resources"]) == ADDRESSES

    # Nothing differs but the tags by which the stack finds its own.
    plan = tool("plan", "--json").json
    changed = {change["address"]: change for change in plan["changes"] if change["action"] != "no-change"}
    assert sorted(changed) == TAGGABLE
    for change in changed.values():
        assert change["action"] == "update" and change["drift"] == [], change
        assert [item["path"] for item in change["attributes"]] == ["missing_tags"], change
    assert result["plan"]["changes"] == plan["changes"]

    # Once more: nothing to do.
    again = tool("adopt", file, "--json").json
    assert again["adopted"] == [] and sorted(item["address"] for item in again["known"]) == ADDRESSES
    assert json.loads(tool("state", "pull").out)["serial"] == 1

    uploads = {item["Key"]: item["LastModified"] for item in listed(cloud)}
    tool("up", "--yes")
    assert {item["Key"]: item["LastModified"] for item in listed(cloud)} == uploads, "something was uploaded again"
    assert tool("plan", "--detailed-exitcode").status == 0
    assert len(cloud.tagged()) == len(TAGGABLE)
    tags = cloud.client("s3").get_bucket_tagging(Bucket=CODE)["TagSet"]
    assert {item["Key"]: item["Value"] for item in tags} == {
        "projeto": "mrhealth", "mrhealth:stack": "mrhealth", "mrhealth:address": "s3.bucket.code"}

    tool("destroy", "--yes")
    assert cloud.tagged() == [f"bucket/{LAKE}"]
    tool("destroy", "--purge", "--yes", "--confirm", LAKE)
    assert cloud.tagged() == []


def listed(cloud) -> list[dict]:
    return cloud.client("s3").list_objects_v2(Bucket=CODE)["Contents"]


def managed(file: str) -> set[str]:
    """The addresses of a Terraform state, as Terraform writes them."""
    found = set()
    for resource in json.loads(Path(file).read_text())["resources"]:
        for instance in resource["instances"] if resource["mode"] == "managed" else []:
            key = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
            found.add(f"{resource['type']}.{resource['name']}{key}")
    return found


def test_destroy_right_after(cloud, tool, stack, tmp_path):
    """Without an `up` between that puts the tags on; EMR's own rules between the two groups stand in the way."""
    tool("adopt", write(tmp_path, make(cloud, stack)))
    groups = cloud.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["mrhealth-*"]}])["SecurityGroups"]
    naming = [pair["GroupId"] for group in groups for rule in group["IpPermissions"] for pair in rule["UserIdGroupPairs"]]
    assert set(naming) == {group["GroupId"] for group in groups}, "EMR's rules are not there"
    destroyed = tool("destroy", "--yes")
    assert "Destroyed 10 resources" in destroyed.out
    assert cloud.client("iam").list_roles()["Roles"] == []
    assert cloud.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["mrhealth-*"]}])["SecurityGroups"] == []
    buckets = [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]
    assert buckets == [LAKE]


def test_what_differs_is_gone_or_unknown(cloud, tool, stack, tmp_path):
    """Drift shows in the plan; what is gone, what only one side has, and what is nobody's are each said."""
    state = json.loads(make(cloud, stack))
    iam, s3 = cloud.client("iam"), cloud.client("s3")
    iam.update_role_description(RoleName="mrhealth-emr-node", Description="changed by hand")
    s3.put_object(Bucket=CODE, Key="pipeline/gold.py", Body=b"an older one")
    sns = cloud.client("sns")
    sns.delete_topic(TopicArn=attributes(state, "aws_sns_topic", "alerts")["arn"])
    emr = cloud.client("emr")
    cluster = attributes(state, "aws_emr_cluster", "main")["id"]
    text = (stack / "stack.yaml").read_text()
    (stack / "stack.yaml").write_text(text.replace("release: emr-7.13.0", "release: emr-7.12.0").replace(
        "uploads:\n", "uploads:\n  dados:\n    bucket: ${s3.bucket.code.name}\n    from: dados\n    prefix: dados/\n", 1))
    state["resources"] += [
        {"mode": "managed", "type": "aws_glue_job", "name": "old", "instances": [{"attributes": {"id": "j"}}]},
        {"mode": "managed", "type": "aws_iam_access_key", "name": "robot", "instances": [
            {"attributes": {"id": "AKIAROBOT00000000000", "secret": "s3cr3t-of-the-robot"}}]},
        {"mode": "managed", "type": "aws_s3_bucket", "name": "other", "instances": [
            {"attributes": {"id": "another", "bucket": "another"}}]},
    ]
    result = tool("adopt", write(tmp_path, json.dumps(state)), "--json")
    assert "s3cr3t" not in result.out + result.err and "AKIAROBOT" not in result.out + result.err
    report = result.json
    assert [item["address"] for item in report["gone"]] == ["sns.topic.alerts"]
    assert [item["address"] for item in report["onlyInStack"]] == ["s3.upload.dados"]
    stays = {item["terraform"]: item["hint"] for item in report["staysWithTerraform"]}
    assert stays["aws_s3_bucket.other"] == "declare it under `buckets` to manage it here"
    assert stays["aws_glue_job.old"] == stays["aws_iam_access_key.robot"] == "not managed by mrhealth"
    actions = {change["address"]: change for change in report["plan"]["changes"]}
    assert actions["sns.topic.alerts"]["action"] == "create"
    paths = [item["path"] for item in actions["iam.role.emr_node"]["attributes"]]
    assert paths == ["description", "missing_tags"]
    assert [item["path"] for item in actions["s3.upload.pipeline"]["attributes"]] == ["objects.pipeline/gold.py"]
    # A cluster cannot change its release: said before anything is made, and not forgotten by taking it over.
    assert actions["emr.cluster.main"]["action"] == "replace"
    assert "release" in actions["emr.cluster.main"]["reason"]
    assert emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]["State"] == "WAITING"
    assert "s3cr3t" not in tool("state", "pull").out


def test_one_failing_read_records_nothing(cloud, tool, stack, tmp_path):
    file = write(tmp_path, make(cloud, stack))
    cloud.faults([{
        "match": {"service": "iam", "operation": "GetInstanceProfile"}, "action": "error", "status": 403,
        "code": "AccessDenied", "message": "not you"}])
    failed = tool("adopt", file, expect=1)
    assert "Not allowed" in failed.err and "iam.instance_profile.emr_node" in failed.err
    cloud.faults([])
    keys = cloud.client("s3").list_objects_v2(Bucket=LAKE).get("Contents", [])
    assert keys == [], "half of it was recorded, or the lock stayed"


def test_nowhere_to_record(cloud, tool, tmp_path):
    """No bucket for the state: nothing is made, the way there is said."""
    failed = tool("adopt", write(tmp_path, FIXTURE.read_text()), expect=1)
    assert LAKE in failed.err and "mrhealth up --target s3.bucket.lake" in failed.err
    assert cloud.client("s3").list_buckets()["Buckets"] == []
    dry = tool("adopt", "--dry-run", "--json", str(tmp_path / "terraform.tfstate")).json
    assert dry["adopted"] == [] and sorted(item["address"] for item in dry["gone"]) == ADDRESSES


@pytest.mark.parametrize("content, words", [
    ("", "is empty"),
    ("not JSON", "is not a Terraform state"),
    ('{"format_version": "1.0", "terraform_version": "1.11.4", "values": {}}', "terraform show -json"),
    ('{"version": 3, "serial": 1, "lineage": "x", "modules": []}', "format version 3"),
    ('{"version": 3, "backend": {"type": "s3", "config": {"bucket": "b"}}}', "where the state is kept"),
    ('{"version": 4, "serial": 1, "lineage": "x", "resources": {}}', "is not a Terraform state"),
    ('{"version": 4, "lineage": "x", "encrypted_data": "AAAA", "encryption_version": "v0"}', "encrypted"),
])
def test_files_that_are_no_state(tool, tmp_path, content, words):
    failed = tool("adopt", write(tmp_path, content), expect=1)
    assert words in failed.err and "state pull" in failed.err or "Terraform 0.13" in failed.err, failed
    assert failed.out == ""


def test_files_that_cannot_be_read(tool, tmp_path):
    assert "No such file" in tool("adopt", str(tmp_path / "nowhere"), expect=1).err
    assert "not a file" in tool("adopt", str(tmp_path), expect=1).err
    assert "not a file" in tool("adopt", "/dev/zero", expect=1).err
    huge = tmp_path / "huge"
    with open(huge, "wb") as file:
        file.truncate(1 << 30)
    assert "too large" in tool("adopt", str(huge), expect=1).err


def test_another_account(cloud, tool, tmp_path):
    failed = tool(
        "adopt", "--dry-run", write(tmp_path, FIXTURE.read_text().replace(ACCOUNT, "999999999999")), expect=1)
    assert "another account" in failed.err and "999999999999" in failed.err


# MARK: the real thing


def terraform_missing() -> str:
    mirror = os.environ.get("MRHEALTH_TF_MIRROR", "")
    if not shutil.which("terraform"):
        return "terraform is not on the PATH"
    if not list(Path(mirror).glob("*/hashicorp/aws/*")) if mirror else True:
        return "MRHEALTH_TF_MIRROR does not name a filesystem mirror with the provider hashicorp/aws"
    return ""


@pytest.mark.skipif(terraform_missing() != "", reason=terraform_missing())
def test_terraform_itself(cloud, tool, stack, tmp_path):
    """Terraform applies, mrhealth adopts, Terraform forgets: then each is content, and mrhealth destroys it all."""
    # As in Benchmarks/run.py: two requests of the provider are refused otherwise.
    cloud.config(validate=False, managed_group_rules=False)
    folder = tmp_path / "terraform"
    shutil.copytree(CONFIGURATION, folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    settings = tmp_path / "terraform.rc"
    settings.write_text(
        "disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n"
        f'    path = "{os.environ["MRHEALTH_TF_MIRROR"]}"\n  }}\n}}\n')
    url = cloud.endpoint["endpoint"]
    environment = {
        **cloud.environment(AWS_ENDPOINT_URL=url), "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1",
        "TF_VAR_endpoint": url, "TF_VAR_stack": str(stack)}

    def terraform(*arguments: str) -> str:
        process = subprocess.run(
            ["terraform", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    terraform("init", "-input=false", "-no-color")
    terraform("apply", "-input=false", "-no-color", "-auto-approve")
    state = str(folder / "terraform.tfstate")
    before = len(requests(cloud))
    result = tool("adopt", state, "--json").json
    assert changes(cloud, before) == []
    assert sorted(item["address"] for item in result["adopted"]) == ADDRESSES
    assert (result["gone"], result["onlyInStack"], result["staysWithTerraform"]) == ([], [], [])
    differing = [change for change in result["plan"]["changes"] if change["action"] != "no-change"]
    assert sorted(change["address"] for change in differing) == TAGGABLE
    assert {item["path"] for change in differing for item in change["attributes"]} == {"missing_tags"}

    terraform("state", "rm", *result["forget"])
    assert managed(state) == set(), "the advice leaves something with Terraform"
    tool("up", "--yes")
    assert tool("plan", "--detailed-exitcode").status == 0
    tool("destroy", "--yes")
    assert cloud.tagged() == [f"bucket/{LAKE}"]
