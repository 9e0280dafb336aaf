"""Pages of 50 with an opaque marker, as all of EMR's lists."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

from .faults import invalid_request

PAGE = 50


def page(
    items: Sequence[Any], marker: str | None, shape: Callable[[Any], Any], size: int = PAGE
) -> tuple[list[Any], str | None]:
    """The page a marker stands for, and the marker of the next one."""
    start = 0
    if marker:
        try:
            start = int(base64.urlsafe_b64decode(marker.encode()).decode())
        except ValueError:
            raise invalid_request("Marker is not valid.") from None
    following = start + size
    token = base64.urlsafe_b64encode(str(following).encode()).decode() if following < len(items) else None
    return [shape(item) for item in items[start:following]], token
