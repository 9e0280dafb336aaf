"""ec2.security_group and sns.topic."""
from botocore.exceptions import ClientError
from conftest import ACCOUNT, REGION, fetch
from conformance import ABSENT, TAGS, Case, Drift, Input, own_tags, pairs, tag_input, unpaired


# --- ec2.security_group

def group(cloud, id):
    try:
        return cloud.client("ec2").describe_security_groups(GroupIds=[id])["SecurityGroups"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidGroup.NotFound":
            return None
        raise


def read_group(cloud, id):
    found = group(cloud, id)
    if found is None:
        return None
    return {
        "name": found["GroupName"], "description": found["Description"],
        "ingress": sorted(rule_text(rule) for rule in singles(found["IpPermissions"])),
        "tags": own_tags(unpaired(found["Tags"])),
    }


def singles(permissions):
    for item in permissions:
        if item["IpProtocol"] == "tcp" and item["ToPort"] == 65535:
            continue  # EMR's, see emr_rules
        ports = (item["IpProtocol"], item.get("FromPort"), item.get("ToPort"))
        yield from ((*ports, each["CidrIp"]) for each in item["IpRanges"])
        yield from ((*ports, each["CidrIpv6"]) for each in item["Ipv6Ranges"])
        # A group's id is not known when a case is written; only one is ever named.
        yield from ((*ports, "peer") for _ in item["UserIdGroupPairs"])


def rule_text(rule) -> str:
    return " ".join(str(part) for part in rule)


#: Rules as the stack file has them, and as EC2 gives them back.
RULES = [
    ({"from_port": 22, "cidr": "203.0.113.7/32"}, ("tcp", 22, 22, "203.0.113.7/32")),
    # Host bits, upper case and zeroes: EC2 keeps only the network, in its shortest form.
    ({"protocol": "tcp", "from_port": 443, "to_port": 444, "cidr": "10.1.2.3/20"}, ("tcp", 443, 444, "10.1.0.0/20")),
    ({"protocol": "udp", "from_port": 53, "cidr": "2001:0DB8:0:0:0:0:0:1/64"}, ("udp", 53, 53, "2001:db8::/64")),
    # Ping: a type, and every code of it.
    ({"protocol": "icmp", "from_port": 8, "cidr": "198.51.100.0/24"}, ("icmp", 8, -1, "198.51.100.0/24")),
    ({"protocol": "icmp", "cidr": "192.0.2.0/24"}, ("icmp", -1, -1, "192.0.2.0/24")),
    ({"protocol": "all", "group": "${ec2.security_group.peer.id}"}, ("-1", None, None, "peer")),
]


def expect_group(inputs):
    written = {str(words): rule for words, rule in RULES}
    rules = [written[str(words)] for words in inputs.get("ingress", [])]
    return {"description": "Managed by mrhealth", "tags": {}, **{k: v for k, v in inputs.items() if k != "vpc"},
            "ingress": sorted(rule_text(rule) for rule in rules)}


def open_to(cidr, port=22):
    return lambda cloud, id: cloud.client("ec2").authorize_security_group_ingress(GroupId=id, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}]}])


def revoke(*wanted):
    def make(cloud, id):
        for item in group(cloud, id)["IpPermissions"]:
            if any(rule[:3] == (item["IpProtocol"], item.get("FromPort"), item.get("ToPort")) for rule in wanted):
                cloud.client("ec2").revoke_security_group_ingress(GroupId=id, IpPermissions=[item])
    return make


def change_group_tags(cloud, id, put, drop):
    ec2 = cloud.client("ec2")
    if put:
        ec2.create_tags(Resources=[id], Tags=pairs(put))
    if drop:
        ec2.delete_tags(Resources=[id], Tags=[{"Key": key} for key in drop])


def emr_rules(cloud, id):
    """What EMR adds to the groups of a cluster: everything between the two, both ways."""
    ec2 = cloud.client("ec2")
    peer = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["c-peer"]}])["SecurityGroups"][0]
    for here, there in ((id, peer["GroupId"]), (peer["GroupId"], id)):
        ec2.authorize_security_group_ingress(GroupId=here, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "UserIdGroupPairs": [{"GroupId": there}]}])
        # As EMR does to the group for its access to a private subnet.
        ec2.authorize_security_group_egress(GroupId=here, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "UserIdGroupPairs": [{"GroupId": there}]}])


def remove_group(cloud, id):
    ec2 = cloud.client("ec2")
    for other in ec2.describe_security_groups()["SecurityGroups"]:
        for permissions, revoke_in in ((other["IpPermissions"], ec2.revoke_security_group_ingress),
                                       (other["IpPermissionsEgress"], ec2.revoke_security_group_egress)):
            naming = [item for item in permissions if any(pair["GroupId"] == id for pair in item["UserIdGroupPairs"])]
            if naming:
                revoke_in(GroupId=other["GroupId"], IpPermissions=naming)
    ec2.delete_security_group(GroupId=id)


