"""What the tests of production share: a cluster of three brokers, and what must always be true of it."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import yaml

from messaging.protocol import Address
from tests.e2e import harness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.harness import Workspace
    from tests.e2e.traffic import Stretch

BROKERS = ("kafka-1", "kafka-2", "kafka-3")
FULL_ISR_SECONDS = 60
STOOD_STILL_SECONDS = 3.0
"""Most of a broker's session of 4 s, of which heartbeats and looks at it may have used up the rest."""
UP_SECONDS = 600


def make(folder: Path) -> Workspace:
    """A copy of the project for three small brokers."""
    workspace = harness.new_workspace(
        folder,
        f"p{uuid.uuid4().hex[:6]}",
        stack="prod",
        environment={"PULUMI_CONFIG_PASSPHRASE": "correct horse battery staple"},
    )
    workspace.configure("cluster.heap", "512m")
    workspace.configure("cluster.memory", "1g")
    workspace.configure("cluster.readyTimeout", "60s")
    return workspace


@contextmanager
def deployed(folder: Path, *, engine: str = "embedded") -> Iterator[Workspace]:
    """The same, brought up by an engine; gone afterwards."""
    workspace = make(folder)
    workspace.environment["MESSAGING_ENGINE"] = engine
    try:
        workspace.up(timeout=UP_SECONDS)
        yield workspace
    finally:
        # Its volumes are protected, so a destroy would be refused; what is left goes by its name.
        workspace.remove()


def bootstrap(workspace: Workspace) -> str:
    """The brokers' own addresses."""
    return ",".join(f"localhost:{workspace.port(port)}" for port in (9092, 9093, 9094))


def broker(workspace: Workspace, number: int) -> Address:
    """Where one of the first three answers."""
    return Address(host="localhost", port=workspace.port(9091 + number))


def is_healthy(workspace: Workspace) -> bool:
    """Whether `messaging health` has nothing to say."""
    return workspace.command("messaging", "health", "--stack", "prod", check=False).code == 0


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


def assert_never_under_min(stretch: Stretch) -> None:
    """No partition below its minimum, unless sessions ran out because the machine itself stood still."""
    stood_still = stretch.stood_still >= STOOD_STILL_SECONDS and stretch.sessions_ended
    assert stretch.most_under_min == 0 or stood_still, stretch


def assert_unnoticed(stretch: Stretch, *, nodes: int) -> None:
    """Nothing lost, one broker at a time, no partition below its minimum, all in sync again in time."""
    print(stretch)  # noqa: T201 - the longest stall is to be reported
    assert_nothing_lost(stretch)
    assert stretch.most_down == (1 if nodes else 0), stretch
    assert_never_under_min(stretch)
    assert stretch.slowest_recovery <= FULL_ISR_SECONDS * max(1, nodes), stretch
