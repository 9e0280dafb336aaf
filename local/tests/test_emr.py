"""The life of clusters and steps; the commands are short shell scripts, Spark has its own tests."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import EMR_TAG, Emr, Served, step, until


def fault(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error["Code"], error["Message"]


def test_steps_run_in_order_and_the_cluster_ends(emr: Emr) -> None:
    cluster = emr.run(
        *(
            step("bash", "-c", f"echo {number} | aws s3 cp - s3://{emr.bucket}/order/{number}", name=f"n{number}")
            for number in (1, 2)
        )
    )
    status = emr.ended(cluster)
    assert (status["State"], status["StateChangeReason"]) == (
        "TERMINATED",
        {"Code": "ALL_STEPS_COMPLETED", "Message": "Steps completed"},
    )
    assert set(status["Timeline"]) == {"CreationDateTime", "ReadyDateTime", "EndDateTime"}
    first, second = emr.steps(cluster)
    assert (first["Name"], second["Name"]) == ("n1", "n2")
    assert first["Status"]["Timeline"]["EndDateTime"] <= second["Status"]["Timeline"]["StartDateTime"]
    assert emr.s3.get_object(Bucket=emr.bucket, Key="order/2")["Body"].read() == b"2\n"


def test_all_states_are_passed(emr: Emr) -> None:
    cluster, seen = emr.run(step("sleep", "0.3")), []
    while not seen or not seen[-1].startswith("TERMINATED"):
        state = emr.status(cluster)["State"]
        if state not in seen:
            seen.append(state)
    assert [state for state in seen if state != "TERMINATING"] == ["STARTING", "BOOTSTRAPPING", "RUNNING", "TERMINATED"]


def test_description_of_a_cluster(emr: Emr) -> None:
    cluster = emr.run(keep=True, Configurations=[{"Classification": "spark-defaults", "Properties": {"a": "b"}}])
    emr.wait(cluster, "WAITING")
    found = emr.api.describe_cluster(ClusterId=cluster)["Cluster"]
    assert found["ClusterArn"] == f"arn:aws:elasticmapreduce:us-east-2:123456789012:cluster/{cluster}"
    assert (
        found["InstanceCollectionType"] == "INSTANCE_GROUP"
        and found["VisibleToAllUsers"]
        and not found["AutoTerminate"]
    )
    assert found["Applications"] == [{"Name": "Spark", "Version": "3.5.6-amzn-2"}]
    assert found["Tags"] == [EMR_TAG] and found["Ec2InstanceAttributes"]["Ec2SubnetId"] == emr.subnet
    assert found["Configurations"] == [{"Classification": "spark-defaults", "Properties": {"a": "b"}}]
    group = emr.api.list_instance_groups(ClusterId=cluster)["InstanceGroups"][0]
    instance = emr.api.list_instances(ClusterId=cluster)["Instances"][0]
    assert group["Id"].startswith("ig-") and group["Status"]["State"] == "RUNNING"
    assert (
        instance["Id"].startswith("ci-")
        and instance["Ec2InstanceId"].startswith("i-")
        and instance["InstanceGroupId"] == group["Id"]
    )
    emr.api.set_keep_job_flow_alive_when_no_steps(JobFlowIds=[cluster], KeepJobFlowAliveWhenNoSteps=False)
    assert emr.ended(cluster)["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"


@pytest.mark.parametrize(
    ("action", "state", "reason", "steps"),
    [
        ("CONTINUE", "TERMINATED", "ALL_STEPS_COMPLETED", ["FAILED", "COMPLETED"]),
        ("CANCEL_AND_WAIT", "TERMINATED", "ALL_STEPS_COMPLETED", ["FAILED", "CANCELLED"]),
        ("TERMINATE_CLUSTER", "TERMINATED_WITH_ERRORS", "STEP_FAILURE", ["FAILED", "CANCELLED"]),
    ],
)
def test_action_on_failure(emr: Emr, action: str, state: str, reason: str, steps: list[str]) -> None:
    cluster = emr.run(step("false", action=action), step("true"))
    status = emr.ended(cluster)
    assert (status["State"], status["StateChangeReason"]["Code"]) == (state, reason)
    assert emr.states(cluster) == steps


def test_failure_details_and_logs(emr: Emr) -> None:
    script = emr.put(
        "fail.sh",
        "#!/bin/bash\necho out; echo 'java.lang.IllegalStateException: no luck' >&2; echo ' at x.Y.z(Y.java:1)' >&2; exit 3\n",
    )
    cluster = emr.run(step(script, "a", jar="s3://us-east-2.elasticmapreduce/libs/script-runner/script-runner.jar"))
    emr.ended(cluster)
    failed = emr.steps(cluster)[0]
    assert failed["Status"]["FailureDetails"] == {
        "Reason": "Unknown Error.",
        "Message": "java.lang.IllegalStateException: no luck",
        "LogFile": f"s3://{emr.bucket}/logs/{cluster}/steps/{failed['Id']}/stderr.gz",
    }
    place = f"{cluster}/steps/{failed['Id']}"
    assert emr.log(f"{place}/stdout.gz") == "out\n" and emr.log(f"{place}/syslog.gz") == ""
    assert "Step failed with exitCode 3" in emr.log(f"{place}/controller.gz")


def test_a_missing_script_fails_the_step(emr: Emr) -> None:
    cluster = emr.run(step("spark-submit", f"s3://{emr.bucket}/nowhere.py"))
    emr.ended(cluster)
    assert "No such file or directory" in emr.steps(cluster)[0]["Status"]["FailureDetails"]["Message"]


def test_bootstrap_actions(emr: Emr) -> None:
    path = emr.put("boot.sh", '#!/bin/bash\necho "$1 $HOME"; sudo yum install -y x\necho 1 > "$HOME/made"\n')
    action = {"Name": "b", "ScriptBootstrapAction": {"Path": path, "Args": ["hello"]}}
    cluster = emr.run(step("bash", "-c", 'test -s "$HOME/made"'), BootstrapActions=[action])
    emr.ended(cluster)
    assert emr.states(cluster) == ["COMPLETED"]
    assert emr.api.list_bootstrap_actions(ClusterId=cluster)["BootstrapActions"] == [
        {"Name": "b", "ScriptPath": path, "Args": ["hello"]}
    ]
    instance = emr.api.list_instances(ClusterId=cluster)["Instances"][0]["Ec2InstanceId"]
    assert emr.log(f"{cluster}/node/{instance}/bootstrap-actions/1/stdout.gz").startswith("hello /")


def test_bootstrap_failure(emr: Emr) -> None:
    path = emr.put("bad.sh", "exit 9\n")
    cluster = emr.run(step("true"), BootstrapActions=[{"Name": "b", "ScriptBootstrapAction": {"Path": path}}])
    status = emr.ended(cluster)
    instance = emr.api.list_instances(ClusterId=cluster)["Instances"][0]["Ec2InstanceId"]
    assert status["State"] == "TERMINATED_WITH_ERRORS"
    assert status["StateChangeReason"] == {
        "Code": "BOOTSTRAP_FAILURE",
        "Message": f"On the master instance ({instance}), bootstrap action 1 returned a non-zero return code",
    }
    assert status["ErrorDetails"][0]["ErrorCode"] == "BOOTSTRAP_FAILURE_PRIMARY_WITH_NON_ZERO_CODE"
    assert emr.states(cluster) == ["CANCELLED"]


@pytest.mark.parametrize("option", ["SEND_INTERRUPT", "TERMINATE_PROCESS"])
def test_cancel_running_and_pending(emr: Emr, option: str) -> None:
    cluster = emr.run(step("bash", "-c", "sleep 100"), step("true"), step("true"), keep=True)
    until(lambda: emr.states(cluster)[0] == "RUNNING")
    running, pending, _ = (each["Id"] for each in emr.steps(cluster))
    answer = emr.api.cancel_steps(ClusterId=cluster, StepIds=[running, pending], StepCancellationOption=option)
    assert [each["Status"] for each in answer["CancelStepsInfoList"]] == ["SUBMITTED", "SUBMITTED"]
    emr.wait(cluster, "WAITING")
    assert emr.states(cluster) == ["CANCELLED", "CANCELLED", "COMPLETED"]
    again = emr.api.cancel_steps(ClusterId=cluster, StepIds=[running])["CancelStepsInfoList"][0]
    assert again["Status"] == "FAILED" and again["Reason"]
    emr.api.terminate_job_flows(JobFlowIds=[cluster])
    emr.ended(cluster)


def test_terminate_cancels_what_runs(emr: Emr) -> None:
    cluster = emr.run(step("bash", "-c", "trap '' TERM; sleep 100 & sleep 100"), step("true"), keep=True)
    until(lambda: emr.states(cluster)[0] == "RUNNING")
    emr.api.set_termination_protection(JobFlowIds=[cluster], TerminationProtected=True)
    assert fault(emr.api.terminate_job_flows, JobFlowIds=[cluster])[0] == "ValidationException"
    emr.api.set_termination_protection(JobFlowIds=[cluster], TerminationProtected=False)
    begun = time.monotonic()
    emr.api.terminate_job_flows(JobFlowIds=[cluster])
    status = emr.ended(cluster)
    assert time.monotonic() - begun < 3
    assert (status["State"], status["StateChangeReason"]["Code"]) == ("TERMINATED", "USER_REQUEST")
    assert emr.states(cluster) == ["CANCELLED", "CANCELLED"]
    assert fault(emr.api.add_job_flow_steps, JobFlowId=cluster, Steps=[step("true")]) == (
        "ValidationException",
        "A job flow that is shutting down, terminated, or finished may not be modified.",
    )
    emr.api.terminate_job_flows(JobFlowIds=[cluster])


def test_terminate_while_bootstrapping(emr: Emr) -> None:
    path = emr.put("slow.sh", "sleep 100\n")
    cluster = emr.run(step("true"), BootstrapActions=[{"Name": "b", "ScriptBootstrapAction": {"Path": path}}])
    emr.wait(cluster, "BOOTSTRAPPING")
    emr.api.terminate_job_flows(JobFlowIds=[cluster])
    assert emr.ended(cluster)["StateChangeReason"]["Code"] == "USER_REQUEST"


def test_steps_can_run_at_once(emr: Emr) -> None:
    cluster = emr.run(*(step("sleep", "0.5") for _ in range(3)), StepConcurrencyLevel=3)
    until(lambda: emr.states(cluster) == ["RUNNING"] * 3)
    emr.ended(cluster)
    assert emr.states(cluster) == ["COMPLETED"] * 3


def test_steps_are_listed_newest_first_in_pages(emr: Emr) -> None:
    cluster = emr.run(keep=True, StepConcurrencyLevel=1)
    added = emr.api.add_job_flow_steps(JobFlowId=cluster, Steps=[step("sleep", "30")] + [step("true")] * 59)["StepIds"]
    page = emr.api.list_steps(ClusterId=cluster)
    assert len(page["Steps"]) == 50
    rest = emr.api.list_steps(ClusterId=cluster, Marker=page["Marker"])
    assert "Marker" not in rest
    assert [each["Id"] for each in page["Steps"] + rest["Steps"]] == added[::-1]
    pending = emr.api.list_steps(ClusterId=cluster, StepIds=added[:3], StepStates=["PENDING"])["Steps"]
    assert {each["Id"] for each in pending} <= set(added[:3])
    emr.api.terminate_job_flows(JobFlowIds=[cluster])
    emr.ended(cluster)


def test_injected_failures(aws: Served, emr: Emr) -> None:
    cluster = emr.run(step("sleep", "60"))
    emr.wait(cluster, "RUNNING")
    aws.admin("POST", f"clusters/{cluster}/fail", {"reason": "instance"})
    status = emr.ended(cluster)
    assert (status["State"], status["StateChangeReason"]["Code"]) == ("TERMINATED_WITH_ERRORS", "INSTANCE_FAILURE")
    assert emr.states(cluster) == ["CANCELLED"]


def test_unknown_ids(emr: Emr) -> None:
    unknown = ("InvalidRequestException", "Cluster id 'j-NONE' is not valid.")
    for call, arguments in (
        (emr.api.describe_cluster, {"ClusterId": "j-NONE"}),
        (emr.api.list_steps, {"ClusterId": "j-NONE"}),
        (emr.api.list_instances, {"ClusterId": "j-NONE"}),
        (emr.api.terminate_job_flows, {"JobFlowIds": ["j-NONE"]}),
        (emr.api.add_job_flow_steps, {"JobFlowId": "j-NONE", "Steps": [step("true")]}),
        (emr.api.cancel_steps, {"ClusterId": "j-NONE", "StepIds": ["s-NONE"]}),
        (emr.api.add_tags, {"ResourceId": "j-NONE", "Tags": [{"Key": "a", "Value": "b"}]}),
    ):
        assert fault(call, **arguments) == unknown


def test_regions_are_apart(aws: Served, emr: Emr) -> None:
    cluster = emr.run(keep=True)
    assert fault(aws.client("emr", "us-east-1").describe_cluster, ClusterId=cluster)[0] == "InvalidRequestException"
    emr.api.terminate_job_flows(JobFlowIds=[cluster])


def test_policies_tags_and_settings(emr: Emr) -> None:
    cluster = emr.run(keep=True, AutoTerminationPolicy={"IdleTimeout": 3600})
    assert emr.api.get_auto_termination_policy(ClusterId=cluster)["AutoTerminationPolicy"] == {"IdleTimeout": 3600}
    emr.api.remove_auto_termination_policy(ClusterId=cluster)
    assert "AutoTerminationPolicy" not in emr.api.get_auto_termination_policy(ClusterId=cluster)
    assert (
        fault(emr.api.put_auto_termination_policy, ClusterId=cluster, AutoTerminationPolicy={"IdleTimeout": 5})[0]
        == "ValidationException"
    )
    scaling = {"ComputeLimits": {"UnitType": "Instances", "MinimumCapacityUnits": 1, "MaximumCapacityUnits": 3}}
    emr.api.put_managed_scaling_policy(ClusterId=cluster, ManagedScalingPolicy=scaling)
    assert emr.api.get_managed_scaling_policy(ClusterId=cluster)["ManagedScalingPolicy"] == scaling
    emr.api.remove_managed_scaling_policy(ClusterId=cluster)
    assert emr.api.modify_cluster(ClusterId=cluster, StepConcurrencyLevel=5)["StepConcurrencyLevel"] == 5
    emr.api.add_tags(ResourceId=cluster, Tags=[{"Key": "a", "Value": "b"}])
    emr.api.remove_tags(ResourceId=cluster, TagKeys=[EMR_TAG["Key"]])
    assert emr.api.describe_cluster(ClusterId=cluster)["Cluster"]["Tags"] == [{"Key": "a", "Value": "b"}]
    emr.api.terminate_job_flows(JobFlowIds=[cluster])


def test_fleets(emr: Emr) -> None:
    fleet = {
        "InstanceFleetType": "MASTER",
        "TargetOnDemandCapacity": 1,
        "InstanceTypeConfigs": [{"InstanceType": "m5.xlarge"}],
    }
    cluster = emr.run(keep=True, instances={"InstanceGroups": None, "InstanceFleets": [fleet]})
    emr.wait(cluster, "WAITING")
    found = emr.api.list_instance_fleets(ClusterId=cluster)["InstanceFleets"][0]
    assert found["Id"].startswith("if-") and found["ProvisionedOnDemandCapacity"] == 1
    assert "mutually exclusive" in fault(emr.api.list_instance_groups, ClusterId=cluster)[1]
    task = {**fleet, "InstanceFleetType": "TASK"}
    emr.api.add_instance_fleet(ClusterId=cluster, InstanceFleet=task)
    assert len(emr.api.list_instances(ClusterId=cluster, InstanceFleetType="TASK")["Instances"]) == 1
    emr.api.terminate_job_flows(JobFlowIds=[cluster])


def test_idle_clusters_terminate_themselves(aws: Served, emr: Emr) -> None:
    aws.admin("PUT", "config", {"validate": False})
    try:
        cluster = emr.run(keep=True, AutoTerminationPolicy={"IdleTimeout": 1})
    finally:
        aws.admin("PUT", "config", {"validate": True})
    status = emr.ended(cluster)
    assert status["State"] == "TERMINATED" and "auto-termination" in status["StateChangeReason"]["Message"]


def test_clusters_hold_their_groups_and_open_them(emr: Emr) -> None:
    one, two = emr.make_group(f"g-{uuid.uuid4().hex}", [EMR_TAG]), emr.make_group(f"g-{uuid.uuid4().hex}", [EMR_TAG])
    cluster = emr.run(keep=True, instances={"EmrManagedMasterSecurityGroup": one, "EmrManagedSlaveSecurityGroup": two})
    emr.wait(cluster, "WAITING")
    assert fault(emr.ec2.delete_security_group, GroupId=one)[0] == "DependencyViolation"
    emr.api.terminate_job_flows(JobFlowIds=[cluster])
    emr.ended(cluster)
    assert fault(emr.ec2.delete_security_group, GroupId=one)[0] == "DependencyViolation"
    for group in (one, two):
        rules = emr.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
        assert {rule["IpProtocol"] for rule in rules} == {"tcp", "udp", "icmp"}
        emr.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=rules)
    emr.ec2.delete_security_group(GroupId=one)
    emr.ec2.delete_security_group(GroupId=two)


def test_account_operations(emr: Emr) -> None:
    labels = emr.api.list_release_labels()["ReleaseLabels"]
    assert {"emr-7.14.0", "emr-7.13.0", "emr-spark-8.1.0"} <= set(labels)
    assert emr.api.list_release_labels(Filters={"Prefix": "emr-spark"})["ReleaseLabels"] == [
        "emr-spark-8.1.0",
        "emr-spark-8.0.0",
    ]
    assert {"Name": "Spark", "Version": "3.5.6-amzn-2"} in emr.api.describe_release_label(ReleaseLabel="emr-7.13.0")[
        "Applications"
    ]
    kinds = (
        [
            kind["Type"]
            for page in emr.api.get_paginator("list_supported_instance_types").paginate(ReleaseLabel="emr-7.14.0")
            for kind in page["SupportedInstanceTypes"]
        ]
        if emr.api.can_paginate("list_supported_instance_types")
        else emr.api.list_supported_instance_types(ReleaseLabel="emr-7.14.0")["SupportedInstanceTypes"]
    )
    assert kinds
    block = emr.api.get_block_public_access_configuration()["BlockPublicAccessConfiguration"]
    assert block == {
        "BlockPublicSecurityGroupRules": True,
        "PermittedPublicSecurityGroupRuleRanges": [{"MinRange": 22, "MaxRange": 22}],
    }
    emr.api.create_security_configuration(Name="sc", SecurityConfiguration="{}")
    assert (
        fault(emr.api.create_security_configuration, Name="sc", SecurityConfiguration="{}")[0]
        == "InvalidRequestException"
    )
    assert [each["Name"] for each in emr.api.list_security_configurations()["SecurityConfigurations"]] == ["sc"]
    emr.api.delete_security_configuration(Name="sc")
    assert fault(emr.api.describe_security_configuration, Name="sc")[0] == "InvalidRequestException"
