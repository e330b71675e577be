"""What the policy pack adds to a preview of the production stack: previews with and without it, in turn.

Prints minimum, median and maximum of the rounds: seconds on the clock, and seconds of all processors
together, which a busy machine falsifies less. It needs no Docker engine and leaves nothing behind.

    .venv/bin/python -m benchmarks.policies --rounds 10
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.policies.conftest import Checkout, fresh

CLOCKS = ("clock", "processors")


def _processors() -> float:
    """Seconds that finished child processes have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(checkout: Checkout, rounds: int) -> dict[str, list[float]]:
    """Seconds of each preview, the two kinds in turn so that both see the same machine."""
    kinds: dict[str, dict[str, str]] = {
        "without the pack": {"PULUMI_OPTION_POLICY_PACK": ""},
        "with the pack": {},
    }
    found: dict[str, list[float]] = {f"{kind}, {clock}": [] for clock in CLOCKS for kind in kinds}
    for _ in range(rounds):
        for kind, variables in kinds.items():
            begin, before = time.perf_counter(), _processors()
            preview = checkout.preview(**variables)
            for clock, spent in zip(
                CLOCKS, (time.perf_counter() - begin, _processors() - before), strict=True
            ):
                found[f"{kind}, {clock}"].append(spent)
            if preview.code:
                sys.exit(f"the preview failed:\n{preview.text}")
    return found


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(fresh("prod", Path(folder)), rounds)
    table = Table("figure", "min", "median", "max", "rounds")
    for clock in CLOCKS:
        pairs = zip(figures[f"without the pack, {clock}"], figures[f"with the pack, {clock}"], strict=True)
        figures[f"difference, {clock}"] = [more - less for less, more in pairs]
    for name, values in figures.items():
        low, middle, high = min(values), statistics.median(values), max(values)
        table.add_row(name, f"{low:.2f}", f"{middle:.2f}", f"{high:.2f}", str(len(values)))
    Console().print(table)


if __name__ == "__main__":
    main()
