"""Why a step failed, from what it wrote: FailureDetails [EMR guide emr-enhanced-step-debugging]."""

from __future__ import annotations

import re
from pathlib import Path

_TAIL = 256 << 10
_MESSAGE_LIMIT = 1024
#: "pkg.SomeError: text", "ValueError: text", "Exception in thread "main" x.y.Z: text"
_EXCEPTION = re.compile(
    r'^(?:Exception in thread "[^"]*" |Caused by: )?((?:[A-Za-z_$][\w$]*\.)*[A-Z][\w$]*(?:Exception|Error|Exit|Interrupt|Failure))\b(.*)$'
)
#: lines of a stack trace and of Spark's log
_NOISE = re.compile(r"\s+at |\d\d/\d\d/\d\d \d\d:\d\d:\d\d (?:INFO|WARN) ")
_REASONS = (
    (re.compile(r"FileAlreadyExistsException|PATH_ALREADY_EXISTS|[Oo]utput directory \S+ already exists"), "Output directory already exists."),
    (re.compile(r"PATH_NOT_FOUND|Input path does not exist|Path does not exist"), "Input path does not exist."),
    (re.compile(r"OutOfMemoryError"), "Out of memory."),
)  # fmt: skip


def details(logs: Path, location: str | None) -> dict[str, str]:
    """Reason, Message and LogFile for a step whose process failed.

    Spark's PythonRunner sends what a Python driver writes to stderr to stdout, so a traceback is there
    when stderr names no exception."""
    name = "stderr"
    message = _last_exception(_tail(logs / "stderr"))
    if not message and (message := _last_exception(_tail(logs / "stdout"))):
        name = "stdout"
    message = message or _last_line(_tail(logs / "stderr"))
    reason = next((name for pattern, name in _REASONS if pattern.search(message)), "Unknown Error.")
    found = {"Reason": reason}
    if message:
        found["Message"] = message[:_MESSAGE_LIMIT]
    if location:
        found["LogFile"] = f"{location}/{name}.gz"
    return found


def _tail(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _last_exception(text: str) -> str:
    """The last line that names an exception, causes left out: they follow what they caused."""
    for line in reversed(text.splitlines()):
        if _EXCEPTION.match(line) and not line.startswith("Caused by"):
            return line.rstrip()
    return ""


def _last_line(text: str) -> str:
    spoken = [line for line in text.splitlines() if line.strip() and not _NOISE.match(line)]
    return spoken[-1].strip() if spoken else ""
