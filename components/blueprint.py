"""A container before it exists: everything that decides it, as plain values. Pure.

Preflight looks at blueprints to see what the host must offer; the components turn them into containers.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.health import HealthCheck

FINGERPRINT_LENGTH = 16
GRACE_SECONDS = 60
"""Between SIGTERM and SIGKILL. Set from the first deployment on: a deletion takes it from the old state."""
ALWAYS = {
    "log_driver": "json-file",
    "log_opts": {"max-size": "20m", "max-file": "3"},
    "restart": "unless-stopped",
    "stop_timeout": GRACE_SECONDS,
    "destroy_grace_seconds": GRACE_SECONDS,
}
"""What all containers have in common. It is part of every fingerprint: no gate may overlook a replacement."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedPort:
    """A port of a container that the host passes on."""

    inside: int
    outside: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Blueprint:
    """One container."""

    name: str
    """Its name, its host name and its name on the network."""
    role: str
    """What it is for, as its label says it."""
    image: str
    network: str
    bind_address: str
    """The host's address of all published ports."""
    memory_mib: int
    """Its limit, swap included."""
    health: HealthCheck
    environment: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    """Empty for the image's own."""
    ports: tuple[PublishedPort, ...] = ()
    cpus: int = 0
    """Its limit of processors; 0 for none."""
    open_files: int | None = None
    """Limit of open files; None for the Docker engine's own."""
    data_volume: str | None = None
    """The named volume that keeps its data; None for a container without any."""
    data_folder: str | None = None
    """Where the volume is mounted."""

    @property
    def fingerprint(self) -> str:
        """A hash of everything that makes Docker replace the container; the memory limit changes in place."""
        values = dataclasses.asdict(self) | {"always": ALWAYS}
        del values["memory_mib"]
        # What is not used does not count, so that a new property of blueprints replaces nothing.
        used = {name: value for name, value in values.items() if value}
        digest = hashlib.sha256(json.dumps(used, sort_keys=True).encode())
        return digest.hexdigest()[:FINGERPRINT_LENGTH]

    @property
    def described(self) -> dict[str, str]:
        """What a person may change about it, in words, so that two versions can be compared."""
        return {
            "image": self.image,
            "command": " ".join(self.command),
            "ports": ", ".join(f"{port.outside}:{port.inside}" for port in self.ports),
            **self.environment,
        }
