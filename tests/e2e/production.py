"""What the tests of production share: a cluster of three brokers, and what must always be true of it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import yaml

from tests.e2e import harness

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.harness import Workspace
    from tests.e2e.traffic import Stretch

BROKERS = ("kafka-1", "kafka-2", "kafka-3")
FULL_ISR_SECONDS = 60
UP_SECONDS = 600


def make(folder: Path) -> Workspace:
    """A copy of the project for three small brokers; replicas count as behind after 5 s, not 30."""
    workspace = harness.new_workspace(
        folder,
        f"p{uuid.uuid4().hex[:6]}",
        stack="prod",
        environment={"PULUMI_CONFIG_PASSPHRASE": "correct horse battery staple"},
    )
    workspace.configure("cluster.heap", "512m")
    workspace.configure("cluster.memory", "1g")
    workspace.configure("cluster.readyTimeout", "60s")
    set_kafka(workspace, "replica.lag.time.max.ms", 5000)
    return workspace


def bootstrap(workspace: Workspace) -> str:
    """The brokers' own addresses."""
    return ",".join(f"localhost:{workspace.port(port)}" for port in (9092, 9093, 9094))


def set_kafka(workspace: Workspace, name: str, value: object) -> None:
    """Puts one of Kafka's settings into the stack's file, as a person edits it."""
    file = workspace.root / "Pulumi.prod.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"]["messaging:cluster"].setdefault("settings", {})[name] = value
    file.write_text(yaml.safe_dump(content, sort_keys=False))


def ids(workspace: Workspace) -> list[str]:
    return [workspace.container(name).id for name in BROKERS]


def assert_nothing_lost(stretch: Stretch) -> None:
    assert stretch.acknowledged >= 5000, stretch
    assert stretch.lost == 0, stretch
    assert stretch.failed == 0, stretch


def assert_unnoticed(stretch: Stretch, *, nodes: int) -> None:
    """Nothing lost, one broker at a time, no partition below its minimum, all in sync again in time."""
    print(stretch)  # noqa: T201 - the longest stall is to be reported
    assert_nothing_lost(stretch)
    assert stretch.most_down == (1 if nodes else 0), stretch
    assert stretch.most_under_min == 0, stretch
    assert stretch.slowest_recovery <= FULL_ISR_SECONDS * max(1, nodes), stretch
