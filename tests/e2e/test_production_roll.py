"""The promise of production: whatever is changed, killed or lost, nothing that was acknowledged is gone.

One cluster of three brokers serves all tests of this module, with a producer and a consumer that never stop.
Planned changes must besides never take two brokers at a time, nor any partition below its minimum.
"""

from __future__ import annotations

import contextlib
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest
import requests
import yaml
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from messaging import cluster
from messaging.protocol import Address
from tests.e2e import harness
from tests.e2e.production import BROKERS, UP_SECONDS, assert_nothing_lost, assert_unnoticed, ids, set_kafka
from tests.e2e.traffic import QUIET, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.harness import Workspace

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def other_image(production: Workspace) -> Iterator[str]:
    """The same image under another name, for as long as the cluster runs on it."""
    engine = harness.client()
    image = yaml.safe_load((production.root / ".site.yaml").read_text())["images"]["kafka"]
    name = f"{production.instance}/kafka"
    engine.images.get(image).tag(name, "next")
    yield f"{name}:next"
    engine.images.remove(f"{name}:next", noprune=True)


def test_another_image_rolls_through_all_brokers_unnoticed(
    production: Workspace, traffic: Traffic, other_image: str
) -> None:
    before = ids(production)
    production.configure("images.kafka", other_image)

    with traffic.stretch() as stretch:
        done = production.up(timeout=UP_SECONDS)

    assert_unnoticed(stretch, nodes=3)
    assert not set(ids(production)) & set(before)
    assert "rolling:" in done.text
    assert production.container("kafka-3").attrs["Config"]["Image"] == other_image


def test_a_setting_that_kafka_changes_while_it_runs_restarts_nothing(
    production: Workspace, traffic: Traffic
) -> None:
    before = ids(production)
    set_kafka(production, "num.io.threads", 2)
    set_kafka(production, "log.retention.ms", 86400000)

    with traffic.stretch() as stretch:
        done = production.up(timeout=UP_SECONDS)

    assert_unnoticed(stretch, nodes=0)
    assert ids(production) == before
    assert "dynamic: log.retention.ms (nothing -> 86400000), num.io.threads" in done.text
    for number, port in enumerate((9092, 9093, 9094), start=1):
        address = Address(host="localhost", port=production.port(port))
        keys = ["log.retention.ms", "num.io.threads"]
        live = cluster.configuration(address, cluster.BROKER, [str(number)], keys=keys)[str(number)]
        assert live == {"log.retention.ms": "86400000", "num.io.threads": "2"}
    production.pulumi("preview", "--expect-no-changes")


def test_a_run_that_is_killed_in_the_middle_of_a_roll_is_finished_by_the_next(
    production: Workspace, traffic: Traffic
) -> None:
    before = ids(production)
    set_kafka(production, "queued.max.requests", 600)

    def first_was_replaced() -> bool:
        return bool(production.container("kafka-1").id != before[0])

    with traffic.stretch() as stretch:
        run = production.start("pulumi", "up", "--yes", "--skip-preview", "--stack", "prod")
        harness.wait_for(first_was_replaced, "the first broker replaced", 180)
        run.send_signal(signal.SIGKILL)
        run.communicate()
        assert ids(production)[2] == before[2], "it was killed in the middle"
        production.pulumi("cancel", "--yes")
        production.up(timeout=UP_SECONDS)

    assert_unnoticed(stretch, nodes=3)
    assert not set(ids(production)) & set(before)
    production.pulumi("preview", "--expect-no-changes")


def has_ended(production: Workspace, name: str) -> bool:
    return bool(production.container(name).status != "running")


def kill_each(production: Workspace, traffic: Traffic, *, times: int) -> None:
    for _ in range(times):
        for name in BROKERS:
            with traffic.stretch() as stretch:
                production.container(name).kill("SIGKILL")
                harness.wait_for(partial(has_ended, production, name), "its end")
                # Docker restarts only what ended by itself: a kill by hand is a stop by hand.
                production.container(name).start()
            print(f"{name} killed: {stretch}")  # noqa: T201 - the longest stall is to be reported
            assert_nothing_lost(stretch)
            assert stretch.most_down <= 1, stretch


def test_a_broker_that_is_killed_takes_nothing_with_it(production: Workspace, traffic: Traffic) -> None:
    kill_each(production, traffic, times=1)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_brokers_that_are_killed_again_and_again_take_nothing_with_them(
    production: Workspace, traffic: Traffic
) -> None:
    kill_each(production, traffic, times=5)


