"""Errors in the protocol of the service that was called: an AWS client must never see an HTML page."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

Headers = list[tuple[str, str]]


@dataclass
class Answer:
    """A complete HTTP answer."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)
    #: the body in pieces, in place of `body`
    stream: Iterator[bytes] | None = None


class AwsError(Exception):
    """An error with AWS's code and message, independent of the protocol it is sent in."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def protocol_of(service: str | None, target: str | None, content_type: str) -> str:
    """The protocol a request is written in: "json", "s3", "ec2", "query" or "rest-json"."""
    if target:
        return "json"
    if service in (None, "s3"):
        return "s3"
    if service == "ec2":
        return "ec2"
    if content_type.startswith("application/x-www-form-urlencoded"):
        return "query"
    return "rest-json"


def answer_for(error: AwsError, protocol: str, *, head: bool = False) -> Answer:
    """The error as the protocol writes it (AWS.md section 2, table of error bodies)."""
    request_id = str(uuid.uuid4())
    code, message = escape(error.code), escape(error.message)
    if protocol in ("json", "rest-json"):
        version = "application/x-amz-json-1.1" if protocol == "json" else "application/json"
        text = json.dumps({"__type": error.code, "message": error.message})
        headers = [("Content-Type", version), ("x-amzn-ErrorType", error.code), ("x-amzn-RequestId", request_id)]
    elif protocol == "s3":
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId>"
            "<HostId>embedded</HostId></Error>"
        )
        headers = [("Content-Type", "application/xml"), ("x-amz-request-id", request_id)]
    elif protocol == "ec2":
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
        headers = [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)]
    else:
        fault = "Receiver" if error.status >= 500 else "Sender"
        text = (
            "<ErrorResponse><Error>"
            f"<Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message>"
            f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        headers = [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)]
    return Answer(error.status, b"" if head else text.encode(), headers)


#: the code each protocol uses for an operation it does not know
UNKNOWN_OPERATION = {
    "json": "UnknownOperationException",
    "rest-json": "UnknownOperationException",
    "s3": "NotImplemented",
    "ec2": "InvalidAction",
    "query": "InvalidAction",
}


def not_implemented(protocol: str, operation: str) -> AwsError:
    """An operation nobody wrote. 501 for S3 as S3 itself does; 400 elsewhere, so that no client
    retries it as it would a 500."""
    status = 501 if protocol == "s3" else 400
    return AwsError(UNKNOWN_OPERATION[protocol], f"The embedded AWS does not implement {operation}.", status)
