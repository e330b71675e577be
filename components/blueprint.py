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
        values = dataclasses.asdict(self)
        del values["memory_mib"]
        # What is not used does not count, so that a new property of blueprints replaces nothing.
        used = {name: value for name, value in values.items() if value}
        digest = hashlib.sha256(json.dumps(used, sort_keys=True).encode())
        return digest.hexdigest()[:FINGERPRINT_LENGTH]
