"""Each runbook of production tried for real: what goes wrong, what one does, what is true afterwards."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from components.broker_properties import DATA_FOLDER
from tests.e2e import harness
from tests.e2e.production import (
    BROKERS,
    UP_SECONDS,
    assert_never_under_min,
    assert_nothing_lost,
    bootstrap,
    ids,
    is_healthy,
    set_kafka,
)
from tests.e2e.traffic import QUIET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.harness import Workspace
    from tests.e2e.traffic import Traffic

pytestmark = [pytest.mark.timeout(1200), pytest.mark.long, pytest.mark.in_order]


def test_a_broker_that_is_down_can_be_rolled_first(production: Workspace, traffic: Traffic) -> None:
    before = ids(production)
    production.container("kafka-3").stop(timeout=60)
    set_kafka(production, "queued.max.requests", 510)

    refused = production.up("--skip-preview", check=False, timeout=UP_SECONDS)

    assert refused.code == 1, refused.text
    assert "kafka-1 was not replaced, and nothing behind it" in refused.text
    advice = f"pulumi config set messaging:rollFirst {production.name('kafka-3')}"
    assert advice in refused.text
    assert ids(production) == before

    production.configure("rollFirst", production.name("kafka-3"))
    with traffic.stretch() as stretch:
        production.up("--skip-preview", timeout=UP_SECONDS)
    production.pulumi("config", "rm", "messaging:rollFirst")

    assert_nothing_lost(stretch)
    assert stretch.most_down == 1, stretch
    assert not set(ids(production)) & set(before)
    production.pulumi("preview", "--expect-no-changes")


def test_a_setting_that_breaks_brokers_breaks_one_and_is_mended(
    production: Workspace, traffic: Traffic
) -> None:
    before = ids(production)
    file = production.root / "Pulumi.prod.yaml"
    sound = file.read_text()
    # A class that no broker has: of Kafka's own type, so only its start can tell.
    set_kafka(production, "create.topic.policy.class.name", "com.example.Nowhere")
    with traffic.stretch() as stretch:
        broken = production.up("--skip-preview", check=False, timeout=UP_SECONDS)
        assert broken.code == 1, broken.text
        assert "kafka-2 was not replaced, and nothing behind it" in broken.text
        assert ids(production)[1:] == before[1:]

        file.write_text(sound)
        production.up("--skip-preview", timeout=UP_SECONDS)

    assert_nothing_lost(stretch)
    assert stretch.most_down == 1, stretch
    assert_never_under_min(stretch)


def test_a_quorum_that_was_lost_comes_back_with_its_nodes(production: Workspace, traffic: Traffic) -> None:
    for name in BROKERS[:2]:
        production.container(name).kill("SIGKILL")
    harness.wait_for(
        lambda: production.command("messaging", "health", "--stack", "prod", check=False).code == 4,
        "the alarm",
    )
    with traffic.stretch(settle=180) as stretch:
        planned = production.command("messaging", "repair", "--stack", "prod", "--dry-run")
        production.command("messaging", "repair", "--stack", "prod", timeout=UP_SECONDS)

    assert planned.out.count("would start") == 2, planned.text
    assert_nothing_lost(stretch)
    harness.wait_for(lambda: is_healthy(production), "a healthy cluster", 90)


def test_all_brokers_stopped_start_together(production: Workspace, traffic: Traffic) -> None:
    with traffic.stretch(settle=180) as stretch:
        production.command("messaging", "stop", "--stack", "prod", timeout=UP_SECONDS)
        ends = [production.container(name).attrs["State"]["ExitCode"] for name in BROKERS]
        production.command("messaging", "start", "--stack", "prod", timeout=UP_SECONDS)

    assert ends == [143] * 3, "each was let go by the others, and none was killed when its time was over"
    assert_nothing_lost(stretch)
    harness.wait_for(lambda: is_healthy(production), "a healthy cluster", 90)


FILLER = "filler"
MEGABYTE = 1_000_000


class SmallDisk:
    """A disk of its own for the data of kafka-3, which comes to it as to a lost volume."""

    def __init__(self, workspace: Workspace, folder: Path, *, megabytes: int) -> None:
        self._folder = folder
        folder.mkdir()
        size = f"size={megabytes * MEGABYTE}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "disk", str(folder)], check=True)
        try:
            self._take(workspace)
        except BaseException:
            self.unmount()
            raise

    def _take(self, workspace: Workspace) -> None:
        engine, name = harness.client(), workspace.name("kafka-3-data")
        owner, group = workspace.execute("kafka-3", "stat", "-c", "%u %g", DATA_FOLDER).split()
        os.chown(self._folder, int(owner), int(group))
        workspace.container("kafka-3").remove(force=True, v=True)
        labels = engine.volumes.get(name).attrs["Labels"]
        engine.volumes.get(name).remove()
        bound = {"type": "none", "o": "bind", "device": str(self._folder)}
        engine.volumes.create(name, driver="local", driver_opts=bound, labels=labels)
        workspace.command("messaging", "repair", "--stack", "prod", timeout=UP_SECONDS)
        if workspace.execute("kafka-3", "stat", "-f", "-c", "%T", DATA_FOLDER).strip() != "tmpfs":
            pytest.skip("this Docker engine does not see what is mounted here")

    @property
    def used(self) -> int:
        """Bytes."""
        there = os.statvfs(self._folder)
        return (there.f_blocks - there.f_bfree) * there.f_frsize

    @property
    def free(self) -> int:
        """Bytes."""
        there = os.statvfs(self._folder)
        return there.f_bfree * there.f_frsize

    def grow(self, *, megabytes: int) -> None:
        """Makes room."""
        size = f"remount,size={megabytes * MEGABYTE}"
        subprocess.run(["mount", "-o", size, str(self._folder)], check=True)

    def unmount(self) -> None:
        """Takes it away, whoever uses it."""
        subprocess.run(["umount", "--lazy", str(self._folder)], check=True)


@pytest.fixture
def small_disk(production: Workspace, tmp_path: Path) -> Iterator[SmallDisk]:
    """One on which kafka-3 is in sync."""
    disk = SmallDisk(production, tmp_path / "disk", megabytes=400)
    try:
        harness.wait_for(lambda: is_healthy(production), "a healthy cluster", 120)
        yield disk
    finally:
        production.container("kafka-3").remove(force=True, v=True)
        disk.unmount()


def fill(workspace: Workspace, disk: SmallDisk) -> None:
    """Writes to a topic with three copies until there is no room for the third."""
    admin = AdminClient({"bootstrap.servers": bootstrap(workspace)} | QUIET)
    topic = NewTopic(FILLER, 1, 3, config={"min.insync.replicas": "2", "segment.bytes": "16777216"})
    admin.create_topics([topic])[FILLER].result(30)
    producer = Producer({"bootstrap.servers": bootstrap(workspace), "acks": "all"} | QUIET)
    for _ in range(2 * 400):
        for _ in range(10):
            producer.produce(FILLER, os.urandom(100_000))
        assert producer.flush(60) == 0
        if disk.free < MEGABYTE:
            return
    raise AssertionError(f"{disk.free} bytes are still free")


@harness.needs("mount", "umount", root=True)
def test_a_full_disk_takes_one_broker_and_no_message_and_room_brings_it_back(
    production: Workspace, traffic: Traffic, small_disk: SmallDisk
) -> None:
    with traffic.stretch(settle=180) as stretch:
        fill(production, small_disk)
        harness.wait_for(
            lambda: production.command("messaging", "health", "--stack", "prod", check=False).code == 3,
            "the alarm",
        )
        sick = production.command("messaging", "health", "--stack", "prod", check=False)
        full = small_disk.used

        small_disk.grow(megabytes=600)
        production.execute(
            "kafka-1", "kafka-configs", "--bootstrap-server", "localhost:29092", "--alter",
            "--entity-type", "topics", "--entity-name", FILLER, "--add-config", "retention.bytes=16777216",
        )  # fmt: skip
        production.command("messaging", "repair", "--stack", "prod", timeout=UP_SECONDS)

    assert production.name("kafka-3") in sick.out, sick.text
    assert_nothing_lost(stretch)
    assert_never_under_min(stretch)
    harness.wait_for(lambda: is_healthy(production), "a healthy cluster", 90)
    harness.wait_for(lambda: small_disk.used < full / 2, "room on the disk", 180)
