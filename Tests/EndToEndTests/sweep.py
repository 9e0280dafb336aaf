"""Empties the account by boto3 alone, after a test that has failed: the next one begins with nothing."""
from kinds_emr import end_cluster
from kinds_iam import remove_profile, remove_role
from kinds_network import remove_group
from kinds_s3 import remove_bucket


def sweep(cloud):
    for id in cloud.clusters():
        end_cluster(cloud, id)
    sns, iam = cloud.client("sns"), cloud.client("iam")
    for topic in sns.list_topics()["Topics"]:
        sns.delete_topic(TopicArn=topic["TopicArn"])
    for profile in iam.list_instance_profiles()["InstanceProfiles"]:
        remove_profile(cloud, profile["InstanceProfileName"])
    for role in iam.list_roles()["Roles"]:
        remove_role(cloud, role["RoleName"])
    for group in cloud.client("ec2").describe_security_groups()["SecurityGroups"]:
        if group["GroupName"] != "default":
            remove_group(cloud, group["GroupId"])
    for bucket in cloud.client("s3").list_buckets()["Buckets"]:
        remove_bucket(cloud, bucket["Name"])
