"""A planned roll of three brokers behind its gates, the same roll without them, and brokers that are killed.

Prints one row a round: seconds that the change took, the longest gap between two acknowledgements of a
producer with `acks=all` at 1,200 messages a second, and what was lost. Needs the images and Docker; it makes
a copy of the project with its own names and ports and removes it again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.e2e import production
from tests.e2e.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.harness import Workspace
    from tests.e2e.traffic import Stretch

GATE = "components/dynamic/broker_gate.py"
GATED, OPEN = (
    "    wait_until_safe(\n        ask, target.name",
    "    return\n    wait_until_safe(\n        ask, target.name",
)


def main() -> int:
    """Measures as many rounds as asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="how often each roll is measured")
    options = parser.parse_args()
    table = Table(
        "what", "s", "longest gap, s", "acknowledged", "lost", "most down", "under min ISR", "full ISR, s"
    )
    with tempfile.TemporaryDirectory() as folder:
        workspace = production.make(Path(folder))
        try:
            began = time.monotonic()
            workspace.up(timeout=production.UP_SECONDS)
            table.add_row("from nothing to all ready", f"{time.monotonic() - began:.1f}", *[""] * 6)
            began = time.monotonic()
            workspace.up()
            table.add_row("up without a change", f"{time.monotonic() - began:.1f}", *[""] * 6)
            with Traffic(workspace, production.bootstrap(workspace), list(production.BROKERS)) as traffic:
                _measure(table, traffic, workspace, options.rounds)
        finally:
            workspace.remove()
    Console(width=140).print(table)
    return 0


def _measure(table: Table, traffic: Traffic, workspace: Workspace, rounds: int) -> None:
    def row(what: str, work: Callable[[], None]) -> None:
        with traffic.stretch(settle=300) as stretch:
            began = time.monotonic()
            work()
            seconds = time.monotonic() - began
        table.add_row(what, f"{seconds:.1f}", *_columns(stretch))
        sys.stderr.write(f"{what}: {seconds:.1f} s; {stretch}\n")

    for number in range(rounds):
        production.set_kafka(workspace, "queued.max.requests", 500 + number)
        row("roll behind gates", lambda: _roll(workspace))
    for name in production.BROKERS:
        row(f"{name} killed with SIGKILL", lambda name=name: _kill(workspace, name))  # type: ignore[misc]
    gate = workspace.root / GATE
    source = gate.read_text()
    if GATED not in source:
        raise RuntimeError(f"{GATE} waits in other words than this benchmark takes out: {GATED!r}")
    gate.write_text(source.replace(GATED, OPEN))
    for number in range(rounds):
        production.set_kafka(workspace, "queued.max.requests", 600 + number)
        row("the same roll without gates", lambda: _roll(workspace))
    gate.write_text(source)


def _columns(stretch: Stretch) -> tuple[str, ...]:
    return (
        f"{stretch.longest_gap:.2f}",
        str(stretch.acknowledged),
        str(stretch.lost),
        str(stretch.most_down),
        str(stretch.most_under_min),
        f"{stretch.slowest_recovery:.1f}",
    )


def _roll(workspace: Workspace) -> None:
    workspace.up("--skip-preview", timeout=production.UP_SECONDS)


def _kill(workspace: Workspace, name: str) -> None:
    container = workspace.container(name)
    container.kill("SIGKILL")
    time.sleep(15)  # dead for longer than it takes to notice
    container.start()


if __name__ == "__main__":
    sys.exit(main())
