"""BrokerGuard: goes before its broker does, and does not go while the broker still holds replicas.

It depends on the broker's container, so a removal begins with it; where it fails, the run ends and the broker
stays. Moving replicas away is left to ``messaging rebalance``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.dynamic.provider import EmptyProvider, Refusal, differs, inputs_only, told_plainly
from messaging import cluster
from messaging.listing import some
from messaging.protocol import Address, NodeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi


class BrokerGuard(Resource, module="messaging", name="BrokerGuard"):
    """Keeps one broker as long as it is needed."""

    def __init__(
        self,
        name: str,
        *,
        broker: int,
        node: str,
        cluster_id: str,
        nodes: Sequence[Mapping[str, Any]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declares the guard.

        Args:
            name: its logical name.
            broker: Kafka's id of the broker.
            node: its container's name.
            cluster_id: Kafka's, so that no other cluster's answer is taken for this one's.
            nodes: ``id``, ``host`` and ``port`` of each broker.
            opts: with the broker's container among ``depends_on``, and ``deleted_with`` the cluster.
        """
        props = {
            "broker": broker,
            "node": node,
            "clusterId": cluster_id,
            "nodes": [dict(one) for one in nodes],
        }
        super().__init__(BrokerGuardProvider(), name, props, opts)


class BrokerGuardProvider(EmptyProvider):
    """Asks the cluster when it is to be deleted."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Its inputs are what it asks by when it is deleted, so they are kept up to date."""
        return DiffResult(changes=differs(_olds, _news))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Begins to stand there."""
        return CreateResult(str(props["node"]), inputs_only(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Remembers where the others are."""
        return UpdateResult(inputs_only(_news))

    @told_plainly
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Refuses while the broker holds anything, and where nobody can tell."""
        broker = int(_props["broker"])
        held = held_by({broker}, _props)
        if held is None:
            raise Refusal(
                f"{_props['node']} was not removed: no broker says what it still holds. `messaging health` "
                "shows why; run `pulumi up` again when the cluster answers"
            )
        if held[broker]:
            raise Refusal(refusal(str(_props["node"]), held[broker]))


def held_by(brokers: set[int], props: Mapping[str, Any]) -> dict[int, list[str]] | None:
    """Partitions by the brokers that hold a replica of them; None if no node answers.

    Args:
        brokers: whose partitions.
        props: ``nodes``, who is asked, one after another: ``host`` and ``port`` of each; and ``clusterId``,
            which a state of an earlier version does not know.
    """
    for node in props["nodes"]:
        try:
            # Numbers arrive as floats.
            address = Address(host=str(node["host"]), port=int(node["port"]))
            view = cluster.look(address, cluster_id=str(props.get("clusterId", "")))
        except NodeError:
            continue
        return {broker: [one.name for one in view.partitions if broker in one.replicas] for broker in brokers}
    return None


def refusal(node: str, partitions: Sequence[str]) -> str:
    """Why a broker stays, and how it gets empty."""
    return (
        f"{node} still holds replicas of {len(partitions)} partitions ({some(partitions)}), lost if it went. "
        f"Move them first: `messaging rebalance --without {node} --execute`, then `pulumi up`"
    )
