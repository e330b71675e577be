"""A container before it exists: everything that decides it, as plain values. Pure.

Preflight looks at blueprints to see what the host must offer. What a container of one is given, and the hash
of it that gates compare, are made here and nowhere else; :mod:`components.container` only passes it on.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from messaging.naming import BUILT_FROM_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.health import HealthCheck
    from messaging.naming import Owner

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
"""What all containers have in common."""
IN_PLACE = frozenset({"memory", "memory_swap", "restart", "destroy_grace_seconds"})
"""What changes while a container runs. Of these only is hashed whether they are there: a limit that is lifted
takes a new container.
"""
NO_VOLUME = "no named volume"
_LABELS = "labels"
_DATA_SETTINGS = ("KAFKA_LOG_DIRS", "KAFKA_LOG_DIR", "KAFKA_METADATA_LOG_DIR")


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
    def described(self) -> dict[str, str]:
        """What a person may change about it, in words, so that two versions can be compared."""
        return {
            "image": self.image,
            "command": " ".join(self.command),
            "ports": ", ".join(f"{port.outside}:{port.inside}" for port in self.ports),
            **self.environment,
        }


def arguments(blueprint: Blueprint, owner: Owner) -> dict[str, Any]:
    """All that Docker's container is given, as plain values by the names of its arguments.

    Nothing of it is another resource's output: an output in a property that forces a replacement would let
    one container's replacement take others down.
    """
    health = blueprint.health
    limit = blueprint.open_files
    given: dict[str, Any] = {
        "name": blueprint.name,
        "hostname": blueprint.name,
        "image": blueprint.image,
        "command": list(blueprint.command),
        "envs": [f"{name}={value}" for name, value in sorted(blueprint.environment.items())],
        "networks_advanced": [{"name": blueprint.network}],
        "ports": [
            {
                "internal": port.inside,
                "external": port.outside,
                "ip": blueprint.bind_address,
                "protocol": "tcp",
            }
            for port in blueprint.ports
        ],
        "volumes": _volumes(blueprint),
        "healthcheck": {
            "tests": list(health.test),
            "interval": health.interval,
            "timeout": health.timeout,
            "start_period": health.start_period,
            "retries": health.retries,
        },
        "cpus": processors(blueprint.cpus) if blueprint.cpus else None,
        "memory": blueprint.memory_mib,
        # Without it Docker adds as much swap again, and reports it back as a difference for ever.
        "memory_swap": blueprint.memory_mib,
        "ulimits": [{"name": "nofile", "soft": limit, "hard": limit}] if limit else [],
        **ALWAYS,
    }
    labels = owner.labels(blueprint.role)
    hashed = fingerprint(given | {_LABELS: label_list(labels)})
    return _used(given | {_LABELS: label_list(labels | {BUILT_FROM_LABEL: hashed})})


def _volumes(blueprint: Blueprint) -> list[dict[str, str | None]]:
    if not blueprint.data_volume:
        return []
    return [{"volume_name": blueprint.data_volume, "container_path": blueprint.data_folder}]


def fingerprint(given: Mapping[str, Any]) -> str:
    """A hash of all arguments of a container that make Docker replace it when they change."""
    counted = {name: bool(value) if name in IN_PLACE else value for name, value in _used(given).items()}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()[:FINGERPRINT_LENGTH]


def built_from(given: Mapping[str, Any]) -> str:
    """The fingerprint that a container's label tells, which is that of everything else that it is given."""
    labels = {label["label"]: label["value"] for label in given[_LABELS]}
    return str(labels[BUILT_FROM_LABEL])


def data_places(given: Mapping[str, Any]) -> dict[str, str]:
    """Where a Kafka node of these arguments keeps its data: by folder, the volume and the folder in it."""
    settings = dict(
        entry.partition("=")[::2] for entry in (*given.get("envs", ()), *given.get("command", ()))
    )
    folders = [folder for name in _DATA_SETTINGS for folder in settings.get(name, "").split(",") if folder]
    mounted = {
        **{mount["container_path"]: mount.get("volume_name") for mount in given.get("volumes", ())},
        **{mount["target"]: mount.get("source") for mount in given.get("mounts", ())},
        **dict.fromkeys(given.get("tmpfs", ())),
    }
    by_path = {PurePosixPath(path): volume for path, volume in mounted.items()}
    return {folder: _place(PurePosixPath(folder), by_path) for folder in folders}


def _place(folder: PurePosixPath, mounted: Mapping[PurePosixPath, str | None]) -> str:
    nearest = max(
        (path for path in mounted if folder.is_relative_to(path)),
        key=lambda path: len(path.parts),
        default=None,
    )
    volume = mounted[nearest] if nearest else None
    return str(PurePosixPath(volume) / folder.relative_to(nearest)) if nearest and volume else NO_VOLUME


def _used(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given at all: nothing and none of many are the same to Docker."""
    return {name: value for name, value in given.items() if value is not None and value not in ([], {}, ())}


def processors(number: int) -> str:
    """A number of processors, spelled as the official provider reads it back: ``2.0`` for 2, ``10.`` for 10.

    It compares spellings, and would replace the container at every run for another one.
    """
    return f"{number}." if "0" in str(number) else f"{number}.0"


def label_list(labels: Mapping[str, str]) -> list[dict[str, str]]:
    """Labels in the form that Docker's resources take them, sorted."""
    return [{"label": name, "value": value} for name, value in sorted(labels.items())]
