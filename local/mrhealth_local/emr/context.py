"""What EMR's parts share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..config import Config
from ..moto_gateway import MotoGateway, apply_fixes, backend
from .store import Store


@dataclass
class Context:
    account: str
    region: str
    directory: Path
    cache: Path
    config: Config
    gateway: MotoGateway
    access_key_id: str
    secret_access_key: str
    #: where the server listens; known once it does
    endpoint: str = ""
    store: Store = field(default_factory=Store)
    #: set by ``server`` once the context exists: emr.mirror.Mirror and emr.archive.Archive
    mirror: Any = None
    archive: Any = None
    #: told of every change of a cluster's or step's state: (detail-type, region, detail)
    listeners: list[Callable[[str, str, dict[str, Any]], None]] = field(default_factory=list)

    def backend(self, service: str, region: str | None = None) -> Any:
        """moto's own store of a service, for facts about IAM, EC2 and S3."""
        with self.gateway.lock:
            self.gateway.start()
            apply_fixes(service, self.account)
            return backend(service, self.account, region or "aws")

    def announce(self, kind: str, region: str, detail: dict[str, Any]) -> None:
        for listener in self.listeners:
            listener(kind, region, detail)
