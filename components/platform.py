"""The whole platform before it exists: which containers and topics there are, what each is told. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components import broker_properties, durability, haproxy_config, health, topology
from components.blueprint import Blueprint, PublishedPort
from messaging import ports, streams
from messaging.naming import BROKER, CONTROLLER, LOAD_BALANCER, SCHEMA_REGISTRY, UI, data_volume, numbered
from settings import KAFKA_UI

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.topology import Node, Topology
    from levels import Level
    from messaging.streams import Catalogue, Quota, Stream, Subject, Topic
    from settings import Settings

_REGISTRY_INSIDE = 8081
_UI_INSIDE = 8080


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """Everything that runs, before it runs."""

    network: str
    topology: Topology
    nodes: tuple[Blueprint, ...]
    """Of Kafka, in the order of the topology's nodes."""
    kafka_settings: Mapping[str, str]
    """What all brokers are told while they run."""
    load_balancers: tuple[Balanced, ...]
    """One, or none."""
    schema_registries: tuple[Blueprint, ...]
    ui: Blueprint
    bootstrap: str
    """Where clients outside the Docker network begin."""
    schema_registry_url: str
    """For clients outside the Docker network."""
    ui_url: str
    streams: Mapping[str, StreamPlan]
    """By the stream's name, in the catalogue's order."""
    level: Level
    """What kind of platform it is."""
    overrides: Mapping[str, str]
    """By change that the cluster's identity would refuse: why it is made nevertheless."""

    @property
    def refusal(self) -> str:
        """Why it must not be deployed; empty if it may."""
        return durability.refusal(self.level, self.nodes, self.topics)

    @property
    def containers(self) -> tuple[Blueprint, ...]:
        """All containers."""
        return (
            *(one.blueprint for one in self.load_balancers),
            *self.nodes,
            *self.schema_registries,
            self.ui,
        )

    @property
    def topics(self) -> tuple[Topic, ...]:
        """All topics of all streams."""
        return tuple(topic for stream in self.streams.values() for topic in stream.topics)

    @property
    def outputs(self) -> dict[str, object]:
        """What the stack tells its users."""
        pages = [("loadBalancerUrl", one.url) for one in self.load_balancers]
        return {
            "bootstrapServers": self.bootstrap,
            "schemaRegistryUrl": self.schema_registry_url,
            "uiUrl": self.ui_url,
            **dict(pages),
            "clusterId": self.topology.cluster_id,
            "topics": [topic.name for topic in self.topics],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Balanced:
    """The load balancer, with what it is to do."""

    blueprint: Blueprint
    config: haproxy_config.Config
    url: str
    """Its own page, for people."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamPlan:
    """What a stream of the catalogue becomes in one environment."""

    topics: tuple[Topic, ...]
    """Its own and its dead letter queues."""
    subjects: tuple[Subject, ...]
    quotas: tuple[Quota, ...]
    about: Mapping[str, str]
    """Its owner and purpose."""


def plan(settings: Settings, catalogue: Catalogue) -> Platform:
    """The platform that the settings and the stream catalogue ask for."""
    cluster = topology.plan(settings)
    network = settings.owner.name(f"iot-platform-{settings.environment}")
    offset, host = settings.port_offset, settings.advertised_host
    registries = [
        settings.owner.name(name)
        for name in numbered("schema-registry", settings.level.registries, settings.level.suffix)
    ]
    balanced = _load_balancers(cluster, registries, settings, network)
    registry_name = balanced[0].blueprint.name if balanced else registries[0]
    return Platform(
        network=network,
        topology=cluster,
        nodes=tuple(_node(node, cluster, settings, network) for node in cluster.nodes),
        kafka_settings=broker_properties.dynamic(settings.level, settings.cluster.kafka_settings),
        load_balancers=balanced,
        schema_registries=tuple(
            _schema_registry(name, cluster, settings, network, is_published=not balanced)
            for name in registries
        ),
        ui=_ui(f"http://{registry_name}:{_REGISTRY_INSIDE}", cluster, settings, network),
        bootstrap=(
            f"{host}:{ports.LOAD_BALANCER + offset}" if balanced else ",".join(cluster.external_bootstrap)
        ),
        schema_registry_url=f"http://{host}:{ports.SCHEMA_REGISTRY + offset}",
        ui_url=f"http://{host}:{ports.UI + offset}",
        streams={stream.name: _stream(stream, settings) for stream in catalogue.streams},
        level=settings.level,
        overrides=settings.overrides,
    )


def _stream(stream: Stream, settings: Settings) -> StreamPlan:
    level = settings.level
    topics = streams.topics(
        stream,
        settings.environment,
        min_insync_replicas=level.min_insync_replicas,
        replication_factor=level.replication_factor,
    )
    about = {"owner": stream.owner, "purpose": stream.purpose}
    return StreamPlan(topics=topics, subjects=stream.subjects, quotas=stream.quotas, about=about)


def _node(node: Node, cluster: Topology, settings: Settings, network: str) -> Blueprint:
    java = settings.cluster.kafka if node.is_broker else settings.cluster.controller
    published = [PublishedPort(inside=node.jmx_port, outside=node.jmx_port)]
    if node.is_broker and not topology.is_proxied(settings):
        published.insert(0, PublishedPort(inside=topology.EXTERNAL_PORT, outside=node.external_port))
    return Blueprint(
        name=node.name,
        role=BROKER if node.is_broker else CONTROLLER,
        image=settings.images.kafka,
        network=network,
        bind_address=settings.bind_address,
        memory_mib=java.memory_mib,
        cpus=settings.level.cpus,
        health=health.kafka(topology.INTERNAL_PORT if node.is_broker else topology.CONTROLLER_PORT),
        environment=broker_properties.environment(
            node, cluster, settings.level, settings.cluster.kafka_settings
        ),
        command=broker_properties.start_command(node, java, settings.level),
        ports=tuple(published),
        open_files=settings.level.open_files,
        data_volume=data_volume(node.name),
        data_folder=broker_properties.DATA_FOLDER,
    )


def _load_balancers(
    cluster: Topology, registries: Sequence[str], settings: Settings, network: str
) -> tuple[Balanced, ...]:
    chosen = settings.load_balancer
    if chosen is None:
        return ()
    offset = settings.port_offset
    # The same number inside and outside, before the offset: it is what brokers advertise.
    proxied = [ports.proxied(node.id) for node in cluster.brokers] if topology.is_proxied(settings) else []
    name = settings.owner.name(f"kafka-lb{settings.level.suffix}")
    config = haproxy_config.render(
        haproxy_config.Backend(
            brokers=[node.name for node in cluster.brokers],
            proxied=proxied,
            registries=registries,
            registry_port=_REGISTRY_INSIDE,
            drain_seconds=chosen.drain_seconds,
            open_files=settings.level.open_files,
        )
    )
    published = {
        haproxy_config.OUTSIDE_PORT: ports.LOAD_BALANCER,
        haproxy_config.REGISTRY_PORT: ports.SCHEMA_REGISTRY,
        haproxy_config.STATISTICS_PORT: ports.STATISTICS,
        **{port: port for port in proxied},
    }
    blueprint = Blueprint(
        name=name,
        role=LOAD_BALANCER,
        image=settings.images.load_balancer,
        network=network,
        bind_address=settings.bind_address,
        memory_mib=chosen.memory_mib,
        health=health.http(haproxy_config.STATISTICS_PORT, haproxy_config.HEALTH_PATH),
        command=haproxy_config.START_COMMAND,
        ports=tuple(
            PublishedPort(inside=inside, outside=outside + offset) for inside, outside in published.items()
        ),
        open_files=settings.level.open_files,
        data_volume=f"{name}-config",
        data_folder=haproxy_config.FOLDER,
    )
    url = f"http://{settings.advertised_host}:{ports.STATISTICS + offset}/stats"
    return (Balanced(blueprint=blueprint, config=config, url=url),)


def _schema_registry(
    name: str, cluster: Topology, settings: Settings, network: str, *, is_published: bool
) -> Blueprint:
    published = PublishedPort(inside=_REGISTRY_INSIDE, outside=ports.SCHEMA_REGISTRY + settings.port_offset)
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
        ports=(published,) if is_published else (),
    )


def _ui(registry_url: str, cluster: Topology, settings: Settings, network: str) -> Blueprint:
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
        ports=(PublishedPort(inside=_UI_INSIDE, outside=ports.UI + settings.port_offset),),
    )
