"""An S3 that only remembers: fast enough, on one core, not to be what a benchmark of thousands of objects measures.

    python3 Benchmarks/sink.py --listen 127.0.0.1:0 [--latency-ms N]

Prints {"listening": "127.0.0.1:PORT"}. Keeps keys, sizes, MD5s, small bodies, and the settings of buckets as they were
put; knows conditions, listings, versions (one a key) and batch deletion; checks nothing. `GET /__stats` counts requests.
Its speed comes from one `asyncio.Protocol` without streams, and from answers that are one `write`.
"""
import argparse
import asyncio
import bisect
import hashlib
import json
import re
import urllib.parse
from xml.sax.saxutils import escape

# Bodies up to this size are kept: states, locks. Of others only size and MD5.
KEPT = 64 << 20
MISSING = {
    "policy": "NoSuchBucketPolicy", "tagging": "NoSuchTagSet", "lifecycle": "NoSuchLifecycleConfiguration",
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
}
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
DATE = "2026-01-01T00:00:00.000Z"


class Bucket:
    def __init__(self):
        self.objects: dict[str, tuple[str, int, bytes | None]] = {}
        self.settings: dict[str, bytes] = {}
        self.order: list[str] | None = None

    def keys(self) -> list[str]:
        if self.order is None:
            self.order = sorted(self.objects)
        return self.order


class Sink:
    def __init__(self):
        self.buckets: dict[str, Bucket] = {}
        self.requests = 0

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes):
        """(status, headers, body) of one request."""
        path, _, query_text = target.partition("?")
        if path == "/__stats":
            count, self.requests = self.requests, 0
            return 200, {}, json.dumps({"requests": count}).encode()
        self.requests += 1
        name, _, key = path[1:].partition("/")
        key = urllib.parse.unquote(key)
        query = dict(urllib.parse.parse_qsl(query_text, keep_blank_values=True)) if query_text else {}
        if not key:
            return self.of_bucket(method, name, query, body)
        bucket = self.buckets.get(name)
        if bucket is None:
            return error(404, "NoSuchBucket")
        return self.of_object(method, bucket, key, headers, body)

    def of_bucket(self, method, name, query, body):
        bucket = self.buckets.get(name)
        if method == "PUT" and not query:
            self.buckets.setdefault(name, Bucket())
            return 200, {}, b""
        if bucket is None:
            return error(404, "NoSuchBucket")
        if method == "HEAD":
            return 200, {"x-amz-bucket-region": "us-east-2"}, b""
        if "list-type" in query:
            return listing(bucket, query)
        if "versions" in query:
            return versions(bucket, query)
        if "uploads" in query:
            return 200, {}, f"{HEAD}<ListMultipartUploadsResult/>".encode()
        if method == "POST" and "delete" in query:
            for key in re.findall(r"<Key>(.*?)</Key>", body.decode()):
                bucket.objects.pop(urllib.parse.unquote(key), None)
            bucket.order = None
            return 200, {}, f"{HEAD}<DeleteResult/>".encode()
        if method == "DELETE" and not query:
            del self.buckets[name]
            return 204, {}, b""
        setting = next(iter(query))
        if method == "PUT":
            bucket.settings[setting] = body
            return 200, {}, b""
        if method == "DELETE":
            bucket.settings.pop(setting, None)
            return 204, {}, b""
        if setting in bucket.settings:
            return 200, {}, bucket.settings[setting]
        if setting in MISSING:
            return error(404, MISSING[setting])
        return 200, {}, f"{HEAD}<Configuration/>".encode()

    def of_object(self, method, bucket, key, headers, body):
        there = bucket.objects.get(key)
        wanted = headers.get("if-match", "").strip('"')
        if method in ("PUT", "DELETE") and wanted and (there is None or there[0] != wanted):
            return error(412, "PreconditionFailed") if there else error(404, "NoSuchKey")
        if method == "PUT":
            if there and headers.get("if-none-match") == "*":
                return error(412, "PreconditionFailed")
            md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
            bucket.objects[key] = (md5, len(body), bytes(body) if len(body) <= KEPT else None)
            if there is None:
                bucket.order = None
            return 200, {"ETag": f'"{md5}"'}, b""
        if method == "DELETE":
            if there:
                del bucket.objects[key]
                bucket.order = None
            return 204, {}, b""
        if there is None:
            return error(404, "NoSuchKey")
        return 200, {"ETag": f'"{there[0]}"'}, there[2] or b""


