"""Settings that can be given in a JSON file (``--config``) and changed while running
(``PUT /_local/config``)."""

from __future__ import annotations

import dataclasses
import json
import threading
from dataclasses import dataclass, field
from typing import Any


class ConfigError(ValueError):
    """A setting that does not exist or has a value it cannot have."""


@dataclass
class Settings:
    """The defaults make every state visible in a demonstration without making it wait."""

    #: how long a cluster stays STARTING and BOOTSTRAPPING (AWS: 4-10 minutes together)
    starting_seconds: float = 0.5
    bootstrapping_seconds: float = 0.2
    terminating_seconds: float = 0.3
    #: how long after the end of a step its logs reach S3 (AWS: up to 5 minutes)
    log_upload_delay_seconds: float = 0.5
    #: how long a new instance profile is unknown to EMR (AWS: up to a minute)
    instance_profile_propagation_seconds: float = 0.0
    #: check RunJobFlow against IAM, EC2 and S3 as EMR does
    validate: bool = True
    #: add EMR's own rules to the managed security groups a cluster names
    managed_group_rules: bool = True
    #: N of Spark's local[N]
    spark_cores: int = 2
    #: bucket names that belong to another account
    foreign_buckets: list[str] = field(default_factory=list)


class Config:
    """The current settings; safe to read and replace from any thread."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._lock = threading.Lock()
        self._settings = settings or Settings()

    @classmethod
    def load(cls, path: str | None) -> Config:
        config = cls()
        if path:
            try:
                with open(path, encoding="utf-8") as file:
                    config.update(json.load(file))
            except (OSError, ValueError) as error:
                raise ConfigError(f"{path}: {error}") from error
        return config

    @property
    def current(self) -> Settings:
        with self._lock:
            return self._settings

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self.current)

    def update(self, changes: Any) -> None:
        """Replaces the named settings, all or none."""
        if not isinstance(changes, dict):
            raise ConfigError("the settings must be a JSON object")
        with self._lock:
            values = dataclasses.asdict(self._settings)
            for name, value in changes.items():
                if name not in values:
                    raise ConfigError(f"unknown setting {name!r}; known: {', '.join(sorted(values))}")
                values[name] = _checked(name, value, values[name])
            self._settings = Settings(**values)


def _checked(name: str, value: Any, example: Any) -> Any:
    if isinstance(example, bool):
        valid = isinstance(value, bool)
    elif isinstance(example, (int, float)):
        valid = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
        if valid and isinstance(example, int):
            valid = isinstance(value, int) and value >= 1
        elif valid:
            value = float(value)
    else:
        valid = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if not valid:
        raise ConfigError(f"setting {name!r} cannot be {value!r}")
    return value
