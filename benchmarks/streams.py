"""A thousand streams: what planning and applying them costs, beside the fastest way by hand.

Starts a development platform of its own with a larger broker, grows its catalogue step by step, and prints
one row a size: seconds of each command and milliseconds a stream. The other way is one AdminClient that makes
the same number of topics on the same broker, without subjects, state or a plan. Where a Pulumi CLI and its
plugins are on PATH, it does the same on a platform of its own; it alone can be given fewer sizes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from confluent_kafka.admin import AdminClient, NewTopic
from rich.console import Console
from rich.table import Table

from messaging import catalogue, streams
from tests.e2e import harness
from tests.parity.engines import QUIET, missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.harness import Workspace

BATCH = 250
"""Topics in one request of the AdminClient script."""
PATIENCE = 3600


def main() -> int:
    """Measures each size and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000], help="numbers of streams")
    parser.add_argument(
        "--cli-sizes", type=int, nargs="*", help="the CLI's; none: without the CLI (default: as --sizes)"
    )
    options = parser.parse_args()
    columns = (
        "engine",
        "streams",
        "topics",
        "plan",
        "apply",
        "ms a stream",
        "plan, no change",
        "AdminClient",
        "state",
    )
    table = Table(*columns)
    for row in _platform("embedded", {"MESSAGING_ENGINE": "embedded"}, options.sizes):
        table.add_row(*row)
    cli_sizes = options.sizes if options.cli_sizes is None else options.cli_sizes
    reason = missing()
    if reason and cli_sizes:
        sys.stderr.write(f"without the CLI: {reason}\n")
    elif cli_sizes:
        for row in _platform("cli", {"MESSAGING_ENGINE": "cli", **QUIET}, cli_sizes):
            table.add_row(*row)
    Console(width=140).print(table)
    return 0


def _platform(engine: str, environment: dict[str, str], sizes: list[int]) -> list[tuple[str, ...]]:
    """A platform from nothing by one engine, grown to each size; a row for each."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = harness.new_workspace(Path(folder), f"b{int(time.time()) % 100000}")
        try:
            return [(engine, *row) for row in _rows(workspace, sizes, environment)]
        finally:
            workspace.remove()


def _rows(workspace: Workspace, sizes: list[int], environment: dict[str, str]) -> list[tuple[str, ...]]:
    def pulumi(*words: str) -> float:
        return _timed(lambda: workspace.pulumi(*words, timeout=PATIENCE, environment=environment))

    workspace.configure("cluster.heap", "2g")
    workspace.configure("cluster.memory", "4g")
    pulumi("up", "--yes")
    there = 0
    rows: list[tuple[str, ...]] = []
    for size in sorted(sizes):
        write_catalogue(workspace.root / "schemas", size)
        plan = pulumi("preview")
        apply = pulumi("up", "--yes", "--skip-preview")
        again = pulumi("preview", "--expect-no-changes")
        by_hand = _by_script(workspace, size - there)
        state = workspace.root / ".pulumi" / "stacks" / "messaging" / f"{workspace.stack}.json"
        row = (
            f"{there} to {size}",
            str(size * 5),
            f"{plan:.1f}",
            f"{apply:.1f}",
            f"{apply * 1000 / (size - there):.0f}",
            f"{again:.1f}",
            f"{by_hand:.1f}",
            f"{state.stat().st_size / 1e6:.1f} MB",
        )
        sys.stderr.write(f"{' | '.join(row)}\n")
        rows.append(row)
        there = size
    return rows


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def write_catalogue(folder: Path, size: int) -> None:
    """The project's own streams, and beside them as many as asked for."""
    shutil.rmtree(folder)
    shutil.copytree(harness.ROOT / "schemas", folder)
    document = yaml.safe_load((folder / catalogue.FILE).read_text())
    model: dict[str, Any] = document["streams"]["sensor-data"]
    schema = json.loads((folder / "sensor-data.avsc").read_text())
    for number in range(size):
        name = f"load-{number:04}"
        (folder / f"{name}.avsc").write_text(json.dumps(schema | {"name": f"Load{number}"}))
        document["streams"][name] = {**model, "key": "string", "value": f"{name}.avsc"}
    (folder / catalogue.FILE).write_text(yaml.safe_dump(document, sort_keys=False))


def _by_script(workspace: Workspace, count: int) -> float:
    """Creates topics like those of so many streams and waits until they are there, then removes them."""
    admin = AdminClient({"bootstrap.servers": f"localhost:{workspace.port(9092)}"})
    model = catalogue.load(harness.ROOT / "schemas").streams[0]
    one = streams.topics(model, "dev", min_insync_replicas=1, replication_factor=1)
    wanted = [
        NewTopic(f"hand-{number:04}{topic.name}", 1, 1, config=dict(topic.config))
        for number in range(count)
        for topic in one
    ]

    def create() -> None:
        for begin in range(0, len(wanted), BATCH):
            for future in admin.create_topics(wanted[begin : begin + BATCH], request_timeout=60).values():
                future.result(120)

    seconds = _timed(create)
    names = [topic.topic for topic in wanted]
    for begin in range(0, len(names), BATCH):
        for future in admin.delete_topics(names[begin : begin + BATCH], request_timeout=60).values():
            future.result(120)
    return seconds


if __name__ == "__main__":
    sys.exit(main())
