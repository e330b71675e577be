"""What is asked of a stack's brokers before something is done to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messaging import cluster
from messaging.availability import Partition
from messaging.cli import clusters
from messaging.cli.clusters import KafkaNode, KafkaNodes, most_leading_first
from messaging.cli.projects import ProjectError
from messaging.cluster import View
from messaging.protocol import Address
from messaging.roll import Container
from tests.unit.cli.fake_engine import OWNER

if TYPE_CHECKING:
    import pytest


def node(number: int) -> KafkaNode:
    container = Container(state="running", built_from="")
    address = Address(host="127.0.0.1", port=9)
    return KafkaNode(id=number, name=f"kafka-{number}", address=address, container=container)


def led_by(*leaders: int) -> View:
    partitions = [
        Partition(topic="a", number=number, leader=leader, replicas=(1,), in_sync=(1,), min_in_sync=1)
        for number, leader in enumerate(leaders)
    ]
    return View(cluster_id="", brokers=(), partitions=tuple(partitions))


def test_the_broker_that_leads_most_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "find", lambda *_: KafkaNodes(nodes=(node(1), node(2), node(3))))
    monkeypatch.setattr(KafkaNodes, "anyone", lambda _: Address(host="127.0.0.1", port=9))
    monkeypatch.setattr(cluster, "look", lambda _: led_by(3, 1, 3, -1))

    assert most_leading_first(None, OWNER) == ["kafka-3", "kafka-1", "kafka-2"]  # type: ignore[arg-type]


def test_where_nobody_answers_no_broker_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> KafkaNodes:
        raise ProjectError("the stack has no broker on this Docker host")

    monkeypatch.setattr(clusters, "find", refuse)

    assert most_leading_first(None, OWNER) == []  # type: ignore[arg-type]
