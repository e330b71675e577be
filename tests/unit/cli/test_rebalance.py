"""What a rebalance asks the brokers, and what it then plans and does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messaging import cluster
from messaging.availability import Partition
from messaging.cli import rebalance
from messaging.cli.clusters import KafkaNode, KafkaNodes
from messaging.cli.projects import ProjectError
from messaging.cluster import Broker, View
from messaging.protocol import Address
from messaging.roll import Container

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messaging.placement import Key, Move

RATE = {"leader.replication.throttled.rate": "7", "follower.replication.throttled.rate": "7"}


class Brokers:
    """Four brokers with three copies of their offsets."""

    def __init__(self) -> None:
        self.usual = ["4", "4", "4", "4"]
        """The copies that each gives a new topic."""
        self.moved: list[Mapping[Key, tuple[int, ...]]] = []
        self.told: list[tuple[int, Mapping[str, Mapping[str, str | None]]]] = []

    def look(self, _: Address) -> View:
        replicas = (1, 2, 3)
        return View(
            cluster_id="",
            brokers=tuple(Broker(id=number, rack=None) for number in (1, 2, 3, 4)),
            partitions=tuple(
                Partition(topic=topic, number=0, leader=1, replicas=replicas, in_sync=replicas, min_in_sync=2)
                for topic in ("__consumer_offsets", "_telemetry", "sensor-data")
            ),
        )

    def configuration(
        self, address: Address, kind: int, names: list[str], **_: object
    ) -> dict[str, dict[str, str]]:
        if kind == cluster.TOPIC:
            return {}
        return {name: {cluster.COPIES: self.usual[address.port - 1]} for name in names}

    def configure(self, _: Address, kind: int, changes: Mapping[str, Mapping[str, str | None]]) -> None:
        self.told.append((kind, changes))

    def move(self, _: Address, wanted: Mapping[Key, tuple[int, ...]]) -> None:
        self.moved.append(wanted)


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Brokers:
    """The brokers, instead of a cluster."""
    made = Brokers()
    for name in ("look", "configuration", "configure", "move"):
        monkeypatch.setattr(cluster, name, getattr(made, name))
    monkeypatch.setattr(cluster, "moving", lambda _: {})
    monkeypatch.setattr(KafkaNodes, "anyone", lambda _: Address(host="127.0.0.1", port=1))
    return made


NODES = KafkaNodes(
    nodes=tuple(
        KafkaNode(
            id=number,
            name=f"kafka-{number}",
            address=Address(host="127.0.0.1", port=number),
            container=Container(state="running", built_from=""),
        )
        for number in (1, 2, 3, 4)
    )
)


def grown(moves: list[Move]) -> dict[str, int]:
    return {move.name: len(move.after) for move in moves if len(move.after) != len(move.before)}


def test_internal_topics_get_as_many_copies_as_the_brokers_give_a_new_topic(brokers: Brokers) -> None:
    assert grown(rebalance.plan(NODES, [])) == {"__consumer_offsets-0": 4}

    brokers.usual[3] = "3"
    assert grown(rebalance.plan(NODES, [])) == {}, "not all brokers have been told yet"


def test_the_copies_that_are_asked_for_count_before_the_brokers_own(brokers: Brokers) -> None:
    brokers.usual = ["1"] * 4

    assert grown(rebalance.plan(NODES, [], 4)) == {"__consumer_offsets-0": 4, "_telemetry-0": 4}


@pytest.mark.usefixtures("brokers")
def test_a_plan_says_how_many_copies_there_will_be_more_of_each_topic() -> None:
    assert rebalance.lines(rebalance.plan(NODES, []))[-1] == "copies added: 1 (1 of __consumer_offsets)"
    assert rebalance.lines(rebalance.plan(NODES, [], 4))[-1] == (
        "copies added: 2 (1 of __consumer_offsets, 1 of _telemetry)"
    )
    assert "copies added" not in " ".join(rebalance.lines(rebalance.plan(NODES, [], 3)))


def test_an_execution_says_before_it_copies_how_many_copies_it_makes(brokers: Brokers) -> None:
    said: list[str] = []

    def tell(line: str) -> None:
        assert not brokers.moved or "copies added" not in line
        said.append(line)

    rebalance.execute(NODES, [], bytes_a_second=7, tell=tell)

    assert "copies added: 1 (1 of __consumer_offsets)" in said


@pytest.mark.usefixtures("brokers")
def test_more_copies_than_brokers_are_refused_if_asked_for_and_else_not_planned() -> None:
    with pytest.raises(ProjectError, match="4 copies need as many brokers, and there are 3 to hold them"):
        rebalance.plan(NODES, ["kafka-4"], 4)

    assert grown(rebalance.plan(NODES, ["kafka-4"])) == {}


def test_a_copy_that_is_added_is_braked_like_one_that_moves(brokers: Brokers) -> None:
    done = rebalance.execute(NODES, [], 4, bytes_a_second=7, tell=lambda _: None)

    assert done == len(brokers.moved[0])
    (after,) = [one for (topic, _), one in brokers.moved[0].items() if topic == "__consumer_offsets"]
    assert sorted(after) == [1, 2, 3, 4]
    assert (cluster.BROKER, {"4": RATE}) in brokers.told
    lists = next(changes for kind, changes in brokers.told if kind == cluster.TOPIC)
    assert lists["__consumer_offsets"] == {
        "leader.replication.throttled.replicas": "0:1,0:2,0:3",
        "follower.replication.throttled.replicas": "0:4",
    }
