"""s3.bucket and s3.upload."""
import json

from botocore.exceptions import ClientError
from conftest import ACCOUNT, REGION
from conformance import ABSENT, TAGS, Case, Drift, Input, own_tags, pairs, tag_input, unpaired

BUCKET = f"c-it-{ACCOUNT}"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"


def answer(call, missing: str, **arguments):
    """The answer, or nil for the error code that says that there is none."""
    try:
        return call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] == missing:
            return None
        raise


# --- s3.bucket

READERS = {
    "Sid": "Readers", "Effect": "Allow", "Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]},
    "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
}
EVERYONE = {
    "Sid": "NoOldTLS", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/*",
    "Condition": {"NumericLessThan": {"s3:TlsVersion": 1.2}},
}
#: The statements of READERS and EVERYONE in every other form that means the same.
REWRITTEN = [
    {"Condition": {"NumericLessThan": {"s3:TlsVersion": ["1.2"]}}, "Resource": [f"arn:aws:s3:::{BUCKET}/*"],
     "Action": ["s3:*"], "Principal": {"AWS": "*"}, "Effect": "Deny", "Sid": "NoOldTLS"},
    {"Resource": list(reversed(READERS["Resource"])), "Action": list(reversed(READERS["Action"])),
     "Condition": {"StringEquals": {"aws:PrincipalAccount": [ACCOUNT]}}, "Principal": {"AWS": ACCOUNT},
     "Effect": "Allow", "Sid": "Readers"},
]
RULES = [
    {"id": "logs", "prefix": "logs/", "expire_days": 30, "abort_multipart_days": 7},
    {"id": "old", "noncurrent_days": 90},
]


def read_bucket(cloud, name):
    s3 = cloud.client("s3")
    if answer(s3.head_bucket, "404", Bucket=name) is None:
        return None
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    lifecycle = answer(s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration", Bucket=name) or {}
    tags = answer(s3.get_bucket_tagging, "NoSuchTagSet", Bucket=name) or {"TagSet": []}
    statements = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}]
    assert [item["Effect"] for item in statements if item["Sid"] == "TLSOnly"] == ["Deny"]
    return {
        "name": name, "versioning": s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled",
        "kms_key": encryption["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID"),
        "lifecycle": sorted((rule_in_words(rule) for rule in lifecycle.get("Rules", [])), key=lambda rule: rule["id"]),
        "policy": {item["Sid"] for item in statements} - {"TLSOnly"}, "tags": own_tags(unpaired(tags["TagSet"])),
    }


def rule_in_words(rule: dict) -> dict:
    assert rule["Status"] == "Enabled" and "Transitions" not in rule, rule
    words = {
        "id": rule["ID"], "prefix": rule["Filter"]["Prefix"], "expire_days": rule.get("Expiration", {}).get("Days"),
        "noncurrent_days": rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
        "abort_multipart_days": rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
    }
    return {key: value for key, value in words.items() if value not in (None, "")}


def expect_bucket(inputs: dict) -> dict:
    return {
        "versioning": False, "kms_key": None, "lifecycle": [], "tags": {}, **inputs,
        "policy": {item["Sid"] for item in statements(inputs.get("policy", {"Statement": []}))},
    }


def statements(policy: dict) -> list[dict]:
    return [policy["Statement"]] if isinstance(policy["Statement"], dict) else policy["Statement"]


def remove_bucket(cloud, name):
    s3 = cloud.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for item in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=name, Key=item["Key"], VersionId=item["VersionId"])
    s3.delete_bucket(Bucket=name)


def put_rules(change):
    """Changes the list of lifecycle rules as boto3 gives it, and puts it back."""
    def make(cloud, name):
        s3 = cloud.client("s3")
        rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        s3.put_bucket_lifecycle_configuration(
            Bucket=name, LifecycleConfiguration={"Rules": change({rule["ID"]: rule for rule in rules})})
    return make


def with_rule(name: str, **members):
    return put_rules(lambda rules: list({**rules, name: {**rules[name], **members}}.values()))


def put_statements(change):
    def make(cloud, name):
        s3 = cloud.client("s3")
        policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
        policy["Statement"] = change(policy["Statement"])
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    return make


def change_bucket_tags(cloud, name, put, drop):
    s3 = cloud.client("s3")
    tags = unpaired(s3.get_bucket_tagging(Bucket=name)["TagSet"])
    tags = {key: value for key, value in {**tags, **put}.items() if key not in drop}
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs(tags)})


def encrypt(**default):
    return lambda cloud, name: cloud.client("s3").put_bucket_encryption(
        Bucket=name, ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]})


def foreign_bucket(cloud, inputs):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=inputs["name"], CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=inputs["name"], Key="theirs", Body=b"data")
    return inputs["name"]


def open_bucket(cloud, name):
    cloud.client("s3").delete_public_access_block(Bucket=name)


def half_open_bucket(cloud, name):
    cloud.client("s3").put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": True})


bucket = Case(
    kind="s3.bucket", section="buckets", holds_data=True, to_replace={"policy": ABSENT},
    minimal={"name": BUCKET},
    full={"name": BUCKET, "versioning": True, "kms_key": KEY, "lifecycle": RULES,
          "policy": {"Statement": [READERS, EVERYONE]}, "tags": TAGS},
    read=read_bucket, expect=expect_bucket, remove=remove_bucket, foreign=foreign_bucket,
    inputs={
        "name": Input(replacements=(f"c-other-{ACCOUNT}",)),
        "versioning": Input(
            drifts=(Drift("suspended", lambda cloud, name: cloud.client("s3").put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Suspended"}), ("versioning",)),),
            updates=(False, ABSENT)),
        "kms_key": Input(
            drifts=(
                Drift("switched off", encrypt(SSEAlgorithm="AES256"), ("kms_key",)),
                Drift("another", encrypt(SSEAlgorithm="aws:kms", KMSMasterKeyID=KEY.replace("1", "9")), ("kms_key",)),
                Drift("the account's own", encrypt(SSEAlgorithm="aws:kms"), ("kms_key",))),
            updates=(KEY.replace("5", "6"), ABSENT)),
        "lifecycle": Input(
            drifts=(
                Drift("disabled", with_rule("logs", Status="Disabled"), ("lifecycle.0.enabled",)),
                Drift("other days", with_rule("logs", Expiration={"Days": 1}), ("lifecycle.0.expire_days",)),
                Drift("other prefix", with_rule("old", Filter={"Prefix": "x/"}), ("lifecycle.1.prefix",)),
                Drift("other noncurrent days", with_rule("old", NoncurrentVersionExpiration={"NoncurrentDays": 2}),
                      ("lifecycle.1.noncurrent_days",)),
                Drift("transition added", with_rule(
                    "old", Transitions=[{"Days": 40, "StorageClass": "GLACIER"}]), ("lifecycle.1.beyond",)),
                Drift("limited to a tag", with_rule(
                    "logs", Filter={"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}]}}),
                    ("lifecycle.0.beyond",)),
                Drift("rule removed", put_rules(lambda rules: [rules["logs"]]), ("lifecycle.1",)),
                Drift("rule added", put_rules(lambda rules: [*rules.values(), {
                    "ID": "zzz", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]),
                    ("lifecycle.2",)),
                Drift("deleted", lambda cloud, name: cloud.client("s3").delete_bucket_lifecycle(Bucket=name),
                      ("lifecycle.0", "lifecycle.1"))),
            updates=([RULES[1]], [{**RULES[0], "expire_days": 31}, RULES[1]], ABSENT)),
        "policy": Input(
            drifts=(
                Drift("statement removed", put_statements(
                    lambda all: [item for item in all if item["Sid"] != "Readers"]), ("policy.Statement",)),
                Drift("widened", put_statements(lambda all: [
                    {**item, "Action": "s3:*"} if item["Sid"] == "Readers" else item for item in all]),
                    ("policy.Statement",)),
                Drift("TLS no longer demanded", put_statements(
                    lambda all: [item for item in all if item["Sid"] != "TLSOnly"]), ("policy.Statement",)),
                Drift("deleted", lambda cloud, name: cloud.client("s3").delete_bucket_policy(Bucket=name),
                      ("policy",))),
            updates=({"Statement": EVERYONE}, {"Statement": [{**READERS, "Action": "s3:GetObject"}]}, ABSENT)),
        "tags": tag_input(change_bucket_tags),
    },
    hidden=(
        Drift("opened to the public", open_bucket, ("public_access_blocked",)),
        Drift("half opened to the public", half_open_bucket, ("public_access_blocked",)),
    ),
    same=(
        Drift("policy rewritten", put_statements(
            lambda all: [*REWRITTEN, *[item for item in all if item["Sid"] == "TLSOnly"]]), ()),
        Drift("tags in another order", lambda cloud, name: change_bucket_tags(cloud, name, {}, []), ()),
        Drift("rules in another order", put_rules(lambda rules: list(reversed(rules.values()))), ()),
    ))


# --- s3.upload

OTHER = f"c-other-code-{ACCOUNT}"
CODE = f"c-code-{ACCOUNT}"


def upload_files(folder):
    for name, text in {"src/a.py": "a", "src/b.py": "b", "src/deep/c.py": "c", "src/note.txt": "n",
                       "more/a.py": "other"}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def location(id: str) -> tuple[str, str]:
    bucket, _, prefix = id.partition("/")
    return bucket, prefix


def read_upload(cloud, id):
    """Keys below the prefix with their content; nil when there are none."""
    bucket, prefix = location(id)
    s3 = cloud.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
    found = {key[len(prefix):]: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
             for key in keys if not key.endswith("/theirs")}
    return {"files": found} if found else None


def expect_upload(inputs):
    if inputs["from"] == "more":
        return {"files": {"a.py": "other"}}
    files = {"a.py": "a", "b.py": "b", "deep/c.py": "c", "note.txt": "n"}
    if "include" in inputs:
        files = {key: value for key, value in files.items() if key.endswith(inputs["include"][0].lstrip("*"))}
    if "exclude" in inputs:
        files = {key: value for key, value in files.items() if not key.endswith(inputs["exclude"][0].lstrip("*"))}
    return {"files": files}


def delete_keys(*keys):
    def make(cloud, id):
        bucket, prefix = location(id)
        for key in keys:
            cloud.client("s3").delete_object(Bucket=bucket, Key=prefix + key)
    return make


def overwrite(cloud, id):
    bucket, prefix = location(id)
    cloud.client("s3").put_object(Bucket=bucket, Key=prefix + "a.py", Body=b"intruder")


upload = Case(
    kind="s3.upload", section="uploads", files=upload_files,
    needs={"buckets": {"code": {"name": CODE}, "other": {"name": OTHER}}},
    minimal={"bucket": "${s3.bucket.code.name}", "from": "src"},
    full={"bucket": "${s3.bucket.code.name}", "from": "src", "prefix": "code/", "include": ["*.py"],
          "exclude": ["b.py"]},
    read=read_upload, expect=expect_upload, remove=delete_keys("a.py", "deep/c.py"),
    inputs={
        "bucket": Input(replacements=("${s3.bucket.other.name}",)),
        "prefix": Input(replacements=("elsewhere/", ABSENT)),
        "from": Input(updates=("more",), why="says where the files are here; AWS does not know it"),
        "include": Input(updates=(["*.txt"], ABSENT), why="chooses among the files here; AWS does not know it"),
        "exclude": Input(updates=(["c.py"], ABSENT), why="chooses among the files here; AWS does not know it"),
    },
    hidden=(
        Drift("overwritten", overwrite, ("objects.code/a.py",)),
        Drift("one deleted", delete_keys("deep/c.py"), ("objects.code/deep/c.py",)),
    ),
    same=(
        Drift("a stranger's object", lambda cloud, id: cloud.client("s3").put_object(
            Bucket=location(id)[0], Key=location(id)[1] + "theirs", Body=b"x"), ()),
    ))
