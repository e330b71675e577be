"""The whole platform before it exists: which containers and topics there are, what each is told. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components import broker_properties, health, topology
from components.blueprint import Blueprint, PublishedPort
from messaging import streams
from messaging.naming import BROKER, SCHEMA_REGISTRY, UI
from settings import KAFKA_UI

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from components.topology import Node, Topology
    from messaging.streams import Stream, Subject, Topic
    from settings import Settings

_REGISTRY_INSIDE = 8081
_UI_INSIDE = 8080


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """Everything that runs, before it runs."""

    network: str
    topology: Topology
    brokers: tuple[Blueprint, ...]
    """In the order of the topology's nodes."""
    schema_registry: Blueprint
    ui: Blueprint
    schema_registry_url: str
    """For clients outside the Docker network."""
    ui_url: str
    streams: Mapping[str, StreamPlan]
    """By the stream's name, in the catalogue's order."""

    @property
    def containers(self) -> tuple[Blueprint, ...]:
        """All containers."""
        return (*self.brokers, self.schema_registry, self.ui)

    @property
    def topics(self) -> tuple[Topic, ...]:
        """All topics of all streams."""
        return tuple(topic for stream in self.streams.values() for topic in stream.topics)


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamPlan:
    """What a stream of the catalogue becomes in one environment."""

    topics: tuple[Topic, ...]
    """Its own and its dead letter queues."""
    subjects: tuple[Subject, ...]


def plan(settings: Settings, catalogue: Iterable[Stream]) -> Platform:
    """The platform that the settings and the stream catalogue ask for."""
    cluster = topology.plan(settings)
    network = settings.owner.name(f"iot-platform{settings.level.suffix}")
    registry_port = topology.SCHEMA_REGISTRY_PORT + settings.port_offset
    ui_port = topology.UI_PORT + settings.port_offset
    registry_name = settings.owner.name(f"schema-registry{settings.level.suffix}")
    return Platform(
        network=network,
        topology=cluster,
        brokers=tuple(_broker(node, cluster, settings, network) for node in cluster.nodes),
        schema_registry=_schema_registry(registry_name, cluster, settings, network, registry_port),
        ui=_ui(f"http://{registry_name}:{_REGISTRY_INSIDE}", cluster, settings, network, ui_port),
        schema_registry_url=f"http://{settings.advertised_host}:{registry_port}",
        ui_url=f"http://{settings.advertised_host}:{ui_port}",
        streams={stream.name: _stream(stream, settings) for stream in catalogue},
    )


def _stream(stream: Stream, settings: Settings) -> StreamPlan:
    min_insync = settings.level.min_insync_replicas
    return StreamPlan(
        topics=streams.topics(stream, settings.environment, min_insync_replicas=min_insync),
        subjects=stream.subjects,
    )


def _broker(node: Node, cluster: Topology, settings: Settings, network: str) -> Blueprint:
    return Blueprint(
        name=node.name,
        role=BROKER,
        image=settings.images.kafka,
        network=network,
        bind_address=settings.bind_address,
        memory_mib=settings.kafka.memory_mib,
        health=health.kafka(topology.INTERNAL_PORT),
        environment=broker_properties.environment(node, cluster, settings.level),
        command=broker_properties.start_command(node, settings.kafka, settings.level),
        ports=(
            PublishedPort(inside=topology.EXTERNAL_PORT, outside=node.external_port),
            PublishedPort(inside=node.jmx_port, outside=node.jmx_port),
        ),
        open_files=settings.level.open_files,
        data_volume=f"{node.name}-data",
        data_folder=broker_properties.DATA_FOLDER,
    )


def _schema_registry(
    name: str, cluster: Topology, settings: Settings, network: str, published: int
) -> Blueprint:
    heap = settings.schema_registry.heap_mib
    variables = {
        "SCHEMA_REGISTRY_HEAP_OPTS": f"-Xms{heap}m -Xmx{heap}m",
        "SCHEMA_REGISTRY_HOST_NAME": name,
        "SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS": ",".join(
            f"PLAINTEXT://{address}" for address in cluster.client_bootstrap
        ),
        "SCHEMA_REGISTRY_KAFKASTORE_TOPIC_REPLICATION_FACTOR": str(settings.level.replication_factor),
        "SCHEMA_REGISTRY_LISTENERS": f"http://0.0.0.0:{_REGISTRY_INSIDE}",
        "SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL": "backward",
    }
    return Blueprint(
        name=name,
        role=SCHEMA_REGISTRY,
        image=settings.images.schema_registry,
        network=network,
        bind_address=settings.bind_address,
        memory_mib=settings.schema_registry.memory_mib,
        health=health.http(_REGISTRY_INSIDE, "/subjects"),
        environment=variables,
        ports=(PublishedPort(inside=_REGISTRY_INSIDE, outside=published),),
    )


def _ui(registry_url: str, cluster: Topology, settings: Settings, network: str, published: int) -> Blueprint:
    name = settings.owner.name(f"kafka-ui{settings.level.suffix}")
    variables = {
        "KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS": ",".join(cluster.client_bootstrap),
        "KAFKA_CLUSTERS_0_NAME": network,
        "KAFKA_CLUSTERS_0_SCHEMAREGISTRY": registry_url,
    }
    path = "/actuator/health"
    check = health.http(_UI_INSIDE, path)
    if settings.ui_product == KAFKA_UI:
        check = health.http_by_wget(_UI_INSIDE, path)
        variables["JAVA_OPTS"] = "-XX:MaxRAMPercentage=60"
    return Blueprint(
        name=name,
        role=UI,
        image=settings.images.ui,
        network=network,
        bind_address=settings.bind_address,
        memory_mib=settings.ui_memory_mib,
        health=check,
        environment=dict(sorted(variables.items())),
        ports=(PublishedPort(inside=_UI_INSIDE, outside=published),),
    )
