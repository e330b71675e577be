"""What the policy pack adds to a preview of the production stack: previews with and without it, in turn.

Prints minimum, median and maximum of the rounds in seconds. It needs no Docker engine and leaves nothing
behind.

    .venv/bin/python -m benchmarks.policies --rounds 10
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.policies.conftest import Checkout, fresh


def measure(checkout: Checkout, rounds: int) -> dict[str, list[float]]:
    """Seconds of each preview, the two kinds in turn so that both see the same machine."""
    found: dict[str, list[float]] = {"without the pack": [], "with the pack": []}
    for _ in range(rounds):
        for name, variables in (
            ("without the pack", {"PULUMI_OPTION_POLICY_PACK": ""}),
            ("with the pack", {}),
        ):
            begin = time.perf_counter()
            preview = checkout.preview(**variables)
            found[name].append(time.perf_counter() - begin)
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
    extra = [more - less for less, more in zip(*figures.values(), strict=True)]
    for name, values in (*figures.items(), ("difference of a pair", extra)):
        low, middle, high = min(values), statistics.median(values), max(values)
        table.add_row(name, f"{low:.2f}", f"{middle:.2f}", f"{high:.2f}", str(len(values)))
    Console().print(table)


if __name__ == "__main__":
    main()
