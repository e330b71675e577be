"""Names and labels that Docker, Kafka and the state agree on. Pure.

Names are decided before anything exists and never taken from a resource, so that one container's replacement
cannot cascade to another.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LABEL_PREFIX = "com.iotplatform.messaging"
"""Prefix of the labels of every Docker object that the program makes."""
PROJECT_LABEL = f"{LABEL_PREFIX}.project"
STACK_LABEL = f"{LABEL_PREFIX}.stack"
INSTANCE_LABEL = f"{LABEL_PREFIX}.instance"
ROLE_LABEL = f"{LABEL_PREFIX}.role"
BUILT_FROM_LABEL = f"{LABEL_PREFIX}.built-from"
"""Hash of everything that decides a container, to compare a running one with the wanted one."""

BROKER = "broker"
"""A node of Kafka that keeps topics, whether or not it is a controller, too."""
CONTROLLER = "controller"
LOAD_BALANCER = "load-balancer"
SCHEMA_REGISTRY = "schema-registry"
UI = "ui"
NETWORK = "network"
DATA = "data"

INSTANCE_RULE = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")
"""What an instance's name must match: it begins every container's name, which is a host name, too."""

TOPIC_RULE = re.compile(r"[a-z][a-z0-9]*([.-][a-z0-9]+)*")
"""What a stream's name must match: stricter than Kafka's, so that no two names collide in metrics."""

_CLUSTER_ID_BYTES = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The stack that Docker objects belong to, as their labels say it."""

    project: str
    stack: str
    instance: str
    """Prefix of every name; empty for the host's first one."""

    def name(self, base: str) -> str:
        """The name of this owner's container, network or volume."""
        return f"{self.instance}-{base}" if self.instance else base

    def labels(self, role: str | None = None) -> dict[str, str]:
        """The labels of an object of this owner.

        Args:
            role: what the object is for; without it, the labels that all of the owner's objects have.
        """
        labels = {PROJECT_LABEL: self.project, STACK_LABEL: self.stack, INSTANCE_LABEL: self.instance}
        return labels | ({ROLE_LABEL: role} if role else {})

    def owns(self, labels: Mapping[str, str] | None) -> bool:
        """Whether an object with these labels was made by this owner."""
        wanted = self.labels()
        return labels is not None and all(labels.get(name) == value for name, value in wanted.items())

    def cluster_id(self) -> str:
        """The Kafka cluster's id, the same on every run: a volume that survived fits again. 22 characters."""
        # Kafka's command line takes an id that begins with a dash for an option.
        for attempt in itertools.count():
            origin = "\0".join((self.project, self.stack, self.instance, str(attempt)))
            digest = hashlib.sha256(origin.encode()).digest()[:_CLUSTER_ID_BYTES]
            identifier = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if not identifier.startswith("-"):
                return identifier
        raise AssertionError  # pragma: no cover - the loop has no end


def data_volume(node: str) -> str:
    """The name of the volume that keeps a node's data."""
    return f"{node}-data"


def numbered(base: str, count: int, suffix: str = "") -> tuple[str, ...]:
    """Names of ``count`` things of a kind: the bare one for a single thing, ``-1`` and so on for several."""
    if count == 1:
        return (f"{base}{suffix}",)
    return tuple(f"{base}{suffix}-{number}" for number in range(1, count + 1))
