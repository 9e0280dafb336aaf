#!/usr/bin/env python3
"""Signs random requests with botocore, for SigV4SignerTests to compare with.

    python3 botocore_sign.py COUNT SEED > vectors.json

The same seed gives the same vectors. signing-vectors.json beside this file is `200 20261124`; to compare more:

    python3 botocore_sign.py 2000 7 > /tmp/v.json
    MRHEALTH_SIGNING_VECTORS=/tmp/v.json swift test --filter SigV4SignerTests
"""

import datetime
import hashlib
import json
import random
import sys
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SERVICES = ["s3", "s3", "s3", "sts", "iam", "ec2", "elasticmapreduce", "sns", "scheduler", "quicksight", "tagging"]
REGIONS = ["us-east-1", "us-east-2", "sa-east-1", "cn-north-1", "us-gov-west-1"]
# What object keys, tags and names have been seen to hold.
PIECES = [
    "a", "B", "7", "-", "_", ".", "~", " ", "  ", "+", "%", "%2F", "%20", "&", "=", "?", "#", ";", ":", "@", "!", "$", "'",
    "(", ")", "*", ",", "[", "]", "{", "}", "|", "\\", "^", "`", '"', "<", ">", "\t", "..", "/", "//", "/./", "/../",
    "ção", "Não", "日本", "😀", "e\u0301", "\u00a0", "arn:aws:iam::123456789012:role/x", "unidade=1", "data=2024-11-20",
]


def text(r, longest, pieces=PIECES):
    return "".join(r.choice(pieces) for _ in range(r.randint(0, longest)))


def vector(r, number):
    service, region = r.choice(SERVICES), r.choice(REGIONS)
    is_s3 = service == "s3"
    scheme = r.choice(["https", "https", "http"])
    host = r.choice([f"{service}.{region}.amazonaws.com", "127.0.0.1:5000", "bucket.example.com:8443", "localhost:4566"])
    key = text(r, 8)
    path = "/" + (quote(key, safe="/~") if is_s3 or r.random() < 0.4 else quote(key, safe="~"))
    if not is_s3 and r.random() < 0.2:
        path = "/tags/" + quote("arn:aws:scheduler:us-east-2:123456789012:schedule-group/g", safe="~")
    presigned = r.random() < 0.3
    names = ["list-type", "prefix", "delimiter", "X-Id", "x-id", "uploads", "versioning", "a b", "ç", "tag+key", "Z", "a"]
    query = []
    for _ in range(r.choice([0, 0, 1, 2, 5])):
        name = r.choice(names)
        # botocore's presigning keeps one value a name.
        if presigned and name in [n for n, _ in query]:
            continue
        query.append([name, r.choice([None, "", text(r, 5)])])
    headers = []
    if r.random() < 0.5:
        headers.append(["Content-Type", r.choice(["application/json", "text/csv; charset=utf-8", "application/x-amz-json-1.1"])])
    if r.random() < 0.5:
        headers.append(["X-Amz-Meta-Nome", r.choice(["a", "  a   b  ", "a\tb", "x,y", "valor; q=1"])])
    if r.random() < 0.2:
        headers += [["X-Amz-Meta-Twice", "one"], ["x-amz-meta-twice", " two  three "]]
    if r.random() < 0.3:
        headers.append(["If-None-Match", "*"])
    if r.random() < 0.3:
        headers.append(["User-Agent", "mrhealth/1 not signed"])
    if r.random() < 0.2:
        headers.append(["Range", "bytes=0-9"])
    body = b"" if presigned else text(r, 20).encode()
    unsigned = is_s3 and scheme == "https" and r.random() < 0.5
    key_id = "AKIA" + "".join(r.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16))
    secret = "".join(r.choice("abcdefghijklmnopqrstuvwxyzABC0123456789+/") for _ in range(40))
    token = "".join(r.choice("abcXYZ019+/=") for _ in range(60)) if r.random() < 0.4 else None
    date = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=r.randint(0, 10**8))
    expires = r.randint(1, 604800)
    method = r.choice(["GET", "GET", "PUT", "HEAD", "DELETE"] if is_s3 else ["POST", "GET", "DELETE"])

    url = f"{scheme}://{host}{path}"
    if query:
        url += "?" + "&".join(quote(n, safe="~") + ("" if v is None else "=" + quote(v, safe="~")) for n, v in query)
    request = AWSRequest(method=method, url=url, data=body)
    for name, value in headers:
        request.headers.add_header(name, value)
    if is_s3:
        request.context["client_config"] = type("C", (), {"s3": {"payload_signing_enabled": not unsigned}})()
    botocore.auth.get_current_datetime = lambda *a, **k: date
    credentials = Credentials(key_id, secret, token)
    result = {
        "number": number, "service": service, "region": region, "method": method, "host": host, "path": path,
        "query": query, "headers": headers, "accessKeyID": key_id, "secretAccessKey": secret, "sessionToken": token,
        "date": int(date.timestamp()),
        "payloadHash": "UNSIGNED-PAYLOAD" if unsigned else hashlib.sha256(body).hexdigest(),
    }
    if presigned:
        auth = botocore.auth.S3SigV4QueryAuth if is_s3 else botocore.auth.SigV4QueryAuth
        auth(credentials, service, region, expires=expires).add_auth(request)
        result["expires"] = expires
        result["signature"] = request.url.rsplit("X-Amz-Signature=", 1)[1]
    else:
        auth = botocore.auth.S3SigV4Auth if is_s3 else botocore.auth.SigV4Auth
        auth(credentials, service, region).add_auth(request)
        result["authorization"] = request.headers["Authorization"]
    return result


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    r = random.Random(seed)
    print("[")
    print(",\n".join(json.dumps(vector(r, n), ensure_ascii=True) for n in range(count)))
    print("]")


if __name__ == "__main__":
    main()
