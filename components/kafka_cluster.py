"""KafkaCluster: the nodes, the gate that waits for all of them, the provider for everything inside Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_kafka as kafka

from cluster_settings import COMBINED, DEDICATED
from components.blueprint import arguments, built_from, data_places
from components.dynamic.cluster_settings import ClusterSettings
from components.dynamic.gate import ClusterReady
from components.dynamic.identity import ClusterIdentity
from components.kafka_node import KafkaNode, KafkaNodeArgs
from messaging.kafka_release import kafka_release

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi_docker as docker

    from components.blueprint import Blueprint
    from components.platform import Platform
    from components.topology import Node
    from messaging.naming import Owner


@dataclass(frozen=True, kw_only=True, slots=True)
class KafkaClusterArgs:
    """One cluster."""

    planned: Platform
    """Its nodes and their containers, what they are told while they run, and all topics."""
    owner: Owner
    """The stack that labels name."""
    image_source: str
    """Part of the cluster's identity: it decides which product reads the data."""
    docker_host: str
    """The Docker engine's address; empty for what the environment says."""
    roll_first: str
    """The node that is replaced before all others; empty for their usual order."""
    ready_timeout_seconds: int
    """How long the cluster may take until it is complete, or a gate wait while nothing gets better."""
    protect_data: bool
    """Whether volumes refuse to be deleted."""
    depends_on: Sequence[pulumi.Resource]
    """What must be there before the first container."""


class KafkaCluster(pulumi.ComponentResource):
    """A Kafka cluster in KRaft mode."""

    identity: ClusterIdentity
    """Whatever lives inside Kafka is ``deleted_with`` it."""
    ready: ClusterReady
    """Whatever needs a complete cluster depends on it."""
    started: Sequence[pulumi.Resource]
    """What services depend on that wait for a broker by themselves."""
    provider: kafka.Provider
    """For topics and the like; it waits for :attr:`ready`."""

    def __init__(self, name: str, args: KafkaClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("messaging:index:KafkaCluster", name, None, opts)
        topology = args.planned.topology
        given = {one.name: arguments(one, args.owner) for one in args.planned.nodes}
        # Every container waits for it: it refuses a change that the data would not survive.
        self.identity = ClusterIdentity(
            f"{name}-identity",
            cluster_id=topology.cluster_id,
            voters=topology.voters,
            process_roles=COMBINED if all(node.is_broker for node in topology.nodes) else DEDICATED,
            brokers={node.id: node.name for node in topology.brokers},
            data={node: data_places(wanted) for node, wanted in given.items()},
            image_source=args.image_source,
            kafka_release=kafka_release(args.planned.nodes[0].image),
            topics={
                topic.name: {"partitions": topic.partitions, "replicationFactor": topic.replication_factor}
                for topic in args.planned.topics
            },
            overrides=args.planned.overrides,
            opts=pulumi.ResourceOptions(parent=self),
        )
        addresses = [
            {
                "id": node.id,
                "name": node.name,
                "host": node.advertised_host,
                "port": node.external_port,
                "broker": node.is_broker,
                "voter": node.is_controller,
                "wanted": built_from(given[blueprint.name]),
                "cpus": blueprint.cpus,
            }
            for node, blueprint in zip(topology.nodes, args.planned.nodes, strict=True)
        ]
        brokers = [address for address in addresses if address["broker"]]
        made: dict[int, docker.Container] = {}
        for node, blueprint in _in_order(args):
            previous = list(made.values())
            made[node.id] = KafkaNode(
                f"{name}-{node.id}",
                KafkaNodeArgs(
                    blueprint=blueprint,
                    owner=args.owner,
                    cluster_id=topology.cluster_id,
                    nodes=addresses,
                    # One after another, without waiting for health: a quorum forms only when most of its
                    # members run. Once it has, the gates wait.
                    previous=previous[-1] if previous else None,
                    docker_host=args.docker_host,
                    gate_timeout_seconds=args.ready_timeout_seconds,
                    protect_data=args.protect_data,
                    identity=self.identity,
                    depends_on=args.depends_on,
                ),
                pulumi.ResourceOptions(parent=self),
            ).container
        # Always in the same order: whichever node was replaced first makes no difference afterwards.
        containers = [made[node.id] for node in topology.nodes]
        self.ready = ClusterReady(
            f"{name}-ready",
            cluster_id=topology.cluster_id,
            nodes=[{key: node[key] for key in ("id", "name", "host", "port")} for node in brokers],
            voters=[node.id for node in topology.controllers],
            containers=[one.id for one in containers],
            timeout_seconds=args.ready_timeout_seconds,
            opts=pulumi.ResourceOptions(parent=self, depends_on=containers),
        )
        # A registry creates its topic with no more replicas than there are brokers at that moment: only where
        # there will never be a second one may it start beside the first.
        self.started = containers if len(brokers) == 1 else [self.ready]
        settings = ClusterSettings(
            f"{name}-settings",
            cluster_id=topology.cluster_id,
            nodes=[{key: node[key] for key in ("id", "host", "port")} for node in brokers],
            settings=args.planned.kafka_settings,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.ready], deleted_with=self.identity),
        )
        self.provider = kafka.Provider(
            f"{name}-provider",
            bootstrap_servers=list(topology.external_bootstrap),
            tls_enabled=False,
            # It connects once, at its first resource, and remembers a failure for as long as it runs.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.ready, settings]),
        )
        self.register_outputs({"bootstrapServers": ",".join(topology.external_bootstrap)})


def _in_order(args: KafkaClusterArgs) -> list[tuple[Node, Blueprint]]:
    """The nodes in the order in which they are replaced."""
    names = [node.name for node in args.planned.topology.nodes]
    if args.roll_first and args.roll_first not in names:
        raise pulumi.RunError(
            f"messaging:rollFirst is {args.roll_first!r}, which is no node of this stack: {', '.join(names)}"
        )
    pairs = list(zip(args.planned.topology.nodes, args.planned.nodes, strict=True))
    return sorted(pairs, key=lambda pair: pair[0].name != args.roll_first)
