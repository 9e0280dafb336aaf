"""What RunJobFlow refuses, and what ends an accepted cluster."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import EMR_TAG, Emr, Served, step


def refused(emr: Emr, **changes: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        emr.api.run_job_flow(**emr.request(**changes))
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


GROUP = {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ReleaseLabel": "emr-9.0.0"}, "The supplied release label is invalid: emr-9.0.0."),
        ({"ReleaseLabel": None}, "Must specify a release label"),
        ({"Applications": [{"Name": "Sparkle"}]}, "An application is invalid or not supported in this release."),
        (
            {"instances": {"InstanceGroups": [{**GROUP, "InstanceType": "m5.enormous"}]}},
            "Instance type 'm5.enormous' is not supported.",
        ),
        (
            {"instances": {"InstanceFleets": [{"InstanceFleetType": "MASTER", "TargetOnDemandCapacity": 1}]}},
            "Please configure instances using one and only one",
        ),
        ({"instances": {"InstanceGroups": None}}, "Please configure instances using one and only one"),
        ({"instances": {"InstanceGroups": [{**GROUP, "InstanceRole": "CORE"}]}}, "Exactly one master instance group"),
        ({"instances": {"Ec2SubnetId": "subnet-0"}}, "The subnet ID 'subnet-0' does not exist"),
        (
            {"instances": {"EmrManagedMasterSecurityGroup": "sg-0", "EmrManagedSlaveSecurityGroup": "sg-0"}},
            "The security group 'sg-0' does not exist",
        ),
        ({"instances": {"EmrManagedSlaveSecurityGroup": None}}, "must be specified together"),
        ({"JobFlowRole": "nobody"}, "Invalid InstanceProfile: nobody."),
        ({"JobFlowRole": None}, "InstanceProfile is required for creating cluster."),
        ({"ServiceRole": "nobody"}, "Invalid ServiceRole: nobody."),
        ({"ServiceRole": "nodes"}, "does not trust elasticmapreduce.amazonaws.com"),
        ({"LogUri": "s3://no-such-bucket-of-ours/logs"}, "bucket no-such-bucket-of-ours does not exist"),
        ({"LogUri": "/var/log"}, "is invalid"),
        ({"Steps": [step("x" * 6_000, "y" * 6_000)]}, "must not exceed 10240 characters"),
        ({"Steps": [step("x")] * 257}, "exceeded 256"),
        ({"AutoTerminationPolicy": {"IdleTimeout": 59}}, "between 60 and 604800"),
        ({"StepConcurrencyLevel": 300}, "between 1 and 256"),
    ],
)
def test_refused(emr: Emr, changes: dict[str, Any], message: str) -> None:
    code, text = refused(emr, **changes)
    assert code == "ValidationException" and message in text


def test_profiles(emr: Emr) -> None:
    emr.make_profile("empty", None)
    assert refused(emr, JobFlowRole="empty") == (
        "AccessDeniedException",
        "Failed to authorize instance profile arn:aws:iam::123456789012:instance-profile/empty",
    )
    emr.make_profile("othername", "nodes")
    assert refused(emr, JobFlowRole="othername") == ("ValidationException", "Invalid InstanceProfile: othername.")


def test_new_profiles_take_their_time(aws: Served, emr: Emr) -> None:
    name = f"p-{uuid.uuid4().hex[:8]}"
    emr.make_role(name, "ec2.amazonaws.com")
    aws.admin("PUT", "config", {"instance_profile_propagation_seconds": 2})
    try:
        emr.make_profile(name, name)
        answers = []
        deadline = time.monotonic() + 6
        while time.monotonic() < deadline:
            try:
                cluster = emr.run(JobFlowRole=name)
                break
            except ClientError as error:
                answers.append(error.response["Error"]["Message"].partition(":")[0].partition(" arn")[0])
                time.sleep(0.2)
        assert list(dict.fromkeys(answers)) == ["Invalid InstanceProfile", "Failed to authorize instance profile"]
        emr.ended(cluster)
    finally:
        aws.admin("PUT", "config", {"instance_profile_propagation_seconds": 0})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Tags": []}, "needs the tag for-use-with-amazon-emr-managed-policies=true on cluster"),
        (
            {"instances": {"EmrManagedMasterSecurityGroup": "untagged", "EmrManagedSlaveSecurityGroup": "untagged"}},
            "on security group sg-",
        ),
        ({"ServiceRole": "nopass"}, "iam:PassRole"),
        ({"ServiceRole": "bare"}, "has insufficient EC2 permissions"),
        (
            {"instances": {"EmrManagedMasterSecurityGroup": "open", "EmrManagedSlaveSecurityGroup": "open"}},
            "block public access",
        ),
    ],
)
def test_accepted_and_then_ended(emr: Emr, changes: dict[str, Any], message: str) -> None:
    unique = uuid.uuid4().hex[:8]
    if "ServiceRole" in changes:
        role = f"{changes['ServiceRole']}-{unique}"
        emr.make_role(role, "elasticmapreduce.amazonaws.com")
        if changes["ServiceRole"] == "nopass":
            emr.iam.attach_role_policy(
                RoleName=role, PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"
            )
        changes = {"ServiceRole": role}
    if "instances" in changes:
        kind = changes["instances"]["EmrManagedMasterSecurityGroup"]
        group = emr.make_group(f"{kind}-{unique}", [EMR_TAG] if kind == "open" else [])
        if kind == "open":
            emr.ec2.authorize_security_group_ingress(
                GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
            )
        changes = {"instances": dict.fromkeys(changes["instances"], group)}
    status = emr.ended(emr.run(step("true"), **changes))
    assert (status["State"], status["StateChangeReason"]["Code"]) == ("TERMINATED_WITH_ERRORS", "VALIDATION_ERROR")
    assert message in status["StateChangeReason"]["Message"]
    assert "ReadyDateTime" not in status["Timeline"]


@pytest.mark.parametrize(
    ("operation", "body", "code", "message"),
    [
        ("TerminateJobFlows", {}, "ValidationException", "Value null at 'jobFlowIds'"),
        ("TerminateJobFlows", {"JobFlowIds": "j-1"}, "SerializationException", "STRING_VALUE"),
        ("ListClusters", {"ClusterStates": ["ASLEEP"]}, "ValidationException", "enum value set"),
        ("ListClusters", {"Colour": "red"}, "ValidationException", "Unknown member 'Colour'"),
        ("AddEverything", {}, "UnknownOperationException", "AddEverything"),
        ("ListClusters", None, "SerializationException", "not valid JSON"),
    ],
)
def test_requests_are_checked_against_the_model(
    aws: Served, operation: str, body: Any, code: str, message: str
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(aws.endpoint["endpoint"].rpartition(":")[2]))
    text = b"{" if body is None else json.dumps(body).encode()
    connection.request(
        "POST",
        "/",
        text,
        {"X-Amz-Target": f"ElasticMapReduce.{operation}", "Content-Type": "application/x-amz-json-1.1"},
    )
    answer = connection.getresponse()
    found = json.load(answer)
    assert (answer.status, found["__type"]) == (400, code)
    assert message in found["message"]
