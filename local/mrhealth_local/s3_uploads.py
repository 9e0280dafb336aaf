"""Receives the bodies of PutObject and UploadPart in place of moto.

moto holds several copies of a body in memory, verifies nothing and returns a checksum only when
``x-amz-sdk-checksum-algorithm`` names it (AWS.md 0.4). Here a body is read once, in pieces: decoded when it
is aws-chunked, hashed, verified, and spooled to disk above ``_SPOOL``; moto gets the finished file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import tempfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from .errors import AwsError

_SPOOL = 8 << 20
_PIECE = 1 << 20
#: where the received body travels to the patched moto (``s3_fixes``)
ENVIRON_KEY = "mrhealth.s3_body"

#: queries of PUT /bucket/key that carry a document, not an object
_DOCUMENT_QUERIES = ("acl", "tagging", "retention", "legal-hold", "restore", "torrent", "renameObject")


class ReceivedBody:
    """A body on disk (or in memory when small) with its size and MD5."""

    def __init__(self, file: Any, size: int, md5: bytes) -> None:
        self.file = file
        self.size = size
        self.md5_hex = md5.hex()

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        # An empty body is still a body: moto's `self.body or b""` must keep this object.
        return True


def carries_object(environ: dict[str, Any], key: str) -> bool:
    if environ["REQUEST_METHOD"] != "PUT" or not key or "HTTP_X_AMZ_COPY_SOURCE" in environ:
        return False
    names = {part.partition("=")[0] for part in environ.get("QUERY_STRING", "").split("&")}
    return not names.intersection(_DOCUMENT_QUERIES)


def receive(environ: dict[str, Any]) -> None:
    """Takes the body off the wire, verifies it and leaves it in ``environ[ENVIRON_KEY]``.

    Raises the error S3 gives for a body that is not what its headers say."""
    declared = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "UNSIGNED-PAYLOAD")
    checksums = {name: value for name in _ALGORITHMS if (value := environ.get(_header(name)))}
    trailer = environ.get("HTTP_X_AMZ_TRAILER", "").strip().lower()
    trailing = trailer.removeprefix("x-amz-checksum-").upper() if trailer.startswith("x-amz-checksum-") else None
    wanted = set(checksums) | ({trailing} if trailing in _ALGORITHMS else set())
    named = environ.get("HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM", "").upper()
    if named and named in _ALGORITHMS and not wanted:
        raise AwsError(
            "InvalidRequest",
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
        )
    # S3 stores a CRC64NVME of its own when the client sends no checksum.
    stored = next(iter(wanted), "CRC64NVME")

    trailers: dict[str, str] = {}
    source = environ["wsgi.input"]
    chunked = declared.startswith("STREAMING-") or "aws-chunked" in environ.get("HTTP_CONTENT_ENCODING", "")
    pieces = _unchunked(source, trailers) if chunked else iter(lambda: source.read(_PIECE), b"")

    md5, sha256 = hashlib.md5(usedforsecurity=False), None
    if not chunked and declared != "UNSIGNED-PAYLOAD":
        sha256 = hashlib.sha256()
    sums = {name: _ALGORITHMS[name]() for name in wanted | {stored}}
    file, size = tempfile.SpooledTemporaryFile(_SPOOL), 0
    for piece in pieces:
        file.write(piece)
        size += len(piece)
        md5.update(piece)
        for digest in (sha256, *sums.values()):
            if digest is not None:
                digest.update(piece)

    _verify(environ, declared, size, chunked, md5, sha256)
    if trailing in _ALGORITHMS and trailer in trailers:
        checksums[trailing] = trailers[trailer]
    for name, value in checksums.items():
        computed = base64.b64encode(sums[name].digest()).decode()
        if value != computed:
            raise AwsError("BadDigest", f"The {name} you specified did not match the calculated checksum.")
    environ[_header(stored)] = base64.b64encode(sums[stored].digest()).decode()
    environ["HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM"] = stored
    environ["HTTP_X_AMZ_CONTENT_SHA256"] = "UNSIGNED-PAYLOAD"
    environ[ENVIRON_KEY] = ReceivedBody(file, size, md5.digest())


def _verify(environ: dict[str, Any], declared: str, size: int, chunked: bool, md5: Any, sha256: Any) -> None:
    if chunked and environ.get("HTTP_X_AMZ_DECODED_CONTENT_LENGTH", str(size)) != str(size):
        raise AwsError(
            "IncompleteBody",
            "You did not provide the number of bytes specified by the x-amz-decoded-content-length header.",
        )
    if sha256 is not None and sha256.hexdigest() != declared.lower():
        raise AwsError(
            "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."
        )
    if content_md5 := environ.get("HTTP_CONTENT_MD5"):
        try:
            expected = base64.b64decode(content_md5, validate=True)
        except binascii.Error:
            expected = b""
        if len(expected) != 16:
            raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.")
        if expected != md5.digest():
            raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.")


def _unchunked(source: BinaryIO, trailers: dict[str, str]) -> Iterator[bytes]:
    """The payload of an aws-chunked body [S3 guide sigv4-streaming]; chunk signatures are not checked."""
    while True:
        line = source.readline(1024)
        try:
            left = int(line.split(b";")[0].strip(), 16)
        except ValueError:
            raise AwsError("IncompleteBody", "The request body terminated unexpectedly.") from None
        if left == 0:
            break
        while left:
            piece = source.read(min(left, _PIECE))
            if not piece:
                raise AwsError("IncompleteBody", "The request body terminated unexpectedly.")
            left -= len(piece)
            yield piece
        source.readline(4)
    while (line := source.readline(8192)).strip():
        name, _, value = line.decode("latin-1").partition(":")
        trailers[name.strip().lower()] = value.strip()


def _header(algorithm: str) -> str:
    return f"HTTP_X_AMZ_CHECKSUM_{algorithm}"


class _Crc:
    """A running CRC with hashlib's interface."""

    def __init__(self, function: Any, width: int) -> None:
        self._function = function
        self._width = width
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width, "big")


def _crc32c() -> _Crc:
    from awscrt import checksums

    return _Crc(checksums.crc32c, 4)


def _crc64nvme() -> _Crc:
    from awscrt import checksums

    return _Crc(checksums.crc64nvme, 8)


_ALGORITHMS: dict[str, Any] = {
    "CRC32": lambda: _Crc(zlib.crc32, 4),
    "CRC32C": _crc32c,
    "CRC64NVME": _crc64nvme,
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
}


def new_checksum(algorithm: str) -> Any:
    """A running checksum of S3's `algorithm`, with hashlib's interface."""
    return _ALGORITHMS[algorithm]()
