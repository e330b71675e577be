"""The guard of a broker: it goes when the broker is empty, and stays when that is not so or not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.dynamic import gate
from components.dynamic.broker_guard import BrokerGuardProvider
from components.dynamic.provider import Refusal
from messaging import cluster
from messaging.availability import Partition
from messaging.cluster import Broker, View
from messaging.protocol import NodeError

if TYPE_CHECKING:
    from messaging.protocol import Address

NODES = [
    {"id": number, "name": f"kafka-{number}", "host": "h", "port": 9090 + number} for number in (1, 2, 4)
]
PROPS = {"broker": 4.0, "node": "kafka-4", "clusterId": "c", "nodes": NODES}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[int, View]:
    """What the nodes see, by port; others do not answer."""
    views: dict[int, View] = {}

    def look(address: Address, *, cluster_id: str) -> View:
        if address.port not in views or views[address.port].cluster_id != cluster_id:
            raise NodeError("silence")
        return views[address.port]

    monkeypatch.setattr(cluster, "look", look)
    return views


def view(*replicas: tuple[int, ...]) -> View:
    return View(
        cluster_id="c",
        brokers=(Broker(id=1, rack=None),),
        partitions=tuple(
            Partition(topic="orders", number=number, leader=one[0], replicas=one, in_sync=one, min_in_sync=2)
            for number, one in enumerate(replicas)
        ),
    )


def test_a_broker_that_holds_nothing_may_go(seen: dict[int, View]) -> None:
    seen[9092] = view((1, 2), (2, 1))

    BrokerGuardProvider().delete("kafka-4", PROPS)


def test_a_broker_that_holds_replicas_stays_and_they_are_named(seen: dict[int, View]) -> None:
    seen[9092] = view((1, 2), (2, 4), *[(4, 1)] * 6)

    with pytest.raises(Refusal) as refused:
        BrokerGuardProvider().delete("kafka-4", PROPS)

    told = str(refused.value)
    assert "kafka-4 still holds replicas of 7 partitions (orders-1, orders-2" in told
    assert "orders-5 and 2 more)" in told
    assert "messaging rebalance --without kafka-4 --execute" in told


def test_a_broker_of_which_nobody_knows_stays(seen: dict[int, View]) -> None:
    with pytest.raises(Refusal, match="kafka-4 was not removed: no broker says what it still holds"):
        BrokerGuardProvider().delete("kafka-4", PROPS)


def check(news: list[dict[str, Any]]) -> list[str]:
    olds = {"clusterId": "c", "nodes": NODES, "voters": [1], "containers": [], "timeoutSeconds": 1}
    failures = gate.ClusterReadyProvider().check(olds, olds | {"nodes": news}).failures or []
    return [failure.reason for failure in failures]


def test_a_preview_refuses_to_remove_a_broker_that_holds_replicas(seen: dict[int, View]) -> None:
    seen[9091] = view((1, 2), (2, 4))

    assert check(NODES) == []
    (reason,) = check(NODES[:2])
    assert reason.startswith("kafka-4 still holds replicas of 1 partitions (orders-1)")


def test_a_preview_without_a_cluster_leaves_it_to_the_guard(seen: dict[int, View]) -> None:
    assert check(NODES[:2]) == []
