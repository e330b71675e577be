"""Finds the Kafka nodes of a stack on a Docker host: their containers say who and where they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging import cluster, observe
from messaging.cli.projects import ProjectError
from messaging.naming import BROKER, BUILT_FROM_LABEL, CONTROLLER, PROJECT_LABEL, ROLE_LABEL, STACK_LABEL
from messaging.protocol import NodeError
from messaging.roll import MISSING, Container

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import docker

    from messaging.naming import Owner
    from messaging.protocol import Address
    from messaging.roll import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class KafkaNode:
    """A node, as its container describes it."""

    id: int
    name: str
    address: Address | None
    """Where clients on the host find it; None for a node that is no broker."""
    container: Container


@dataclass(frozen=True, kw_only=True, slots=True)
class KafkaNodes:
    """All nodes of a stack."""

    nodes: tuple[KafkaNode, ...]

    @property
    def addresses(self) -> dict[str, Address]:
        """Of the brokers, by name."""
        return {node.name: node.address for node in self.nodes if node.address}

    @property
    def brokers(self) -> dict[str, int]:
        """Ids of the brokers, by name."""
        return {node.name: node.id for node in self.nodes if node.address}

    def facts(self, missing: Iterable[str] = ()) -> dict[str, Fact]:
        """What the nodes say now.

        Args:
            missing: nodes that the state knows and that have no container.
        """
        containers = {node.name: node.container for node in self.nodes}
        containers |= {name: Container(state=MISSING, built_from="") for name in missing}
        addresses = {name: (address,) for name, address in self.addresses.items()}
        return observe.facts(addresses, containers, containers)

    def anyone(self) -> Address:
        """A broker that answers.

        Raises:
            ProjectError: there is none.
        """
        reasons = []
        for address in self.addresses.values():
            try:
                cluster.features(address)
            except NodeError as error:
                reasons.append(str(error))
            else:
                return address
        raise ProjectError(f"no broker answers: {'; '.join(reasons)}. `messaging health` says more")


def most_leading_first(client: docker.APIClient, owner: Owner) -> list[str]:
    """Names of the stack's brokers, those first that lead most partitions; none if nobody says who does."""
    try:
        nodes = find(client, owner, owner.stack)
        view = cluster.look(nodes.anyone())
    except (ProjectError, NodeError):
        return []
    led = Counter(partition.leader for partition in view.partitions)
    return sorted(nodes.brokers, key=lambda name: -led[nodes.brokers[name]])


def find(client: docker.APIClient, owner: Owner, stack: str, *, broker: bool = True) -> KafkaNodes:
    """The stack's nodes on this Docker host, running or not.

    Args:
        client: the host's Docker engine.
        owner: what the nodes' labels say.
        stack: what people call it.
        broker: whether there must be one.

    Raises:
        ProjectError: there is none.
    """
    wanted = {"label": [f"{PROJECT_LABEL}={owner.project}", f"{STACK_LABEL}={owner.stack}"]}
    found = []
    for one in client.containers(all=True, filters=wanted):
        labels: Mapping[str, str] = one["Labels"]
        if not owner.owns(labels) or labels.get(ROLE_LABEL) not in {BROKER, CONTROLLER}:
            continue
        details = client.inspect_container(one["Id"])
        variables = dict(entry.partition("=")[::2] for entry in details["Config"]["Env"])
        found.append(
            KafkaNode(
                id=int(variables["KAFKA_NODE_ID"]),
                name=details["Name"].removeprefix("/"),
                address=observe.advertised(details).get("EXTERNAL"),
                container=Container(
                    state=details["State"]["Status"], built_from=labels.get(BUILT_FROM_LABEL, "")
                ),
            )
        )
    nodes = KafkaNodes(nodes=tuple(sorted(found, key=lambda node: node.id)))
    if broker and not nodes.addresses:
        raise ProjectError(f"the stack {stack} has no broker on this Docker host. Make it: `make up`")
    return nodes
