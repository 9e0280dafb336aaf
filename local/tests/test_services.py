"""SNS, EC2, tagging, and the answers to what nobody wrote."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import EMR_TAG, Emr, Served, step


def code(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_email_subscriptions_wait_for_confirmation(aws: Served) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex}")["TopicArn"]
    assert (
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ana@example.com")["SubscriptionArn"]
        == "pending confirmation"
    )
    assert [each["SubscriptionArn"] for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]] == [
        "PendingConfirmation"
    ]
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (attributes["SubscriptionsPending"], attributes["SubscriptionsConfirmed"]) == ("1", "0")
    assert code(sns.unsubscribe, SubscriptionArn="PendingConfirmation") == "InvalidParameter"
    confirmed = aws.admin("POST", "subscriptions/confirm", {"topic_arn": topic, "endpoint": "ana@example.com"})[
        "confirmed"
    ]
    assert [
        each["SubscriptionArn"] for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    ] == confirmed
    assert code(sns.subscribe, TopicArn=topic, Protocol="email", Endpoint="nobody") == "InvalidParameter"


def test_published_messages_are_in_the_inbox(aws: Served) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ana@example.com")
    message_id = sns.publish(
        TopicArn=topic, Subject="S", Message="olá", MessageAttributes={"k": {"DataType": "String", "StringValue": "v"}}
    )["MessageId"]
    found = aws.admin("GET", f"inbox?topic_arn={topic}")
    assert len(found) == 1
    assert found[0] | {"timestamp": ""} == {
        "message_id": message_id,
        "topic_arn": topic,
        "subject": "S",
        "message": "olá",
        "attributes": {"k": {"Type": "String", "Value": "v"}},
        "timestamp": "",
        "subscriptions": [{"protocol": "email", "endpoint": "ana@example.com", "status": "pending"}],
    }


def test_topics_keep_their_tags(aws: Served) -> None:
    sns = aws.client("sns")
    name = f"t-{uuid.uuid4().hex}"
    first = sns.create_topic(Name=name, Tags=[{"Key": "a", "Value": "1"}])["TopicArn"]
    assert sns.create_topic(Name=name, Tags=[{"Key": "a", "Value": "1"}])["TopicArn"] == first
    assert code(sns.create_topic, Name=name, Tags=[{"Key": "a", "Value": "2"}]) == "InvalidParameter"


def test_referenced_security_groups_cannot_be_deleted(emr: Emr) -> None:
    one, two = emr.make_group(f"g-{uuid.uuid4().hex}", []), emr.make_group(f"g-{uuid.uuid4().hex}", [])
    rule = [{"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "UserIdGroupPairs": [{"GroupId": one}]}]
    emr.ec2.authorize_security_group_ingress(GroupId=two, IpPermissions=rule)
    assert code(emr.ec2.delete_security_group, GroupId=one) == "DependencyViolation"
    emr.ec2.revoke_security_group_ingress(GroupId=two, IpPermissions=rule)
    emr.ec2.delete_security_group(GroupId=one)
    emr.ec2.delete_security_group(GroupId=two)


def test_everything_tagged_is_found(aws: Served, emr: Emr, bucket: str) -> None:
    stack = [{"Key": "mrhealth:stack", "Value": uuid.uuid4().hex}]
    aws.client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": stack})
    topic = aws.client("sns").create_topic(Name=f"t-{uuid.uuid4().hex}", Tags=stack)["TopicArn"]
    group = emr.make_group(f"g-{uuid.uuid4().hex}", stack)
    cluster = emr.run(step("sleep", "60"), Tags=[EMR_TAG, *stack])
    wanted = [{"Key": stack[0]["Key"], "Values": [stack[0]["Value"]]}]
    tagging = aws.client("resourcegroupstaggingapi")
    found = {each["ResourceARN"] for each in tagging.get_resources(TagFilters=wanted)["ResourceTagMappingList"]}
    cluster_arn = f"arn:aws:elasticmapreduce:us-east-2:123456789012:cluster/{cluster}"
    assert found == {
        f"arn:aws:s3:::{bucket}",
        topic,
        f"arn:aws:ec2:us-east-2:123456789012:security-group/{group}",
        cluster_arn,
    }
    only = tagging.get_resources(TagFilters=wanted, ResourceTypeFilters=["elasticmapreduce:cluster"])[
        "ResourceTagMappingList"
    ]
    assert [each["ResourceARN"] for each in only] == [cluster_arn]
    emr.api.terminate_job_flows(JobFlowIds=[cluster])


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "expected"),
    [
        (
            "iam",
            "simulate_principal_policy",
            {"PolicySourceArn": "arn:aws:iam::123456789012:role/x", "ActionNames": ["s3:GetObject"]},
            "InvalidAction",
        ),
        ("ec2", "describe_capacity_blocks", {}, "InvalidAction"),
        ("emr", "list_studios", {}, "UnknownOperationException"),
        ("athena", "update_work_group", {"WorkGroup": "x"}, "UnknownOperationException"),
        ("quicksight", "describe_account_subscription", {"AwsAccountId": "123456789012"}, "UnknownOperationException"),
    ],
)
def test_unimplemented_operations_answer_in_their_protocol(
    aws: Served, service: str, operation: str, arguments: dict[str, Any], expected: str
) -> None:
    client = aws.client(service)
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**arguments)
    response = caught.value.response
    assert response["Error"]["Code"] == expected
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_who_we_are(aws: Served) -> None:
    assert aws.client("sts").get_caller_identity()["Account"] == "123456789012"
