"""What was mended in moto's S3."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import REGION, Served


def code(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_new_buckets_have_the_defaults_of_aws(aws: Served, bucket: str) -> None:
    s3 = aws.client("s3")
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True} and len(block) == 4
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    s3.delete_bucket_encryption(Bucket=bucket)
    s3.get_bucket_encryption(Bucket=bucket)


def test_a_buckets_tags_go_with_it(aws: Served) -> None:
    s3 = aws.client("s3")
    for _ in range(2):
        s3.create_bucket(Bucket="tagged-once", CreateBucketConfiguration={"LocationConstraint": REGION})
        assert code(s3.get_bucket_tagging, Bucket="tagged-once") == "NoSuchTagSet"
        s3.put_bucket_tagging(Bucket="tagged-once", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
        s3.delete_bucket(Bucket="tagged-once")


def test_tls_only_policy_does_not_lock_the_bucket(aws: Served, bucket: str) -> None:
    s3 = aws.client("s3")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == policy


@pytest.mark.parametrize(
    "policy",
    [
        '{"a":1}',
        "[]",
        "x",
        '{"Version":"2012-10-17","Statement":[]}',
        '{"Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}',
    ],
)
def test_malformed_policies_are_refused(aws: Served, bucket: str, policy: str) -> None:
    assert code(aws.client("s3").put_bucket_policy, Bucket=bucket, Policy=policy) == "MalformedPolicy"


def test_buckets_of_strangers(aws: Served) -> None:
    s3 = aws.client("s3")
    assert (
        code(s3.create_bucket, Bucket="strangers", CreateBucketConfiguration={"LocationConstraint": REGION})
        == "BucketAlreadyExists"
    )
    assert code(s3.list_objects_v2, Bucket="strangers") == "AccessDenied"
    assert code(s3.head_bucket, Bucket="strangers") == "403"


def test_one_of_many_conditional_writers_wins(aws: Served, bucket: str) -> None:
    s3 = aws.client("s3")

    def write(number: int, key: str) -> int:
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=str(number).encode(), IfNoneMatch="*")
            return 1
        except ClientError as error:
            assert error.response["Error"]["Code"] == "PreconditionFailed"
            return 0

    with ThreadPoolExecutor(16) as pool:
        for turn in range(10):
            assert sum(pool.map(write, range(16), [f"lock{turn}"] * 16)) == 1


def test_if_match_on_put_and_delete(aws: Served, bucket: str) -> None:
    s3 = aws.client("s3")
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first)["ETag"]
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"3", IfMatch=first) == "PreconditionFailed"
    assert code(s3.delete_object, Bucket=bucket, Key="k", IfMatch=first) == "PreconditionFailed"
    assert code(s3.put_object, Bucket=bucket, Key="absent", Body=b"3", IfMatch=first) == "NoSuchKey"
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=second)
    assert code(s3.get_object, Bucket=bucket, Key="k") == "NoSuchKey"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_stored_and_returned(aws: Served, bucket: str, algorithm: str) -> None:
    s3 = aws.client("s3")
    put = s3.put_object(Bucket=bucket, Key="sum", Body=b"123456789", ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=bucket, Key="sum", ChecksumMode="ENABLED")
    assert put[f"Checksum{algorithm}"] == head[f"Checksum{algorithm}"]
    assert s3.get_object(Bucket=bucket, Key="sum", ChecksumMode="ENABLED")["Body"].read() == b"123456789"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
        ({"Content-MD5": base64.b64encode(hashlib.md5(b"other").digest()).decode()}, "BadDigest"),
        ({"Content-MD5": "!"}, "InvalidDigest"),
        ({"x-amz-content-sha256": hashlib.sha256(b"other").hexdigest()}, "XAmzContentSHA256Mismatch"),
        ({"x-amz-sdk-checksum-algorithm": "CRC32"}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": base64.b64encode(zlib.crc32(b"body").to_bytes(4, "big")).decode()}, None),
    ],
)
def test_bodies_are_verified(aws: Served, bucket: str, headers: dict[str, str], expected: str | None) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(aws.endpoint["endpoint"].rpartition(":")[2]))
    connection.request("PUT", f"/{bucket}/verified", b"body", headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == (400 if expected else 200)
    assert expected is None or f"<Code>{expected}</Code>" in text


def test_a_body_keeps_its_bytes_whatever_its_content_type(aws: Served, bucket: str) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key="form", Body=b"a=1&b=2", ContentType="application/x-www-form-urlencoded")
    answer = s3.get_object(Bucket=bucket, Key="form")
    assert answer["Body"].read() == b"a=1&b=2" and answer["ContentType"] == "application/x-www-form-urlencoded"


def test_empty_objects_and_unusual_keys(aws: Served, bucket: str) -> None:
    s3 = aws.client("s3")
    for key in ("empty", "a b/ç+&=?#%.txt", "//double//slash", "dir/"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
        assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == 0
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert set(listed) == {"empty", "a b/ç+&=?#%.txt", "//double//slash", "dir/"}


@pytest.mark.parametrize("last", [5, 15])
def test_multipart_upload(aws: Served, bucket: str, last: int) -> None:
    s3 = aws.client("s3")
    parts = [b"x" * (5 << 20), b"y" * (last << 20), b"end"]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big", ChecksumAlgorithm="SHA256")["UploadId"]
    done = []
    for number, part in enumerate(parts, 1):
        answer = s3.upload_part(
            Bucket=bucket, Key="big", UploadId=upload, PartNumber=number, Body=part, ChecksumAlgorithm="SHA256"
        )
        done.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": answer["ChecksumSHA256"]})
    finished = s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload, MultipartUpload={"Parts": done})
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    assert finished["ETag"].endswith('-3"')
    head = s3.head_object(Bucket=bucket, Key="big", ChecksumMode="ENABLED")
    assert head["ContentLength"] == sum(map(len, parts))
    assert head["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(digests).digest()).decode() + "-3"
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == b"".join(parts)


def test_listing_while_uploading(aws: Served, bucket: str) -> None:
    s3 = aws.client("s3")
    with ThreadPoolExecutor(12) as pool:
        writes = [pool.submit(s3.put_object, Bucket=bucket, Key=f"n/{number}", Body=b"x") for number in range(200)]
        reads = [pool.submit(s3.list_objects_v2, Bucket=bucket) for _ in range(40)]
        for each in writes + reads:
            each.result()
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 200


def test_large_objects_and_their_ranges(aws: Served, bucket: str) -> None:
    s3 = aws.client("s3")
    body = bytes(range(256)) * (80 << 10)
    etag = s3.put_object(Bucket=bucket, Key="large", Body=body)["ETag"]
    assert s3.get_object(Bucket=bucket, Key="large")["Body"].read() == body
    part = s3.get_object(Bucket=bucket, Key="large", Range="bytes=1000000-1000009")
    assert (
        part["Body"].read() == body[1_000_000:1_000_010]
        and part["ContentRange"] == f"bytes 1000000-1000009/{len(body)}"
    )
    assert s3.get_object(Bucket=bucket, Key="large", Range="bytes=-5")["Body"].read() == body[-5:]
    assert code(s3.get_object, Bucket=bucket, Key="large", Range=f"bytes={len(body)}-") == "InvalidRange"
    assert code(s3.get_object, Bucket=bucket, Key="large", IfMatch='"other"') == "PreconditionFailed"
    assert code(s3.get_object, Bucket=bucket, Key="large", IfNoneMatch=etag) == "304"
