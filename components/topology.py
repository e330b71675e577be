"""Which Kafka nodes there are, how they are called and where they are reached. Pure.

Every address is a plain string that is known before any container exists, so no container is built from
another's output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster_settings import PROXY
from messaging import ports
from messaging.naming import numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from settings import Settings

CONTROLLER_PORT = 9093
"""The quorum's listener, on the Docker network only."""
INTERNAL_PORT = 29092
"""The brokers' own listener, also for tools inside a container."""
CLIENT_PORT = 9092
"""For applications on the Docker network."""
EXTERNAL_PORT = 19092
"""For applications on the host and beyond; published under another number."""

FIRST_CONTROLLER_ID = 101
"""``node.id`` of the first controller that is no broker: far enough for brokers to be added."""

BROKER, CONTROLLER = "broker", "controller"


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One process of Kafka: a broker, a controller, or both."""

    id: int
    """Kafka's ``node.id``: brokers from 1, controllers of their own from :data:`FIRST_CONTROLLER_ID`."""
    name: str
    """Container, host name and volume are called after it."""
    roles: tuple[str, ...]
    """Kafka's ``process.roles``."""
    advertised_host: str
    """Where clients outside the Docker network find it."""
    external_port: int
    """The host's port that leads to the EXTERNAL listener; 0 for a node that is no broker."""
    jmx_port: int
    """Remote JMX, the same number inside and outside: RMI tells clients which port to come back to."""
    rack: str
    """What fails together with it, as ``broker.rack``; empty where replicas need not be spread."""

    @property
    def is_broker(self) -> bool:
        """Whether it keeps topics and talks to clients."""
        return BROKER in self.roles

    @property
    def is_controller(self) -> bool:
        """Whether it is a member of the quorum."""
        return CONTROLLER in self.roles

    @property
    def external_address(self) -> str:
        """``host:port`` for clients outside the Docker network."""
        return f"{self.advertised_host}:{self.external_port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Topology:
    """All Kafka nodes of a cluster."""

    cluster_id: str
    nodes: tuple[Node, ...]
    """In the order in which they are replaced: controllers of their own before the brokers."""

    @property
    def brokers(self) -> tuple[Node, ...]:
        """The nodes that keep topics."""
        return tuple(node for node in self.nodes if node.is_broker)

    @property
    def controllers(self) -> tuple[Node, ...]:
        """The members of the quorum."""
        return tuple(node for node in self.nodes if node.is_controller)

    @property
    def voters(self) -> tuple[str, ...]:
        """The members of the quorum, each as ``id@host:port``."""
        return tuple(f"{node.id}@{node.name}:{CONTROLLER_PORT}" for node in self.controllers)

    @property
    def external_bootstrap(self) -> tuple[str, ...]:
        """The brokers' own addresses for clients outside the Docker network."""
        return tuple(node.external_address for node in self.brokers)

    @property
    def client_bootstrap(self) -> tuple[str, ...]:
        """Where applications on the Docker network begin."""
        return tuple(f"{node.name}:{CLIENT_PORT}" for node in self.brokers)


def plan(settings: Settings) -> Topology:
    """The nodes that the settings ask for.

    Brokers that are added later are brokers only, so that the quorum stays as it was.
    """
    dedicated = settings.cluster.dedicated
    controllers = _controllers(settings) if dedicated else ()
    voters = 0 if dedicated else settings.level.controllers
    return Topology(cluster_id=settings.owner.cluster_id(), nodes=(*controllers, *_brokers(settings, voters)))


def is_proxied(settings: Settings) -> bool:
    """Whether everything that clients on the host send and receive goes through the load balancer."""
    return settings.load_balancer is not None and settings.load_balancer.mode == PROXY


def _brokers(settings: Settings, voters: int) -> Iterator[Node]:
    """All brokers; the first ones, as many as ``voters`` says, are controllers, too."""
    level, offset, proxied = settings.level, settings.port_offset, is_proxied(settings)
    names = numbered("kafka", level.brokers, level.suffix)
    for number, (name, place) in enumerate(zip(names, settings.cluster.places, strict=True), start=1):
        yield Node(
            id=number,
            name=settings.owner.name(name),
            roles=(BROKER, CONTROLLER) if number <= voters else (BROKER,),
            advertised_host=place.advertised_host,
            external_port=(ports.proxied(number) if proxied else place.port) + offset,
            jmx_port=place.jmx_port + offset,
            rack=place.rack,
        )


def _controllers(settings: Settings) -> Iterator[Node]:
    level = settings.level
    for number, name in enumerate(numbered("kafka-controller", level.controllers, level.suffix), start=1):
        yield Node(
            id=FIRST_CONTROLLER_ID + number - 1,
            name=settings.owner.name(name),
            roles=(CONTROLLER,),
            advertised_host=settings.advertised_host,
            external_port=0,
            jmx_port=ports.controller_jmx(number) + settings.port_offset,
            rack="",
        )
