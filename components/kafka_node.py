"""KafkaNode: one node with its gate and guard, its container and the volume that keeps its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_docker as docker

from components.blueprint import label_list
from components.container import container
from components.dynamic.broker_gate import BrokerGate
from components.dynamic.broker_guard import BrokerGuard
from messaging.naming import DATA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from components.blueprint import Blueprint
    from messaging.naming import Owner


@dataclass(frozen=True, kw_only=True, slots=True)
class KafkaNodeArgs:
    """One node."""

    blueprint: Blueprint
    """Its container, with a data volume."""
    owner: Owner
    """The stack that its labels name."""
    cluster_id: str
    """Kafka's, of the cluster that the node belongs to."""
    nodes: Sequence[Mapping[str, Any]]
    """All nodes of the cluster, as the gate asks them."""
    previous: docker.Container | None
    """The container of the node that is replaced before this one."""
    docker_host: str
    """The Docker engine's address; empty for what the environment says."""
    gate_timeout_seconds: int
    """How long the gate waits while nothing gets better."""
    protect_data: bool
    """Whether the volume refuses to be deleted."""
    identity: pulumi.Resource
    """The cluster's. When that goes, no broker is asked what it still holds."""
    depends_on: Sequence[pulumi.Resource]
    """What must be there before the container: components pass on nothing of their own ``depends_on``."""


class KafkaNode(pulumi.ComponentResource):
    """A node of a Kafka cluster. Its health says that it listens, not that the cluster is complete."""

    container: docker.Container
    """The running node."""

    def __init__(self, name: str, args: KafkaNodeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("messaging:index:KafkaNode", name, None, opts)
        blueprint = args.blueprint
        previous = [args.previous] if args.previous else []
        before = [*args.depends_on, args.identity, *previous]
        gate = BrokerGate(
            f"{name}-gate",
            node=blueprint.name,
            cluster_id=args.cluster_id,
            nodes=args.nodes,
            previous=[one.id for one in previous],
            settings=blueprint.described,
            docker_host=args.docker_host,
            timeout_seconds=args.gate_timeout_seconds,
            opts=pulumi.ResourceOptions(parent=self, depends_on=before, deleted_with=args.identity),
        )
        volume = docker.Volume(
            f"{name}-data",
            name=blueprint.data_volume,
            labels=[docker.VolumeLabelArgs(**label) for label in label_list(args.owner.labels(DATA))],
            # A volume is replaced by deleting it first: no other label is worth the data.
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect_data, ignore_changes=["labels"]),
        )
        self.container = container(
            f"{name}-container",
            blueprint,
            args.owner,
            parent=self,
            depends_on=[*before, gate, volume],
        )
        brokers = {str(node["name"]): node for node in args.nodes if node["broker"]}
        if blueprint.name in brokers:
            BrokerGuard(
                f"{name}-guard",
                broker=brokers[blueprint.name]["id"],
                node=blueprint.name,
                cluster_id=args.cluster_id,
                nodes=[{key: node[key] for key in ("id", "host", "port")} for node in brokers.values()],
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=[self.container], deleted_with=args.identity
                ),
            )
        self.register_outputs({"containerName": blueprint.name})
