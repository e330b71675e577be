"""The embedded engine beside the Pulumi CLI: previews of a development platform in which nothing changes.

Prints one row a figure: minimum, median and maximum of the rounds, in seconds. Needs the images, Docker, and
a Pulumi CLI with its plugins on PATH. It makes a copy of the project with its own names and ports and removes
it again. Both engines read the same state; the rounds alternate, so that the machine's load meets both alike.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks.figures import Figures
from tests.e2e import harness
from tests.parity.engines import ENGINES, QUIET, missing


def main() -> int:
    """Measures as many rounds as asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each figure is measured")
    options = parser.parse_args()
    if reason := missing():
        sys.stderr.write(f"error: {reason}\n")
        return 1
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        workspace = harness.new_workspace(Path(folder), f"b{int(time.time()) % 100000}")
        try:
            workspace.up()
            for number in range(options.rounds):
                sys.stderr.write(f"round {number + 1} of {options.rounds}\n")
                for engine in ENGINES:
                    environment = {"MESSAGING_ENGINE": engine, **QUIET}
                    figures.time(
                        f"pulumi preview, nothing to change: {engine}",
                        lambda given=environment: workspace.pulumi(  # type: ignore[misc]
                            "preview", "--expect-no-changes", environment=given
                        ),
                    )
            workspace.pulumi("destroy", "--yes")
        finally:
            workspace.remove()
    Console().print(figures.table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
