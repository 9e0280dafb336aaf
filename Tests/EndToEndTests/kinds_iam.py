"""iam.role and iam.instance_profile."""
import json

from botocore.exceptions import ClientError
from conftest import ACCOUNT
from conformance import ABSENT, TAGS, Case, Drift, Input, own_tags, pairs, tag_input, unpaired

READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
LOGS = "arn:aws:iam::aws:policy/CloudWatchLogsReadOnlyAccess"


def found(call, **arguments):
    """The answer; nil when IAM has no such entity."""
    try:
        return call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            return None
        raise


# --- iam.role

TRUST = {"Statement": [
    {"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com", "elasticmapreduce.amazonaws.com"]},
     "Action": "sts:AssumeRole"},
    {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": ["sts:TagSession", "sts:AssumeRole"],
     "Condition": {"Bool": {"aws:MultiFactorAuthPresent": True}}},
]}
DATA = {"Statement": {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "arn:aws:s3:::x/*+=%"}}
LIST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": ["arn:aws:s3:::x", "arn:aws:s3:::a"]},
    {"Effect": "Deny", "NotAction": ["s3:*"], "Resource": "*"}]}


def canonical(document: dict) -> list:
    """Statements with everything that may be one or many as a sorted list."""
    def many(value):
        if isinstance(value, dict):
            return {key: many(item) for key, item in sorted(value.items())}
        items = value if isinstance(value, list) else [value]
        return sorted(str(item).lower() if isinstance(item, bool) else str(item) for item in items)
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    text = [json.dumps(many(item)).replace(f'"{ACCOUNT}"', f'"arn:aws:iam::{ACCOUNT}:root"') for item in statements]
    return sorted(text)


def read_role(cloud, name):
    iam = cloud.client("iam")
    role = found(iam.get_role, RoleName=name)
    if role is None:
        return None
    role = role["Role"]
    names = iam.list_role_policies(RoleName=name)["PolicyNames"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return {
        "name": role["RoleName"], "description": role.get("Description", ""),
        "trust": canonical(role["AssumeRolePolicyDocument"]), "max_session_seconds": role["MaxSessionDuration"],
        "managed_policies": sorted(item["PolicyArn"] for item in attached),
        "policies": {each: canonical(iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"])
                     for each in names},
        "tags": own_tags(unpaired(iam.list_role_tags(RoleName=name)["Tags"])),
    }


def expect_role(inputs):
    trust = inputs["trust"]
    if isinstance(trust, str):
        trust = {"Statement": {"Effect": "Allow", "Principal": {"Service": trust}, "Action": "sts:AssumeRole"}}
    defaults = {"description": "", "max_session_seconds": 3600, "tags": {}}
    return {
        **defaults, **inputs, "trust": canonical(trust),
        "managed_policies": sorted(inputs.get("managed_policies", [])),
        "policies": {name: canonical(document) for name, document in inputs.get("policies", {}).items()},
    }


def remove_role(cloud, name):
    iam = cloud.client("iam")
    for item in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=item["PolicyArn"])
    for each in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=each)
    iam.delete_role(RoleName=name)


def change_role_tags(cloud, name, put, drop):
    iam = cloud.client("iam")
    iam.tag_role(RoleName=name, Tags=pairs(put))
    iam.untag_role(RoleName=name, TagKeys=drop)


def put_policy(policy: str, document: dict):
    return lambda cloud, name: cloud.client("iam").put_role_policy(
        RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))


def put_trust(document: dict):
    return lambda cloud, name: cloud.client("iam").update_assume_role_policy(
        RoleName=name, PolicyDocument=json.dumps(document))


def update_role(**members):
    def make(cloud, name):
        iam = cloud.client("iam")
        now = iam.get_role(RoleName=name)["Role"]
        iam.update_role(RoleName=name, **{
            "Description": now.get("Description", ""), "MaxSessionDuration": now["MaxSessionDuration"], **members})
    return make


def foreign_role(cloud, inputs):
    cloud.client("iam").create_role(
        RoleName=inputs["name"], AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **TRUST}))
    return inputs["name"]


