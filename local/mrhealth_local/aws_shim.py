"""The ``aws`` command inside steps and bootstrap actions: ``aws s3 cp|sync|mv|ls|rm`` and s3-dist-cp, by boto3
against this endpoint. Enough for the scripts that prepare a node; not the AWS CLI."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_USAGE = "usage: aws s3 cp|mv|sync|ls|rm ..."


def main(arguments: list[str]) -> int:
    arguments = [each for each in arguments if each not in ("--quiet", "--no-progress", "--only-show-errors")]
    if len(arguments) < 2 or arguments[0] != "s3":
        print(f"{_USAGE}\nThe embedded AWS offers s3 commands only.", file=sys.stderr)
        return 252
    command, rest = arguments[1], arguments[2:]
    actions = {"cp": _copy, "mv": _copy, "sync": _sync, "ls": _list, "rm": _remove, "dist-cp": _dist_copy}
    if command not in actions:
        print(f"{_USAGE}\ninvalid choice: {command}", file=sys.stderr)
        return 252
    try:
        return actions[command](_client(), rest, command == "mv") or 0
    except Exception as error:
        print(f"fatal error: {error}", file=sys.stderr)
        return 1


def _client() -> Any:
    import boto3

    return boto3.client("s3")


def _parse(rest: list[str], *names: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="aws s3", allow_abbrev=False)
    for name in names:
        parser.add_argument(name)
    parser.add_argument("--recursive", action="store_true")
    parser.add_argument("--delete", action="store_true")
    found, ignored = parser.parse_known_args(rest)
    if ignored:
        print(f"ignored: {' '.join(ignored)}", file=sys.stderr)
    return found


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _keys(client: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Contents", [])


def _copy(client: Any, rest: list[str], move: bool) -> None:
    given = _parse(rest, "source", "target")
    pairs = _pairs(client, given.source, given.target, given.recursive)
    for source, target in pairs:
        _transfer(client, source, target, move)


def _sync(client: Any, rest: list[str], move: bool) -> None:
    given = _parse(rest, "source", "target")
    wanted = set()
    for source, target in _pairs(client, given.source, given.target, True):
        wanted.add(target)
        _transfer(client, source, target, False)
    if given.delete and given.target.startswith("s3://"):
        bucket, prefix = _split(given.target)
        for item in _keys(client, bucket, prefix):
            if f"s3://{bucket}/{item['Key']}" not in wanted:
                client.delete_object(Bucket=bucket, Key=item["Key"])


def _pairs(client: Any, source: str, target: str, recursive: bool) -> list[tuple[str, str]]:
    """Every single copy that a command means."""
    if not recursive:
        name = source.rstrip("/").rpartition("/")[2]
        into = (
            target.endswith("/")
            or (not target.startswith("s3://") and os.path.isdir(target))
            or (target.startswith("s3://") and not _split(target)[1])
        )
        return [(source, f"{target.rstrip('/')}/{name}" if into else target)]
    root = target.rstrip("/")
    if source.startswith("s3://"):
        bucket, prefix = _split(source)
        prefix = prefix.rstrip("/") + "/" if prefix else ""
        return [
            (f"s3://{bucket}/{item['Key']}", f"{root}/{item['Key'][len(prefix) :]}")
            for item in _keys(client, bucket, prefix)
            if not item["Key"].endswith("/")
        ]
    base = Path(source)
    return [
        (str(path), f"{root}/{path.relative_to(base).as_posix()}") for path in sorted(base.rglob("*")) if path.is_file()
    ]


def _transfer(client: Any, source: str, target: str, move: bool) -> None:
    if source == "-" or target == "-":
        if source == "-":
            client.put_object(Bucket=_split(target)[0], Key=_split(target)[1], Body=sys.stdin.buffer.read())
        else:
            sys.stdout.buffer.write(client.get_object(Bucket=_split(source)[0], Key=_split(source)[1])["Body"].read())
        return
    if source.startswith("s3://") and target.startswith("s3://"):
        bucket, key = _split(source)
        client.copy({"Bucket": bucket, "Key": key}, *_split(target))
        verb = "copy"
    elif source.startswith("s3://"):
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        client.download_file(*_split(source), target)
        verb = "download"
    else:
        client.upload_file(source, *_split(target))
        verb = "upload"
    if move:
        if source.startswith("s3://"):
            client.delete_object(Bucket=_split(source)[0], Key=_split(source)[1])
        else:
            os.unlink(source)
        verb = "move"
    print(f"{verb}: {source} to {target}")


def _list(client: Any, rest: list[str], move: bool) -> int:
    if not [each for each in rest if not each.startswith("-")]:
        for bucket in client.list_buckets()["Buckets"]:
            print(f"{bucket['CreationDate']:%Y-%m-%d %H:%M:%S} {bucket['Name']}")
        return 0
    given = _parse(rest, "target")
    bucket, prefix = _split(given.target)
    found = 0
    delimiter = {} if given.recursive else {"Delimiter": "/"}
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **delimiter):
        for each in page.get("CommonPrefixes", []):
            print(f"{'PRE':>30} {each['Prefix'].rstrip('/').rpartition('/')[2]}/")
            found += 1
        for item in page.get("Contents", []):
            name = item["Key"] if given.recursive else item["Key"].rpartition("/")[2]
            print(f"{item['LastModified']:%Y-%m-%d %H:%M:%S} {item['Size']:>10} {name}")
            found += 1
    return 0 if found or not prefix else 1


def _remove(client: Any, rest: list[str], move: bool) -> None:
    given = _parse(rest, "target")
    bucket, key = _split(given.target)
    keys = [item["Key"] for item in _keys(client, bucket, key)] if given.recursive else [key]
    for each in keys:
        client.delete_object(Bucket=bucket, Key=each)
        print(f"delete: s3://{bucket}/{each}")


def _dist_copy(client: Any, rest: list[str], move: bool) -> None:
    parser = argparse.ArgumentParser(prog="s3-dist-cp", allow_abbrev=False)
    parser.add_argument("--src", required=True)
    parser.add_argument("--dest", required=True)
    parser.add_argument("--deleteOnSuccess", action="store_true")
    given, ignored = parser.parse_known_args(rest)
    if ignored:
        raise ValueError(f"the embedded AWS does not know {ignored[0]}")
    for source, target in _pairs(client, given.src, given.dest, True):
        _transfer(client, source, target, given.deleteOnSuccess)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
