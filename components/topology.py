"""Which Kafka nodes there are, how they are called and where they are reached. Pure.

Every address is a plain string that is known before any container exists, so no container is built from
another's output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging.naming import numbered

if TYPE_CHECKING:
    from settings import Settings

CONTROLLER_PORT = 9093
"""The quorum's listener, on the Docker network only."""
INTERNAL_PORT = 29092
"""The brokers' own listener, also for tools inside a container."""
CLIENT_PORT = 9092
"""For applications on the Docker network."""
EXTERNAL_PORT = 19092
"""For applications on the host and beyond; published under another number."""

FIRST_BROKER_PORT = 9092
RESERVED_PORT = 9095
"""Left to a load balancer: the fourth broker goes on behind it."""
FIRST_JMX_PORT = 9101
SCHEMA_REGISTRY_PORT = 8081
UI_PORT = 8080


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One combined broker and controller."""

    id: int
    """Kafka's ``node.id``, from 1."""
    name: str
    """Container, host name and volume are called after it."""
    advertised_host: str
    """Where clients outside the Docker network find it."""
    external_port: int
    """The host's port that leads to the EXTERNAL listener."""
    jmx_port: int
    """Remote JMX, the same number inside and outside: RMI tells clients which port to come back to."""
    rack: str
    """What fails together with it, as ``broker.rack``; empty where replicas need not be spread."""

    @property
    def external_address(self) -> str:
        """``host:port`` for clients outside the Docker network."""
        return f"{self.advertised_host}:{self.external_port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Topology:
    """All Kafka nodes of a cluster."""

    cluster_id: str
    nodes: tuple[Node, ...]

    @property
    def voters(self) -> tuple[str, ...]:
        """The members of the quorum, each as ``id@host:port``."""
        return tuple(f"{node.id}@{node.name}:{CONTROLLER_PORT}" for node in self.nodes)

    @property
    def external_bootstrap(self) -> tuple[str, ...]:
        """Where clients outside the Docker network begin."""
        return tuple(node.external_address for node in self.nodes)

    @property
    def client_bootstrap(self) -> tuple[str, ...]:
        """Where applications on the Docker network begin."""
        return tuple(f"{node.name}:{CLIENT_PORT}" for node in self.nodes)


def plan(settings: Settings) -> Topology:
    """The nodes that the settings ask for."""
    level = settings.level
    names = [settings.owner.name(name) for name in numbered("kafka", level.brokers, level.suffix)]
    return Topology(
        cluster_id=settings.owner.cluster_id(),
        nodes=tuple(
            Node(
                id=number,
                name=name,
                advertised_host=settings.advertised_host,
                external_port=broker_port(number) + settings.port_offset,
                jmx_port=FIRST_JMX_PORT + number - 1 + settings.port_offset,
                rack=f"rack-{number}" if level.racks else "",
            )
            for number, name in enumerate(names, start=1)
        ),
    )


def broker_port(number: int) -> int:
    """The published port of the broker with this number, counted from 1."""
    port = FIRST_BROKER_PORT + number - 1
    return port if port < RESERVED_PORT else port + 1
