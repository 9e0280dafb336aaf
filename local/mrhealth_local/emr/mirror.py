"""The buckets as folders, so that Spark can read and write ``s3://bucket/key`` as files.

``pull`` brings the folders to the state of S3, ``push`` brings S3 to the state of the folders; both touch
only what changed since the last time, which the index remembers (ETag of the object, size and
modification time of the file). A step pulls before and pushes after. Steps that run at the
same time share the folders, so neither may undo the other:

* pull leaves alone every file that differs from the index (another step is writing it) and every
  deletion the index does not know yet, as long as the object itself did not change;
* push deletes an object only when its file was in the index and is gone;
* work in progress of Spark's committers (``_temporary``, ``.spark-staging``) never reaches S3.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..s3_uploads import ReceivedBody
from .context import Context

log = logging.getLogger("mrhealth.mirror")

_COPY = 1 << 20


@dataclass(frozen=True)
class _Known:
    etag: str
    size: int
    modified_ns: int


class Mirror:
    def __init__(self, context: Context, locks: Any) -> None:
        self._context = context
        self._locks = locks
        self._root = context.directory / "mirror"
        self._index: dict[tuple[str, str], _Known] = {}
        self._lock = threading.Lock()
        # S3 begins empty in a new process: what a former one left is not in it.
        shutil.rmtree(self._root, ignore_errors=True)
        self._root.mkdir(parents=True)

    def folder(self, bucket: str) -> Path:
        return self._root / bucket

    def buckets(self) -> list[str]:
        return sorted(self._stored())

    def pull(self) -> int:
        """S3 -> folders; the number of files written or removed."""
        with self._lock:
            changed = 0
            stored = self._stored()
            seen = set()
            for name in sorted(stored):
                self.folder(name).mkdir(exist_ok=True)
                for key, item in _objects(stored[name]):
                    seen.add((name, key))
                    changed += self._pull_one(name, key, item)
            for place in [each for each in self._index if each not in seen]:
                changed += self._forget(*place)
            for folder in self._root.iterdir():
                if folder.name not in stored:
                    shutil.rmtree(folder, ignore_errors=True)
            return changed

    def push(self) -> int:
        """Folders -> S3; the number of objects written or deleted."""
        with self._lock:
            changed = 0
            stored = self._stored()
            for bucket in sorted(stored):
                present = set()
                for key, path in _files(self.folder(bucket)):
                    present.add(key)
                    changed += self._push_one(bucket, key, path)
                gone = [key for name, key in self._index if name == bucket and key not in present]
                for key in gone:
                    changed += self._delete(bucket, key)
            return changed

    def path_of(self, uri: str) -> Path | None:
        """The local file or folder of an ``s3://`` URI of one of the account's buckets."""
        bucket, key = split_uri(uri)
        if bucket not in self._stored():
            return None
        return local_path(self.folder(bucket), key)

    def _stored(self) -> dict[str, Any]:
        return dict(self._context.backend("s3").buckets)

    def _pull_one(self, bucket: str, key: str, item: Any) -> int:
        path = local_path(self.folder(bucket), key)
        if path is None:
            return 0
        if key.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            return 0
        known = self._index.get((bucket, key))
        if known is not None and known.etag == item.etag:
            return 0
        if known is not None and _changed(path, known):
            log.info("s3://%s/%s was changed by a running step and in S3: the step's stays", bucket, key)
            return 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, item)
        except OSError as error:
            # A key that cannot be a file, e.g. "a/b" beside "a".
            log.warning("s3://%s/%s is not visible to steps: %s", bucket, key, error)
            return 0
        self._remember(bucket, key, item.etag, path)
        return 1

    def _forget(self, bucket: str, key: str) -> int:
        """Removes the file of an object that was deleted from S3."""
        known = self._index.pop((bucket, key))
        path = local_path(self.folder(bucket), key)
        if path is None or _changed(path, known):
            return 0
        path.unlink(missing_ok=True)
        _prune(path.parent, self.folder(bucket))
        return 1

    def _push_one(self, bucket: str, key: str, path: Path) -> int:
        known = self._index.get((bucket, key))
        if known is not None and not _changed(path, known):
            return 0
        store = self._context.backend("s3")
        try:
            body = _read(path)
        except FileNotFoundError:
            return 0
        with self._locks.writing(bucket, key):
            item = store.put_object(bucket, key, body)
        self._remember(bucket, key, item.etag, path)
        return 1

    def _delete(self, bucket: str, key: str) -> int:
        known = self._index.pop((bucket, key))
        store = self._context.backend("s3")
        with self._locks.writing(bucket, key):
            current = store.get_object(bucket, key)
            if current is None or current.etag != known.etag:
                return 0
            store.delete_object(bucket, key)
        return 1

    def _remember(self, bucket: str, key: str, etag: str, path: Path) -> None:
        try:
            state = path.stat()
        except FileNotFoundError:
            return
        self._index[(bucket, key)] = _Known(etag, state.st_size, state.st_mtime_ns)


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an ``s3://``, ``s3a://`` or ``s3n://`` URI."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def is_s3(uri: str) -> bool:
    return uri.startswith(("s3://", "s3a://", "s3n://"))


def local_path(folder: Path, key: str) -> Path | None:
    """The file of a key, or None for a key that would leave the folder or has no file name."""
    parts = key.rstrip("/").split("/")
    if any(part in (".", "..", "") or len(part.encode()) > 255 for part in parts) or "\0" in key:
        return folder if not key else None
    return folder.joinpath(*parts)


def _objects(bucket: Any) -> Iterator[tuple[str, Any]]:
    """The current objects of a moto bucket, delete markers left out."""
    from moto.s3.models import FakeKey

    for key in list(bucket.keys):
        item = bucket.keys.get(key)
        if isinstance(item, FakeKey):
            yield key, item


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """What in a bucket's folder is an object. Hadoop's checksum files and the work in progress of its
    committers are not."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "_temporary" and not name.startswith(".spark-staging")]
        for name in names:
            if name.startswith(".") and name.endswith(".crc"):
                continue
            path = Path(parent, name)
            yield path.relative_to(folder).as_posix(), path


def _changed(path: Path, known: _Known) -> bool:
    try:
        state = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    return (state.st_size, state.st_mtime_ns) != (known.size, known.modified_ns)


def _write(path: Path, item: Any) -> None:
    part = path.with_name(f".{path.name[:200]}.pull.crc")
    with item.lock, open(part, "wb") as file:
        item._value_buffer.seek(0)
        shutil.copyfileobj(item._value_buffer, file, _COPY)
    os.replace(part, path)
    # A checksum that Hadoop kept of the former content would make the new one unreadable.
    path.with_name(f".{path.name}.crc").unlink(missing_ok=True)


def _read(path: Path) -> ReceivedBody:
    import hashlib
    import tempfile

    digest = hashlib.md5(usedforsecurity=False)
    target, size = tempfile.SpooledTemporaryFile(8 << 20), 0
    with open(path, "rb") as source:
        while piece := source.read(_COPY):
            target.write(piece)
            digest.update(piece)
            size += len(piece)
    return ReceivedBody(target, size, digest.digest())


def _prune(folder: Path, root: Path) -> None:
    """Removes folders that became empty: S3 has none."""
    while folder != root and root in folder.parents:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
