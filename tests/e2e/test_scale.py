"""Hundreds of streams on one broker: all of them are there, and what is written grows with their number.

How long it takes is measured by `python -m benchmarks.streams`.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka.admin import AdminClient

from benchmarks.streams import write_catalogue
from engine.state.writer import SMALL
from messaging import catalogue
from tests.e2e import harness

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.harness import Workspace

TIMES = 12
"""How often, at most, a run writes the state that it leaves: all whole ones and the records between.

Of a state that is small when the run begins, each save writes the whole: that is bounded by its size alone.
"""


def counted(workspace: Workspace, report: Path, *arguments: str) -> dict[str, Any]:
    """One command of the embedded engine, and what it wrote."""
    workspace.command(
        "python",
        *("-m", "benchmarks.counted_run"),
        str(report),
        *arguments,
        *("--stack", workspace.stack),
        environment={
            "PYTHONPATH": str(harness.ROOT),
            "PULUMI_BACKEND_URL": workspace.root.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
        },
        timeout=3000,
    )
    found: dict[str, Any] = json.loads(report.read_text())
    return found


@pytest.mark.long
@pytest.mark.timeout(5400)
def test_hundreds_of_streams_are_made_and_written_by_their_number(tmp_path: Path) -> None:
    workspace = harness.new_workspace(tmp_path, f"ts{uuid.uuid4().hex[:6]}")
    state = workspace.root / ".pulumi" / "stacks" / "messaging" / "dev.json"
    try:
        workspace.configure("cluster.heap", "1g")
        workspace.configure("cluster.memory", "2g")
        workspace.up()
        own = len(catalogue.load(harness.ROOT / "schemas").streams)
        for size in (100, 300):
            write_catalogue(workspace.root / "schemas", size)
            large = state.stat().st_size > SMALL

            made = counted(workspace, tmp_path / "report", "up", "--yes", "--skip-preview")

            assert not large or made["written"] < TIMES * state.stat().st_size, made
            assert made["memory"] < 300, made
            admin = AdminClient({"bootstrap.servers": f"localhost:{workspace.port(9092)}"})
            topics = {name for name in admin.list_topics(timeout=60).topics if not name.startswith("_")}
            assert len(topics) == (own + size) * 5
            workspace.pulumi("preview", "--expect-no-changes", timeout=1200)

        assert large, "the last run began with a small state"
        gone = counted(workspace, tmp_path / "report", "destroy", "--yes", "--skip-preview")
        assert gone["written"] < TIMES * state.with_name("dev.json.bak").stat().st_size + TIMES * 2**20, gone
        assert workspace.remains() == []
    finally:
        workspace.remove()
