"""The embedded engine by itself: how its time, memory and writing grow with the number of resources.

The program registers dynamic resources that do nothing, so that what is measured is the engine, the SDK and
the protocol between them. Prints one row for each number of resources and the slope between the first and the
last; with --development also previews of the development stack, which takes Docker and the images.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.e2e import harness

PROGRAM = """\
import pulumi
from things import Thing

for number in range(pulumi.Config().require_int("count")):
    Thing(f"thing-{number}", number)
"""
THINGS = '''\
"""Resources that do nothing."""

from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider


class Nothing(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        return CreateResult(str(props["number"]), {**props})

    def diff(self, _id, olds, news):
        return DiffResult(changes=olds["number"] != news["number"])


class Thing(Resource):
    def __init__(self, name, number):
        text = "a property of some length, as resources have it " * 8
        super().__init__(Nothing(), name, {"number": number, "text": text})
'''


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[250, 500, 1000], help="numbers of resources")
    parser.add_argument("--development", action="store_true", help="also preview the development stack")
    options = parser.parse_args()
    rows = [measured(count) for count in options.counts]
    table = Table("resources", *list(rows[0])[1:])
    for row in rows:
        table.add_row(*(f"{value:.1f}" if isinstance(value, float) else str(value) for value in row.values()))
    first, last = rows[0], rows[-1]
    if first is not last:
        grown = last["resources"] - first["resources"]
        slopes = [f"{(last[name] - first[name]) / grown * 1000:.1f}" for name in list(first)[1:]]
        table.add_row("a 1000 more", *slopes)
    Console().print(table)
    if options.development:
        seconds = development()
        Console().print(
            f"preview of the development stack, nothing to change: {min(seconds):.1f} s "
            f"(median {statistics.median(seconds):.1f} s of {len(seconds)})"
        )
    return 0


def measured(count: int) -> dict[str, Any]:
    """One row: a stack with so many resources previewed, deployed, previewed again and destroyed."""
    sys.stderr.write(f"{count} resources\n")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "Pulumi.yaml").write_text("name: many\nruntime: python\n")
        (root / "things.py").write_text(THINGS)
        (root / "__main__.py").write_text(PROGRAM)
        run(root, "stack", "init", "dev")
        run(root, "config", "set", "count", str(count))
        planned = run(root, "preview")
        done = run(root, "up", "--yes", "--skip-preview")
        unchanged = run(root, "preview", "--expect-no-changes")
        gone = run(root, "destroy", "--yes", "--skip-preview")
    return {
        "resources": count,
        "first preview, s": planned["seconds"],
        "up, s": done["seconds"],
        "no-op preview, s": unchanged["seconds"],
        "destroy, s": gone["seconds"],
        "saves in up": done["saves"],
        "s in saves": done["saving"],
        "MB written": done["written"] / 1e6,
        "engine's memory, MB": done["memory"],
    }


def run(root: Path, *arguments: str) -> dict[str, Any]:
    """Runs the engine in a process of its own and returns what it counted.

    Raises:
        RuntimeError: it failed; the message is what it said.
    """
    report = root / "report.json"
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.counted_run", str(report), *arguments],
        cwd=root,
        env={
            **os.environ,
            "PYTHONPATH": str(harness.ROOT),
            "PULUMI_BACKEND_URL": root.as_uri(),
            "PULUMI_HOME": str(root / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_STACK": "dev",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(
            f"pulumi {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return {**json.loads(report.read_text()), "seconds": seconds}


def development(rounds: int = 3) -> list[float]:
    """Seconds of previews of a development stack of its own that has nothing to change."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = harness.new_workspace(Path(folder), f"b{int(time.time()) % 100000}")
        try:
            workspace.up()
            taken = []
            for _ in range(rounds):
                began = time.perf_counter()
                workspace.pulumi("preview", "--expect-no-changes")
                taken.append(time.perf_counter() - began)
            workspace.pulumi("destroy", "--yes")
            return taken
        finally:
            workspace.remove()


if __name__ == "__main__":
    sys.exit(main())
