"""KafkaCluster: the nodes, the gate that waits for all of them, the provider for everything inside Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_kafka as kafka

from components.dynamic.gate import ClusterReady
from components.dynamic.identity import ClusterIdentity
from components.kafka_node import KafkaNode, KafkaNodeArgs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.blueprint import Blueprint
    from components.topology import Topology
    from messaging.naming import Owner
    from messaging.streams import Topic


@dataclass(frozen=True, kw_only=True, slots=True)
class KafkaClusterArgs:
    """One cluster."""

    topology: Topology
    """Its nodes, with the addresses that are the same on every run."""
    blueprints: Sequence[Blueprint]
    """The nodes' containers, in the topology's order."""
    owner: Owner
    """The stack that labels name."""
    image_source: str
    """Part of the cluster's identity: it decides which product reads the data."""
    topics: Sequence[Topic]
    """All topics: none of them may shrink, which the cluster's identity sees to."""
    replication_factor: int
    """Of each topic."""
    ready_timeout_seconds: int
    """How long the cluster may take until it is complete."""
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
    provider: kafka.Provider
    """For topics and the like; it waits for :attr:`ready`."""

    def __init__(self, name: str, args: KafkaClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("messaging:index:KafkaCluster", name, None, opts)
        topology = args.topology
        # Every container waits for it: it refuses a change that the data would not survive.
        self.identity = ClusterIdentity(
            f"{name}-identity",
            cluster_id=topology.cluster_id,
            voters=topology.voters,
            process_roles="combined",
            image_source=args.image_source,
            topics={
                topic.name: {"partitions": topic.partitions, "replicationFactor": args.replication_factor}
                for topic in args.topics
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        previous: list[pulumi.Resource] = [self.identity]
        nodes: list[KafkaNode] = []
        for node, blueprint in zip(topology.nodes, args.blueprints, strict=True):
            made = KafkaNode(
                f"{name}-{node.id}",
                KafkaNodeArgs(
                    blueprint=blueprint,
                    owner=args.owner,
                    protect_data=args.protect_data,
                    depends_on=[*args.depends_on, *previous],
                ),
                pulumi.ResourceOptions(parent=self),
            )
            nodes.append(made)
            # One after another, without waiting for health: a quorum forms only when most of its members run.
            previous = [made.container]
        containers = [made.container for made in nodes]
        self.ready = ClusterReady(
            f"{name}-ready",
            nodes=[
                {"id": node.id, "name": node.name, "host": node.advertised_host, "port": node.external_port}
                for node in topology.nodes
            ],
            containers=[made.id for made in containers],
            timeout_seconds=args.ready_timeout_seconds,
            opts=pulumi.ResourceOptions(parent=self, depends_on=containers),
        )
        self.provider = kafka.Provider(
            f"{name}-provider",
            bootstrap_servers=list(topology.external_bootstrap),
            tls_enabled=False,
            # It connects once, at its first resource, and remembers a failure for as long as it runs.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.ready]),
        )
        self.register_outputs({"bootstrapServers": ",".join(topology.external_bootstrap)})
