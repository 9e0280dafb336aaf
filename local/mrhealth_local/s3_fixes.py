"""Where moto's S3 differs from AWS and the difference matters here (AWS.md 0.2, 1 s3, 4 K)."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections.abc import Iterator
from typing import Any

from .s3_uploads import ENVIRON_KEY, ReceivedBody, new_checksum

_COPY = 1 << 20
_SPOOL = 8 << 20
#: every new bucket has it since January 2023 [S3 guide default-encryption-faq]
_DEFAULT_ENCRYPTION = {
    "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}
}


def apply() -> None:
    """Patches moto.s3; called once, before its first request."""
    from moto.s3 import models, responses

    _default_bucket_settings(models)
    _forgotten_tags(models)
    _policies(models)
    _received_bodies(models, responses)
    _streamed_multipart(models)


def _default_bucket_settings(models: Any) -> None:
    """New buckets block public access, encrypt and disable ACLs (AWS since 2023)."""
    create = models.FakeBucket.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        create(self, *args, **kwargs)
        self.public_access_block = models.PublicAccessBlock(True, True, True, True)
        self.encryption = json.loads(json.dumps(_DEFAULT_ENCRYPTION))
        self.ownership_rule = "BucketOwnerEnforced"

    def delete_bucket_encryption(self: Any, bucket_name: str) -> None:
        self.get_bucket(bucket_name).encryption = json.loads(json.dumps(_DEFAULT_ENCRYPTION))

    models.FakeBucket.__init__ = __init__
    models.S3Backend.delete_bucket_encryption = delete_bucket_encryption


def _forgotten_tags(models: Any) -> None:
    """A bucket's tags go with it: moto gives them to the next bucket of that name, and so to a stranger's."""
    delete_bucket = models.S3Backend.delete_bucket

    def delete_with_tags(self: Any, bucket_name: str) -> Any:
        arn = self.get_bucket(bucket_name).arn
        deleted = delete_bucket(self, bucket_name)
        if deleted is not None:
            self.tagger.delete_all_tags_for_resource(arn)
        return deleted

    models.S3Backend.delete_bucket = delete_with_tags


def _policies(models: Any) -> None:
    """A policy is checked when it is put; of its statements only those without Condition are enforced.

    moto ignores Condition, so the usual "deny what is not TLS" would deny everything. GetBucketPolicy
    still returns the whole text."""
    from moto.iam.access_control import IAMPolicy, PermissionResult
    from moto.s3.exceptions import S3ClientError

    def put_bucket_policy(self: Any, bucket_name: str, policy: bytes) -> None:
        bucket = self.get_bucket(bucket_name)
        fault = policy_fault(policy, bucket_name)
        if fault:
            raise S3ClientError("MalformedPolicy", fault)
        bucket.policy = policy

    def get_permission(self: Any, action: str, resource: str) -> Any:
        if self.policy is None:
            return PermissionResult.NEUTRAL
        document = json.loads(self.policy)
        document["Statement"] = [s for s in _listed(document["Statement"]) if not s.get("Condition")]
        if not document["Statement"]:
            return PermissionResult.NEUTRAL
        return IAMPolicy(json.dumps(document)).is_action_permitted(action, resource)

    models.S3Backend.put_bucket_policy = put_bucket_policy
    models.FakeBucket.get_permission = get_permission


def policy_fault(policy: bytes | str, bucket: str) -> str | None:
    """What S3 would refuse about a bucket policy (its MalformedPolicy messages), or None."""
    try:
        document = json.loads(policy)
    except ValueError:
        return "This policy contains invalid Json"
    if not isinstance(document, dict):
        return "Policies must be valid JSON and the first byte must be '{'"
    unknown = set(document) - {"Version", "Id", "Statement"}
    if unknown:
        return f"Unknown field {sorted(unknown)[0]}"
    if not document.get("Statement"):
        return "Missing required field Statement"
    for statement in _listed(document["Statement"]):
        if not isinstance(statement, dict):
            return "Invalid policy syntax."
        for required in ("Effect", "Principal|NotPrincipal", "Action|NotAction", "Resource|NotResource"):
            if not any(name in statement for name in required.split("|")):
                return f"Missing required field {required.split('|')[0]}"
        if statement["Effect"] not in ("Allow", "Deny"):
            return f"Invalid effect: {statement['Effect']}"
        for resource in _listed(statement.get("Resource", statement.get("NotResource"))):
            name = str(resource).rpartition(":::")[2].partition("/")[0]
            if name not in ("*", bucket) and "*" not in name and "?" not in name:
                return "Policy has invalid resource"
    return None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _received_bodies(models: Any, responses: Any) -> None:
    """Lets moto store what ``s3_uploads`` received, without copying it."""
    setup_class = responses.S3Response.setup_class
    value = models.FakeKey.value

    def setup_with_body(self: Any, request: Any, full_url: str, headers: Any) -> None:
        setup_class(self, request, full_url, headers)
        body = request.environ.get(ENVIRON_KEY)
        if body is not None:
            self.body = body

    def set_value(self: Any, new_value: Any) -> None:
        if isinstance(new_value, ReceivedBody):
            self._value_buffer.close()
            self._value_buffer = new_value.file
            self.contentsize = new_value.size
            self._etag = self._etag or new_value.md5_hex
        else:
            value.fset(self, new_value)

    responses.S3Response.setup_class = setup_with_body
    models.FakeKey.value = value.setter(set_value)


def _streamed_multipart(models: Any) -> None:
    """Joins the parts of an upload on disk; moto joins them in memory, twice."""
    from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML

    def complete(self: Any, body: Iterator[tuple[int, str]]) -> tuple[Any, str, tuple[str, str, int]]:
        algorithm = self.metadata.get("x-amz-checksum-algorithm") or "CRC64NVME"
        kind = self.metadata.get("x-amz-checksum-type") or (
            "FULL_OBJECT" if algorithm.startswith("CRC64") else "COMPOSITE"
        )
        parts = []
        for number, etag in body:
            part = self.parts.get(number)
            if part is None or part.etag.strip('"') != etag.strip('"'):
                raise InvalidPart()
            if parts and parts[-1].contentsize < models.S3_UPLOAD_PART_MIN_SIZE:
                raise EntityTooSmall()
            parts.append(part)
        if not parts:
            raise MalformedXML

        etags = hashlib.md5(usedforsecurity=False)
        whole = new_checksum(algorithm)
        file, size = tempfile.SpooledTemporaryFile(_SPOOL), 0
        for part in parts:
            etags.update(bytes.fromhex(part.etag.strip('"')))
            one = new_checksum(algorithm)
            with part.lock:
                part._value_buffer.seek(0)
                while piece := part._value_buffer.read(_COPY):
                    file.write(piece)
                    size += len(piece)
                    (one if kind == "COMPOSITE" else whole).update(piece)
            if kind == "COMPOSITE":
                whole.update(one.digest())
        etag = f"{etags.hexdigest()}-{len(parts)}"
        checksum = base64.b64encode(whole.digest()).decode()
        return ReceivedBody(file, size, b""), etag, (kind, checksum, len(parts) if kind == "COMPOSITE" else 1)

    models.FakeMultipart.complete = complete