def test_either_registry_can_be_lost(production: Workspace, traffic: Traffic) -> None:
    subjects = f"http://localhost:{production.port(8081)}/subjects"
    for name in ("schema-registry-1", "schema-registry-2"):
        with traffic.stretch() as stretch:
            production.container(name).kill("SIGKILL")
            harness.wait_for(
                lambda: "sensor-data-value" in requests.get(subjects, timeout=5).json(), subjects
            )
            production.command("messaging", "repair", "--stack", "prod")
        assert_unnoticed(stretch, nodes=0)


@pytest.fixture
def behind(production: Workspace, bootstrap: str) -> Iterator[Address]:
    """A topic whose replica on broker 1 cannot catch up, until the throttle is taken away."""
    first = Address(host="localhost", port=production.port(9092))
    second = Address(host="localhost", port=production.port(9093))
    admin = AdminClient({"bootstrap.servers": bootstrap} | QUIET)
    settings = {"min.insync.replicas": "2", "follower.replication.throttled.replicas": "0:1"}
    topic = NewTopic("slow", num_partitions=1, replica_assignment=[[2, 3, 1]], config=settings)
    admin.create_topics([topic])["slow"].result(30)
    cluster.configure(first, cluster.BROKER, {"1": {"follower.replication.throttled.rate": "1"}})
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "1"} | QUIET)
    for _ in range(400):
        producer.produce("slow", os.urandom(100_000))  # what a broker cannot compress
        producer.poll(0)
    producer.flush(60)
    harness.wait_for(lambda: in_sync(second, "slow-0") == {2, 3}, "a replica that is behind", 90)
    yield second
    with contextlib.suppress(Exception):
        cluster.configure(second, cluster.BROKER, {"1": {"follower.replication.throttled.rate": None}})
        admin.delete_topics(["slow"])["slow"].result(30)


def in_sync(address: Address, partition: str) -> set[int]:
    return next(set(one.in_sync) for one in cluster.look(address).partitions if one.name == partition)


@pytest.mark.long
def test_a_partition_at_its_minimum_stops_the_roll_and_its_recovery_lets_it_go_on(
    production: Workspace, traffic: Traffic, behind: Address
) -> None:
    before = ids(production)
    set_kafka(production, "queued.max.requests", 700)

    with traffic.stretch() as stretch:
        stopped = production.up("--skip-preview", check=False, timeout=UP_SECONDS)
        held = ids(production)
        cluster.configure(behind, cluster.BROKER, {"1": {"follower.replication.throttled.rate": None}})
        # The rate is read again at the next start; until then the topic's own list lets it go at once.
        cluster.configure(behind, cluster.TOPIC, {"slow": {"follower.replication.throttled.replicas": None}})
        harness.wait_for(lambda: in_sync(behind, "slow-0") == {1, 2, 3}, "the replica in sync", 120)

    assert stopped.code == 1, stopped.text
    assert "kafka-2 was not replaced, and nothing behind it" in stopped.text
    assert "slow-0 is at its minimum: 2 of 3 replicas in sync (brokers 2, 3), needs 2" in stopped.text
    assert held[0] != before[0], "what the partition does not need was replaced"
    assert held[1:] == before[1:]
    assert_nothing_lost(stretch)
    assert stretch.most_under_min == 0, stretch

    with traffic.stretch() as stretch:
        production.up("--skip-preview", timeout=UP_SECONDS)
    assert_unnoticed(stretch, nodes=2)
    assert ids(production)[0] == held[0], "what was done is not done again"
    assert not set(ids(production)[1:]) & set(before)


def test_a_broker_that_is_gone_with_its_data_is_rebuilt_from_its_peers(
    production: Workspace, traffic: Traffic
) -> None:
    kept = ids(production)
    with traffic.stretch() as stretch:
        production.container("kafka-2").remove(force=True)
        harness.client().volumes.get(production.name("kafka-2-data")).remove()
        sick = production.command("messaging", "health", "--stack", "prod", "--json", check=False)
        production.command("messaging", "repair", "--stack", "prod", timeout=UP_SECONDS)

    assert_nothing_lost(stretch)
    assert sick.code == 3, sick.text
    assert f"{production.name('kafka-2')} is missing" in sick.out
    assert ids(production)[::2] == kept[::2], "nothing else was touched"
    harness.wait_for(
        lambda: production.command("messaging", "health", "--stack", "prod", check=False).code == 0,
        "a healthy cluster",
    )