def error(status: int, code: str):
    return status, {}, f"{HEAD}<Error><Code>{code}</Code><Message>sink</Message></Error>".encode()


def listing(bucket: Bucket, query: dict):
    keys, prefix = bucket.keys(), query.get("prefix", "")
    after = query.get("continuation-token") or query.get("start-after") or ""
    start = bisect.bisect_right(keys, after) if after else bisect.bisect_left(keys, prefix)
    count = int(query.get("max-keys", "1000"))
    page = []
    for key in keys[start:start + count + 1]:
        if not key.startswith(prefix):
            break
        page.append(key)
    more = len(page) > count
    page = page[:count]
    rows = "".join(
        f"<Contents><Key>{urllib.parse.quote(key)}</Key><LastModified>{DATE}</LastModified>"
        f"<ETag>&quot;{bucket.objects[key][0]}&quot;</ETag><Size>{bucket.objects[key][1]}</Size></Contents>" for key in page)
    following = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
    return 200, {}, (
        f"{HEAD}<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"{following}{rows}</ListBucketResult>").encode()


def versions(bucket: Bucket, query: dict):
    """Whoever lists versions lists a page and deletes it: always the first ones."""
    prefix = query.get("prefix", "")
    found = [key for key in bucket.keys() if key.startswith(prefix) and key > query.get("key-marker", "")]
    page = found[:1000]
    rows = "".join(
        f"<Version><Key>{urllib.parse.quote(key)}</Key><VersionId>null</VersionId><IsLatest>true</IsLatest>"
        f"<LastModified>{DATE}</LastModified><ETag>&quot;{bucket.objects[key][0]}&quot;</ETag>"
        f"<Size>{bucket.objects[key][1]}</Size></Version>" for key in page)
    more = len(found) > len(page)
    marker = f"<NextKeyMarker>{urllib.parse.quote(page[-1])}</NextKeyMarker>" if more else ""
    return 200, {}, (
        f"{HEAD}<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"{marker}{rows}</ListVersionsResult>").encode()


class Connection(asyncio.Protocol):
    def __init__(self, sink: Sink, latency: float):
        self.sink = sink
        self.latency = latency
        self.buffer = bytearray()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            lines = self.buffer[:end].decode("latin-1").split("\r\n")
            method, target, _ = lines[0].split(" ", 2)
            headers = {}
            for line in lines[1:]:
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            length = int(headers.get("content-length", "0"))
            if headers.get("expect") and len(self.buffer) < end + 4 + length:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                # Said once: what is still to come is then only body.
                del self.buffer[:end]
                self.buffer[:0] = "\r\n".join(
                    line for line in lines if not line.lower().startswith("expect:")).encode("latin-1")
                continue
            if len(self.buffer) < end + 4 + length:
                return
            body = bytes(self.buffer[end + 4:end + 4 + length])
            del self.buffer[:end + 4 + length]
            status, more, answer = self.sink.answer(method, target, headers, body)
            fields = "".join(f"{name}: {value}\r\n" for name, value in more.items())
            size = "" if status == 204 else f"Content-Length: {0 if method == 'HEAD' else len(answer)}\r\n"
            reply = f"HTTP/1.1 {status} X\r\nx-amz-request-id: SINK\r\n{fields}{size}\r\n".encode() + (
                b"" if method == "HEAD" or status == 204 else answer)
            if self.latency:
                asyncio.get_running_loop().call_later(self.latency, self.transport.write, reply)
            else:
                self.transport.write(reply)


async def serve(address: str, latency: float) -> None:
    host, _, port = address.rpartition(":")
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(sink, latency), host, int(port), backlog=512)
    print(json.dumps({"listening": "%s:%d" % server.sockets[0].getsockname()[:2]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--latency-ms", type=float, default=0)
    options = parser.parse_args()
    asyncio.run(serve(options.listen, options.latency_ms / 1000))
