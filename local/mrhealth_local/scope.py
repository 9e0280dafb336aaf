"""What a request's signature says about it: key, region, service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request")


@dataclass(frozen=True)
class Scope:
    access_key_id: str | None
    region: str | None
    service: str | None


UNSIGNED = Scope(None, None, None)


def scope_of(authorization: str, query: str) -> Scope:
    """The credential scope of a signed header or of a presigned URL.

    The Host header is deliberately not consulted: here it is always the loopback address
    (moto reads EMR's region from it and so puts every cluster into us-east-1).
    """
    match = _CREDENTIAL.search(authorization)
    if match is None and "X-Amz-Credential" in query:
        credential = parse_qs(query).get("X-Amz-Credential", [""])[0]
        match = _CREDENTIAL.search("Credential=" + credential)
    if match is None:
        return UNSIGNED
    key, _, region, service = match.groups()
    return Scope(key, region, service.lower())
