"""Figures of several rounds and the table that shows them."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Figures:
    """What was measured, by name, a list of rounds each."""

    rounds: dict[str, list[float]] = field(default_factory=dict)

    def time(self, name: str, work: Callable[[], object]) -> None:
        """Runs the work and notes how long it took."""
        begin = time.perf_counter()
        work()
        self.note(name, time.perf_counter() - begin)

    def note(self, name: str, value: float) -> None:
        """Notes one round of a figure."""
        self.rounds.setdefault(name, []).append(value)

    def table(self) -> Table:
        """The figures as they are printed."""
        table = Table("figure", "min", "median", "max", "rounds")
        for name, values in self.rounds.items():
            low, middle, high = min(values), statistics.median(values), max(values)
            table.add_row(name, f"{low:.2f}", f"{middle:.2f}", f"{high:.2f}", str(len(values)))
        return table