#: TRUST, LIST and DATA in other forms that mean the same.
TRUST_REWRITTEN = {"Version": "2012-10-17", "Statement": [
    {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": ["true"]}}, "Action": ["sts:AssumeRole", "sts:TagSession"],
     "Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}, "Effect": "Allow"},
    {"Action": ["sts:AssumeRole"], "Effect": "Allow",
     "Principal": {"Service": ["elasticmapreduce.amazonaws.com", "ec2.amazonaws.com"]}}]}
LIST_REWRITTEN = {"Statement": [
    {"Resource": ["*"], "NotAction": "s3:*", "Effect": "Deny"},
    {"Resource": ["arn:aws:s3:::a", "arn:aws:s3:::x"], "Action": ["s3:ListBucket"], "Effect": "Allow"}],
    "Version": "2012-10-17"}
DATA_REWRITTEN = {"Version": "2012-10-17", "Statement": [
    {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["arn:aws:s3:::x/*+=%"], "Effect": "Allow"}]}

role = Case(
    kind="iam.role", section="roles",
    minimal={"name": "c-it", "trust": "ec2.amazonaws.com"},
    full={"name": "c-it", "description": "Ação: & <x>", "trust": TRUST, "managed_policies": [READ_ONLY, LOGS],
          "policies": {"data": DATA, "list": LIST}, "max_session_seconds": 7200, "tags": TAGS},
    read=read_role, expect=expect_role, remove=remove_role, foreign=foreign_role,
    inputs={
        "name": Input(replacements=("c-other",)),
        "description": Input(
            drifts=(Drift("changed", update_role(Description="theirs"), ("description",)),
                    Drift("emptied", update_role(Description=""), ("description",))),
            updates=("another", ABSENT)),
        "trust": Input(
            drifts=(Drift("widened", put_trust({"Version": "2012-10-17", "Statement": [
                *TRUST["Statement"],
                {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}), ("trust.Statement",)),),
            updates=("ec2.amazonaws.com",)),
        "managed_policies": Input(
            drifts=(
                Drift("detached", lambda cloud, name: cloud.client("iam").detach_role_policy(
                    RoleName=name, PolicyArn=LOGS), ("managed_policies",)),
                Drift("attached", lambda cloud, name: cloud.client("iam").attach_role_policy(
                    RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"), ("managed_policies",))),
            updates=([READ_ONLY], ABSENT)),
        "policies": Input(
            drifts=(
                Drift("changed", put_policy("data", LIST), ("policies.data.Statement",)),
                Drift("added", put_policy("more", LIST), ("policies.more",)),
                Drift("deleted", lambda cloud, name: cloud.client("iam").delete_role_policy(
                    RoleName=name, PolicyName="list"), ("policies.list",))),
            updates=({"data": LIST, "third": DATA}, ABSENT)),
        "max_session_seconds": Input(
            drifts=(Drift("changed", update_role(MaxSessionDuration=43200), ("max_session_seconds",)),),
            updates=(3700, ABSENT)),
        "tags": tag_input(change_role_tags),
    },
    same=(
        Drift("trust rewritten", put_trust(TRUST_REWRITTEN), ()),
        Drift("policy rewritten", put_policy("list", LIST_REWRITTEN), ()),
        Drift("policy with other brackets", put_policy("data", DATA_REWRITTEN), ()),
    ))


# --- iam.instance_profile

def read_profile(cloud, name):
    profile = found(cloud.client("iam").get_instance_profile, InstanceProfileName=name)
    if profile is None:
        return None
    profile = profile["InstanceProfile"]
    return {"name": name, "role": [item["RoleName"] for item in profile["Roles"]],
            "tags": own_tags(unpaired(profile.get("Tags", [])))}


def set_role(role):
    def make(cloud, name):
        iam = cloud.client("iam")
        for item in iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]:
            iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=item["RoleName"])
        if role:
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return make


def remove_profile(cloud, name):
    set_role(None)(cloud, name)
    cloud.client("iam").delete_instance_profile(InstanceProfileName=name)


def change_profile_tags(cloud, name, put, drop):
    iam = cloud.client("iam")
    iam.tag_instance_profile(InstanceProfileName=name, Tags=pairs(put))
    iam.untag_instance_profile(InstanceProfileName=name, TagKeys=drop)


def foreign_profile(cloud, inputs):
    cloud.client("iam").create_instance_profile(InstanceProfileName=inputs["name"])
    return inputs["name"]


profile = Case(
    kind="iam.instance_profile", section="instance_profiles",
    needs={"roles": {"a": {"name": "c-a", "trust": "ec2.amazonaws.com"},
                     "b": {"name": "c-b", "trust": "ec2.amazonaws.com"}}},
    minimal={"name": "c-profile", "role": "${iam.role.a.name}"},
    full={"name": "c-profile", "role": "${iam.role.a.name}", "tags": TAGS},
    read=read_profile, remove=remove_profile, foreign=foreign_profile,
    expect=lambda inputs: {"tags": {}, **inputs, "role": ["c-b" if ".b." in inputs["role"] else "c-a"]},
    inputs={
        "name": Input(replacements=("c-profile-2",)),
        "role": Input(drifts=(Drift("another", set_role("c-b"), ("role",)), Drift("none", set_role(None), ("role",))),
                      updates=("${iam.role.b.name}",)),
        "tags": tag_input(change_profile_tags),
    })
