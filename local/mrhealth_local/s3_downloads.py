"""Sends large objects from their file. moto reads the whole object into memory for each GetObject."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

from .errors import Answer, Headers

_LARGE = 16 << 20
_PIECE = 1 << 20
#: queries that leave GetObject what it is
_HARMLESS = re.compile(r"(?:x-id=|versionId=|X-Amz-)[^&]*")
_RANGE = re.compile(r"bytes (\d+)-(\d+)/\d+")


def large_object(store: Any, environ: dict[str, Any], bucket: str, key: str) -> Any:
    """The object a GET is for when it is large and on disk, else None (and moto answers)."""
    query = environ.get("QUERY_STRING", "")
    if environ["REQUEST_METHOD"] != "GET" or not key or bucket not in store.buckets:
        return None
    if query and not all(_HARMLESS.fullmatch(part) for part in query.split("&")):
        return None
    version = re.search(r"(?:^|&)versionId=([^&]+)", query)
    item = store.get_object(bucket, key, version_id=version[1] if version else None)
    size = getattr(item, "contentsize", 0)
    return item if size > _LARGE and getattr(item._value_buffer, "_rolled", False) else None


def send(item: Any, environ: dict[str, Any], call: Callable[[dict[str, Any]], Answer]) -> Answer | None:
    """moto's answer to HEAD with the bytes it stands for, or None when it is no success."""
    # A handle of our own: the object may be replaced and its file closed while it is being sent.
    with item.lock:
        item._value_buffer.flush()
        handle = os.dup(item._value_buffer.fileno())
    answer = call({**environ, "REQUEST_METHOD": "HEAD"})
    if answer.status not in (200, 206):
        os.close(handle)
        return None
    begin, end = 0, item.contentsize - 1
    for name, value in answer.headers:
        if name.lower() == "content-range" and (match := _RANGE.match(value)):
            begin, end = int(match[1]), int(match[2])
    headers = [pair for pair in qualified(answer.headers, item) if pair[0].lower() != "content-length"]
    headers.append(("Content-Length", str(end - begin + 1)))
    return Answer(answer.status, b"", headers, _pieces(handle, begin, end + 1))


def qualified(headers: Headers, item: Any) -> Headers:
    """The headers of moto's HEAD with the number of parts ("-3") that a composite checksum ends with; moto adds
    it on GET only, and without it an SDK takes the sum for that of the whole object."""
    if getattr(item, "checksum_type", None) != "COMPOSITE":
        return headers
    return [
        (name, f"{value}-{item.checksum_parts}" if value == item.checksum_value else value) for name, value in headers
    ]


def _pieces(handle: int, position: int, end: int) -> Iterator[bytes]:
    try:
        while position < end:
            piece = os.pread(handle, min(_PIECE, end - position), position)
            if not piece:
                # Ends the connection: the client must not wait for bytes that do not come.
                raise ConnectionResetError("the object is shorter than its size")
            position += len(piece)
            yield piece
    finally:
        os.close(handle)