def foreign_group(cloud, inputs):
    ec2 = cloud.client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    return ec2.create_security_group(
        GroupName=inputs["name"], Description="Managed by mrhealth", VpcId=vpc)["GroupId"]


security_group = Case(
    kind="ec2.security_group", section="security_groups",
    needs={"security_groups": {"peer": {"name": "c-peer"}}},
    minimal={"name": "c-it"},
    full={"name": "c-it", "description": "Nodes", "vpc": "default", "ingress": [words for words, _ in RULES],
          "tags": TAGS},
    read=read_group, expect=expect_group, remove=remove_group, foreign=foreign_group,
    inputs={
        "name": Input(replacements=("c-it-2",)),
        "description": Input(replacements=("Other nodes", ABSENT)),
        "vpc": Input(replacements=("vpc-0123456789abcdef0",)),
        "ingress": Input(
            drifts=(
                Drift("opened", open_to("198.51.100.9/32"), ("ingress",)),
                Drift("opened to the world", open_to("0.0.0.0/0", 8888), ("ingress",)),
                Drift("closed", revoke(RULES[0][1]), ("ingress",)),
                Drift("closed to a group", revoke(RULES[5][1]), ("ingress",)),
                Drift("all closed", revoke(*[rule for _, rule in RULES]), ("ingress",))),
            updates=([RULES[1][0], RULES[5][0]], ABSENT)),
        "tags": tag_input(change_group_tags),
    },
    same=(Drift("EMR's rules between its groups", emr_rules, ()),))


# --- sns.topic

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:alerts"
MAIL = {"protocol": "email", "endpoint": "gestao@mrhealth.example"}
QUEUED = {"protocol": "sqs", "endpoint": QUEUE}


def read_topic(cloud, arn):
    sns = cloud.client("sns")
    try:
        attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    except sns.exceptions.NotFoundException:
        return None
    subscribed = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    return {
        "name": arn.rpartition(":")[2], "display_name": attributes.get("DisplayName", ""),
        "subscriptions": sorted((item["Protocol"], item["Endpoint"]) for item in subscribed
                                if item["Endpoint"] != "stranger@example.com"),
        "tags": own_tags(unpaired(sns.list_tags_for_resource(ResourceArn=arn)["Tags"])),
    }


def expect_topic(inputs):
    subscriptions = sorted((item["protocol"], item["endpoint"]) for item in inputs.get("subscriptions", []))
    return {"display_name": "", "tags": {}, **inputs, "subscriptions": subscriptions}


def unsubscribe(*endpoints):
    def make(cloud, arn):
        # A mail subscription can be left only after its link was followed.
        fetch(cloud.endpoint["endpoint"] + "/_local/subscriptions/confirm", "POST", {"topic_arn": arn})
        sns = cloud.client("sns")
        for item in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
            if item["Endpoint"] in endpoints:
                sns.unsubscribe(SubscriptionArn=item["SubscriptionArn"])
    return make


def change_topic_tags(cloud, arn, put, drop):
    sns = cloud.client("sns")
    sns.tag_resource(ResourceArn=arn, Tags=pairs(put))
    sns.untag_resource(ResourceArn=arn, TagKeys=drop)


topic = Case(
    kind="sns.topic", section="topics",
    minimal={"name": "c-it"},
    full={"name": "c-it", "display_name": "Mr. Health", "subscriptions": [QUEUED, MAIL], "tags": TAGS},
    read=read_topic, expect=expect_topic,
    remove=lambda cloud, arn: cloud.client("sns").delete_topic(TopicArn=arn),
    foreign=lambda cloud, inputs: cloud.client("sns").create_topic(Name=inputs["name"])["TopicArn"],
    inputs={
        "name": Input(replacements=("c-it-2",)),
        "display_name": Input(
            drifts=(Drift("changed", lambda cloud, arn: cloud.client("sns").set_topic_attributes(
                TopicArn=arn, AttributeName="DisplayName", AttributeValue="theirs"), ("display_name",)),),
            updates=("Alerts", ABSENT)),
        "subscriptions": Input(
            drifts=(Drift("one left", unsubscribe(QUEUE), ("subscriptions",)),
                    Drift("all left", unsubscribe(QUEUE, MAIL["endpoint"]), ("subscriptions",))),
            # A pending one cannot be taken back before its link was followed: only the queue's goes.
            updates=([MAIL], [{"protocol": "sqs", "endpoint": QUEUE + "-2"}, MAIL, QUEUED])),
        "tags": tag_input(change_topic_tags),
    },
    same=(
        Drift("a stranger subscribed", lambda cloud, arn: cloud.client("sns").subscribe(
            TopicArn=arn, Protocol="email", Endpoint="stranger@example.com"), ()),
        Drift("mail confirmed", unsubscribe(), ()),
    ))
