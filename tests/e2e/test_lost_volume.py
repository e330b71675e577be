"""A volume with the only copy is gone: what is said, and how everything comes back without it."""

from __future__ import annotations

import os
import signal
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition

from messaging import cluster
from messaging.protocol import Address
from tests.e2e import harness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import Popen

    from tests.e2e.harness import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Workspace]:
    """A platform that each test leaves whole."""
    made = harness.new_workspace(tmp_path_factory.mktemp("lost"), f"tl{uuid.uuid4().hex[:6]}")
    try:
        made.up()
        yield made
    finally:
        made.remove()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[harness.Workspace]:
    """A platform of two brokers that keep one copy of everything; the first alone is a controller."""
    made = harness.new_workspace(tmp_path, f"tp{uuid.uuid4().hex[:6]}")
    try:
        for key, value in {"brokers": "2", "heap": "256m", "memory": "600m", "readyTimeout": "60s"}.items():
            made.configure(f"cluster.{key}", value)
        made.up()
        yield made
    finally:
        made.remove()


def topics(workspace: Workspace, broker: str = "kafka-dev") -> set[str]:
    listed = workspace.execute(broker, "kafka-topics", "--bootstrap-server", "localhost:29092", "--list")
    return {name for name in listed.split() if not name.startswith("_")}


def subjects(workspace: Workspace) -> set[str]:
    return set(requests.get(f"http://localhost:{workspace.port(8081)}/subjects", timeout=10).json())


def test_the_loss_of_the_only_copy_is_told_and_mended_with_consent(workspace: Workspace) -> None:
    before = topics(workspace), subjects(workspace)
    workspace.container("kafka-dev").remove(force=True, v=True)
    harness.client().volumes.get(workspace.name("kafka-dev-data")).remove()

    sick = workspace.command("messaging", "health", check=False)
    refused = workspace.command("messaging", "repair", check=False)
    remains = workspace.remains()
    mended = workspace.command("messaging", "repair", "--accept-loss")

    assert sick.code == 4, sick.text
    assert refused.code == 1, refused.text
    assert f"{len(before[0])} topics" in refused.err
    assert f"{len(before[1])} subjects" in refused.err
    assert workspace.name("kafka-dev-data") not in remains
    assert "bring back without what is lost" in mended.out
    assert (topics(workspace), subjects(workspace)) == before
    assert workspace.command("messaging", "health").out.endswith("healthy\n")
    workspace.pulumi("preview", "--expect-no-changes")


def test_topics_and_subjects_that_were_removed_by_hand_make_a_platform_unwell(workspace: Workspace) -> None:
    address = ("--bootstrap-server", "localhost:29092")
    workspace.execute("kafka-dev", "kafka-topics", *address, "--delete", "--topic", "metrics")
    url = f"http://localhost:{workspace.port(8081)}/subjects/metrics-value"
    requests.delete(url, timeout=10).raise_for_status()

    sick = workspace.command("messaging", "health", check=False)
    workspace.pulumi("refresh", "--yes")
    workspace.up()

    assert sick.code == 4, sick.text
    assert "1 topics are missing that the stack has made: metrics." in sick.out
    assert "1 subjects are missing that the stack has registered: metrics-value." in sick.out
    workspace.command("messaging", "health")


class Pair:
    """Two brokers, asked at the first."""

    def __init__(self, workspace: Workspace) -> None:
        self.address = Address(host="localhost", port=workspace.port(9092))
        self._servers = {"bootstrap.servers": str(self.address)}

    def replicas(self) -> dict[tuple[str, int], tuple[int, ...]]:
        return {(one.topic, one.number): one.replicas for one in cluster.look(self.address).partitions}

    def unled(self) -> set[str]:
        """Topics with partitions that have no leader and, as Kafka has it, nobody in sync."""
        partitions = cluster.look(self.address).partitions
        return {one.topic for one in partitions if one.leader < 0 and not one.in_sync}

    def keep_schemas_on(self, broker: int) -> None:
        cluster.move(self.address, {("_schemas", 0): (broker,)})
        harness.wait_for(lambda: self.replicas()["_schemas", 0] == (broker,), "the move of _schemas")

    def write(self, topic: str, number: int) -> None:
        producer = Producer(self._servers)
        producer.produce(topic, b"kept?", partition=number)
        assert producer.flush(20) == 0

    def written(self, topic: str, number: int) -> int:
        consumer = Consumer(self._servers | {"group.id": "lost"})
        try:
            return int(consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=20)[1])
        finally:
            consumer.close()


def children(process: Popen[str]) -> list[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in listed]


def test_the_loss_of_one_of_two_brokers_is_agreed_to_and_the_other_one_loses_nothing(pair: Workspace) -> None:
    brokers = Pair(pair)
    brokers.keep_schemas_on(2)
    before = topics(pair, "kafka-dev-1"), subjects(pair)
    of = {broker: next(key for key, on in brokers.replicas().items() if on == (broker,) and key[0][0] != "_")
          for broker in (1, 2)}  # fmt: skip
    for key in of.values():
        brokers.write(*key)
    volume = pair.name("kafka-dev-2-data")
    pair.container("kafka-dev-2").remove(force=True, v=True)
    harness.client().volumes.get(volume).remove()
    harness.wait_for(lambda: "_schemas" in brokers.unled(), "the end of broker 2")

    refused = [pair.command("messaging", "repair", *dry, check=False) for dry in ((), ("--dry-run",))]
    remains = pair.remains()
    with pair.start("messaging", "repair", "--accept-loss") as broken_off:
        harness.wait_for(lambda: volume in pair.remains(), "the new volume")
        for child in children(broken_off):
            os.kill(child, signal.SIGINT)
        _, said = broken_off.communicate(timeout=200)
    mended = pair.command("messaging", "repair", "--accept-loss")

    assert [run.code for run in refused] == [1, 1], refused
    assert all(f"with {volume} went the only copy" in run.err for run in refused), refused
    assert all(f"and {len(before[1])} subjects" in run.err for run in refused), refused
    assert volume not in remains
    assert broken_off.returncode == 1, said
    assert (topics(pair, "kafka-dev-1"), subjects(pair)) == before, mended.text
    assert {broker: brokers.written(*key) for broker, key in of.items()} == {1: 1, 2: 0}
    assert pair.command("messaging", "health").out.endswith("healthy\n")
    pair.pulumi("preview", "--expect-no-changes")
    assert pair.command("messaging", "repair", "--accept-loss").out == "nothing to repair\n"
