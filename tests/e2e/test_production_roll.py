"""The promise of production: whatever is changed, killed or lost, nothing that was acknowledged is gone.

One cluster of three brokers serves all tests of this module, with a producer and a consumer that never stop.
Planned changes must besides never take two brokers at a time, nor any partition below its minimum.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
import requests
import yaml
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from messaging import cluster, observe
from messaging.leadership import astray
from tests.e2e import harness
from tests.e2e.production import (
    BROKERS,
    UP_SECONDS,
    assert_never_under_min,
    assert_nothing_lost,
    assert_unnoticed,
    broker,
    ids,
    is_healthy,
    set_kafka,
)
from tests.e2e.traffic import QUIET, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from subprocess import Popen

    from tests.e2e.harness import Workspace

pytestmark = [pytest.mark.timeout(900), pytest.mark.in_order, pytest.mark.whole_machine]


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
    partitions = cluster.look(broker(production, 3)).partitions
    assert astray(partitions, {1, 2}) == [], "those that came back before lead what is theirs"


def test_a_setting_that_kafka_changes_while_it_runs_restarts_nothing(
    production: Workspace, traffic: Traffic
) -> None:
    before = ids(production)
    set_kafka(production, "message.max.bytes", 2000000)
    set_kafka(production, "log.retention.ms", 86400000)

    with traffic.stretch() as stretch:
        done = production.up(timeout=UP_SECONDS)

    assert_unnoticed(stretch, nodes=0)
    assert ids(production) == before
    assert "shorter retention: log.retention.ms (nothing -> 86400000) while the brokers run" in done.text
    assert "dynamic: message.max.bytes" in done.text
    for number in (1, 2, 3):
        keys = ["log.retention.ms", "message.max.bytes"]
        live = cluster.configuration(broker(production, number), cluster.BROKER, [str(number)], keys=keys)[
            str(number)
        ]
        assert live == {"log.retention.ms": "86400000", "message.max.bytes": "2000000"}
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


@pytest.mark.long
def test_limits_that_were_changed_by_hand_are_put_right_one_broker_at_a_time(
    production: Workspace, traffic: Traffic
) -> None:
    before = ids(production)
    for name in BROKERS:
        subprocess.run(
            ["docker", "update", "--cpus", "1.9", production.name(name)], check=True, capture_output=True
        )
    production.pulumi("refresh", "--yes")

    with traffic.stretch() as stretch:
        production.up(timeout=UP_SECONDS)

    assert_unnoticed(stretch, nodes=3)
    assert not set(ids(production)) & set(before)
    assert production.container("kafka-3").attrs["HostConfig"]["NanoCpus"] == 2 * 10**9


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


SLOW = "slow"
PATIENCE = 60
"""Seconds in which nothing may get better, as the stack says: less than what is behind takes to be copied."""


class Behind:
    """A topic whose replica on broker 1 is out of sync and catches up only as fast as it is told.

    Kafka never slows down a replica that is in sync. So broker 1 is away while the topic is filled, and comes
    back to find much to copy. The brake is put on its leader, which is not restarted: a broker that starts
    may copy all of it before it knows of a brake of its own.
    """

    def __init__(self, workspace: Workspace, bootstrap: str) -> None:
        self._addresses = {number: broker(workspace, number) for number in (1, 2, 3)}
        self._peer = self._addresses[2]
        self._admin = AdminClient({"bootstrap.servers": bootstrap} | QUIET)
        self._producer = Producer({"bootstrap.servers": bootstrap, "acks": "1"} | QUIET)
        settings = {"min.insync.replicas": "2", "leader.replication.throttled.replicas": "0:2"}
        topic = NewTopic(SLOW, num_partitions=1, replica_assignment=[[2, 3, 1]], config=settings)
        self._admin.create_topics([topic])[SLOW].result(30)
        self._brake(1)
        workspace.container("kafka-1").stop(timeout=60)
        self.write(60_000_000)
        workspace.container("kafka-1").start()
        harness.wait_for(self._all_but_it_are_in_sync, "only that replica out of sync", 120)

    def write(self, size: int) -> None:
        """Adds so many bytes, of a kind that no broker can compress."""
        for _ in range(size // 100_000):
            self._producer.produce(SLOW, os.urandom(100_000))
            self._producer.poll(0)
        assert self._producer.flush(60) == 0

    def catch_up_in(self, seconds: float) -> None:
        """Lets broker 1 copy so fast that it takes about that long."""
        self._brake(observe.bytes_behind(self._addresses, [cluster.look(self._peer)]) / seconds)

    def _brake(self, bytes_a_second: float) -> None:
        change = {"leader.replication.throttled.rate": str(int(bytes_a_second))}
        cluster.configure(self._peer, cluster.BROKER, {"2": change})

    @property
    def in_sync(self) -> set[int]:
        """Brokers whose replica is in sync."""
        return next(set(one.in_sync) for one in cluster.look(self._peer).partitions if one.topic == SLOW)

    def remove(self) -> None:
        """Takes topic and brake away."""
        change = {"leader.replication.throttled.rate": None}
        cluster.configure(self._peer, cluster.BROKER, {"2": change})
        self._admin.delete_topics([SLOW])[SLOW].result(30)

    def _all_but_it_are_in_sync(self) -> bool:
        views = [cluster.look(one) for one in self._addresses.values()]
        return all([one.name for one in view.partitions if one.missing] == [f"{SLOW}-0"] for view in views)


@pytest.fixture
def behind(production: Workspace, bootstrap: str) -> Iterator[Behind]:
    """A partition at its minimum, with all brokers alive."""
    found = Behind(production, bootstrap)
    yield found
    with contextlib.suppress(Exception):
        found.remove()


class Writing:
    """Writes more than the replica may copy, so that it gets no nearer as long as the context lasts."""

    def __init__(self, behind: Behind) -> None:
        self._behind = behind
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._behind.write(200_000)
            self._stop.wait(1)


def on_first(run: Popen[str], words: str, act: Callable[[], None]) -> Iterator[str]:
    """What a command says, line by line; acts when it says these words for the first time."""
    assert run.stdout
    done = False
    for line in run.stdout:
        yield line
        if words in line and not done:
            done = True
            act()


def test_a_partition_at_its_minimum_stops_the_roll_and_is_waited_for_while_it_recovers(
    production: Workspace, traffic: Traffic, behind: Behind
) -> None:
    before = ids(production)
    set_kafka(production, "queued.max.requests", 700)

    with traffic.stretch(whole=False) as stretch, Writing(behind):
        stopped = production.up("--skip-preview", check=False, timeout=UP_SECONDS)

    held = ids(production)
    assert stopped.code == 1, stopped.text
    assert "kafka-2 was not replaced, and nothing behind it" in stopped.text
    assert "slow-0 is at its minimum: 2 of 3 replicas in sync (brokers 2, 3), needs 2" in stopped.text
    assert held[0] != before[0], "what the partition does not need was replaced"
    assert held[1:] == before[1:]
    assert_nothing_lost(stretch)
    assert stretch.most_down == 1, stretch
    assert_never_under_min(stretch)
    assert behind.in_sync == {2, 3}, "nobody has helped it meanwhile"

    up = ("pulumi", "up", "--yes", "--skip-preview", "--stack", "prod")
    with traffic.stretch() as stretch, production.start(*up) as run:
        said = list(on_first(run, "kafka-2 is not stopped yet", partial(behind.catch_up_in, 1.3 * PATIENCE)))
        assert run.wait(60) == 0, said

    waits = re.findall(r"kafka-2 is not stopped yet \((\d+) s\): .*; [0-9.]+ MB to copy", "".join(said))
    assert waits, said
    assert int(waits[-1]) > PATIENCE, "it is waited for as long as it gets nearer"
    assert_unnoticed(stretch, nodes=2)
    assert ids(production)[0] == held[0], "what was done is not done again"
    assert not set(ids(production)[1:]) & set(before)


def test_a_broker_that_is_gone_with_its_data_is_rebuilt_from_its_peers(
    production: Workspace, traffic: Traffic
) -> None:
    kept = ids(production)
    with traffic.stretch() as stretch:
        production.container("kafka-2").remove(force=True, v=True)
        harness.client().volumes.get(production.name("kafka-2-data")).remove()
        sick = production.command("messaging", "health", "--stack", "prod", "--json", check=False)
        production.command("messaging", "repair", "--stack", "prod", timeout=UP_SECONDS)

    assert_nothing_lost(stretch)
    assert sick.code == 3, sick.text
    assert f"{production.name('kafka-2')} is missing" in sick.out
    assert ids(production)[::2] == kept[::2], "nothing else was touched"
    harness.wait_for(lambda: is_healthy(production), "a healthy cluster")


def test_a_broker_comes_gets_its_share_gives_it_back_and_goes(
    production: Workspace, traffic: Traffic, bootstrap: str
) -> None:
    before = ids(production)
    production.configure("cluster.brokers", "4")
    with traffic.stretch() as stretch:
        production.up(timeout=UP_SECONDS)
        planned = production.command("messaging", "rebalance", "--stack", "prod")
        assert held(production, 4) == 0, "a plan moves nothing"
        run = production.start("messaging", "rebalance", "--stack", "prod", "--execute")
        harness.wait_for(lambda: held(production, 4), "a first partition on its way")
        run.kill()
        run.communicate()
        assert run.returncode == -signal.SIGKILL, "it was killed in the middle"
        production.command("messaging", "rebalance", "--stack", "prod", "--execute", timeout=UP_SECONDS)
    assert_unnoticed(stretch, nodes=0)
    assert ids(production) == before, "quorum and old brokers were not touched"
    assert "partitions to move (--execute does it)" in planned.out
    assert held(production, 4) > 20
    assert {len(one.replicas) for one in cluster.look(broker(production, 1)).partitions} == {3}
    assert leftover_brakes(production) == []

    production.configure("cluster.brokers", "3")
    refused = production.pulumi("preview", check=False)
    assert refused.code == 1
    assert f"{production.name('kafka-4')} still holds replicas of" in refused.text

    with traffic.stretch() as stretch:
        production.command(
            "messaging", "rebalance", "--stack", "prod", "--without", production.name("kafka-4"), "--execute",
            timeout=UP_SECONDS,
        )  # fmt: skip
        for urn in (one for one in state_urns(production) if one.endswith("::kafka-4-data")):
            production.pulumi("state", "unprotect", urn, "--yes")
        production.up(timeout=UP_SECONDS)
    assert_unnoticed(stretch, nodes=0)
    assert production.name("kafka-4") not in production.remains()
    assert ids(production) == before
    admin = AdminClient({"bootstrap.servers": bootstrap} | QUIET)
    admin.create_topics([NewTopic("afterwards", 12, 3)])["afterwards"].result(30)
    assert held(production, 4) == 0, "Kafka has forgotten it: nothing new is placed on it"


def held(workspace: Workspace, number: int) -> int:
    return sum(number in one.replicas for one in cluster.look(broker(workspace, 1)).partitions)


def leftover_brakes(workspace: Workspace) -> list[str]:
    topics = {one.topic for one in cluster.look(broker(workspace, 1)).partitions}
    found = cluster.configuration(broker(workspace, 1), cluster.TOPIC, topics, dynamic=True)
    return [name for name, values in found.items() if any("throttled" in key for key in values)]


def state_urns(workspace: Workspace) -> list[str]:
    deployment = workspace.pulumi("stack", "export").json()["deployment"]
    return [resource["urn"] for resource in deployment["resources"]]


def test_an_upgrade_is_finished_by_one_command(production: Workspace) -> None:
    """The image has one version of Kafka, so the cluster is first taken back to an older metadata version."""
    production.execute(
        "kafka-1", "kafka-features", "--bootstrap-server", "localhost:29092",
        "downgrade", "--feature", "metadata.version=26",
    )  # fmt: skip
    sick = production.command("messaging", "health", "--stack", "prod", check=False)
    tried = production.command("messaging", "upgrade-metadata", "--stack", "prod", "--dry-run")
    level = cluster.features(broker(production, 1)).finalized[cluster.METADATA_VERSION]
    done = production.command("messaging", "upgrade-metadata", "--stack", "prod")

    assert sick.code == 3, sick.text
    assert "the upgrade is not finished" in sick.out
    assert (level, "would go from 26 to 27" in tried.out) == (26, True), tried.text
    assert "went from 26 to 27" in done.out
    harness.wait_for(lambda: is_healthy(production), "a healthy cluster", 30)
