"""Checks JSON values against botocore's service model, with the messages AWS answers."""

from __future__ import annotations

import re
from typing import Any

from ..errors import AwsError

_KINDS = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float),
    "list": list,
    "structure": dict,
    "map": dict,
}
_JSON_NAMES = {
    str: "STRING_VALUE",
    bool: "BOOLEAN_VALUE",
    int: "NUMBER_VALUE",
    float: "NUMBER_VALUE",
    list: "LIST_VALUE",
    dict: "MAP_VALUE",
}


def check(shape: Any, value: Any) -> None:
    """Raises AWS's error for the first thing wrong with a request.

    A wrong JSON type is a SerializationException; everything else a ValidationException. AWS drops
    members it does not know without a word; a typing error in a request deserves an answer here."""
    faults: list[str] = []
    _check(shape, value, "", faults)
    if faults:
        count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected: "
        raise AwsError("ValidationException", count + "; ".join(faults))


def _check(shape: Any, value: Any, path: str, faults: list[str]) -> None:
    kind = _KINDS.get(shape.type_name)
    if kind is None:
        return
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise AwsError(
            "SerializationException",
            f"{_JSON_NAMES.get(type(value), 'NULL_VALUE')} cannot be converted to {shape.type_name} (at '{path or 'the request'}')",
        )
    if shape.type_name == "structure":
        _check_structure(shape, value, path, faults)
    elif shape.type_name == "list":
        for index, item in enumerate(value, 1):
            _check(shape.member, item, f"{path}.{index}.member", faults)
    elif shape.type_name == "map":
        for key, item in value.items():
            _check(shape.value, item, f"{path}.{key}.member", faults)
    elif shape.type_name == "string":
        _check_string(shape, value, path, faults)
    elif shape.type_name in ("integer", "long", "double", "float"):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if low is not None and value < low:
            faults.append(_fault(value, path, f"Member must have value greater than or equal to {low}"))
        if high is not None and value > high:
            faults.append(_fault(value, path, f"Member must have value less than or equal to {high}"))


def _check_structure(shape: Any, value: dict[str, Any], path: str, faults: list[str]) -> None:
    for name in shape.required_members:
        if value.get(name) is None:
            faults.append(f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null")
    for name, item in value.items():
        member = shape.members.get(name)
        if member is None:
            faults.append(f"Unknown member '{_join(path, name, keep=True)}' in {shape.name}")
        elif item is not None:
            _check(member, item, _join(path, name), faults)


def _check_string(shape: Any, value: str, path: str, faults: list[str]) -> None:
    if shape.enum and value not in shape.enum:
        faults.append(_fault(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"))
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        faults.append(_fault(value, path, f"Member must have length greater than or equal to {low}"))
    if high is not None and len(value) > high:
        faults.append(_fault(value, path, f"Member must have length less than or equal to {high}"))
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        faults.append(_fault(value, path, f"Member must satisfy regular expression pattern: {pattern}"))


def _matches(pattern: str, value: str) -> bool:
    # Only one pattern of the model is written as Java, not Python, writes it.
    ranges = re.sub(
        r"\\u([0-9A-Fa-f]{4})",
        lambda match: (
            re.escape(chr(int(match[1], 16))) if int(match[1], 16) < 0xD800 or int(match[1], 16) > 0xDFFF else "\uffff"
        ),
        pattern,
    )
    try:
        return re.fullmatch(ranges, value, re.DOTALL) is not None
    except re.error:
        return True


def _fault(value: Any, path: str, constraint: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


def _join(path: str, name: str, keep: bool = False) -> str:
    written = name if keep else name[:1].lower() + name[1:]
    return f"{path}.{written}" if path else written


def unknown_members(shape: Any, value: Any, path: str = "") -> list[str]:
    """Members and types of an answer that the model does not have: our mistakes."""
    if value is None or shape is None:
        return []
    kind = _KINDS.get(shape.type_name)
    if kind is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        return [f"{path}: {type(value).__name__} for {shape.type_name}"]
    if shape.type_name == "structure":
        found = [f"{path}.{name}" for name in value if name not in shape.members]
        for name, item in value.items():
            found += unknown_members(shape.members.get(name), item, f"{path}.{name}")
        return found
    if shape.type_name == "list":
        return [fault for item in value for fault in unknown_members(shape.member, item, f"{path}[]")]
    if shape.type_name == "map":
        return [fault for item in value.values() for fault in unknown_members(shape.value, item, f"{path}{{}}")]
    if shape.type_name == "string" and shape.enum and value not in shape.enum:
        return [f"{path}: {value!r} is not in the enum"]
    return []
