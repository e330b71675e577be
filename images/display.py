"""Shows how builds that run side by side get on: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console


@dataclass
class _Row:
    step: str
    since: float = field(default_factory=time.monotonic)
    end: str = ""


class Display:
    """Used as a context while builds run. Its methods may be called from any thread."""

    def __init__(self, console: Console) -> None:
        """Shows on a console; live only if that is a terminal."""
        self._console = console
        self._rows: dict[str, _Row] = {}
        self._spinner = Spinner("dots")
        self._lock = threading.Lock()
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=8)

    def __enter__(self) -> Self:
        """Starts the live table."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the table's last state on the screen."""
        if self._console.is_terminal:
            self._live.stop()

    def step(self, role: str, step: str) -> None:
        """An image's build has come to a step."""
        with self._lock:
            self._rows.setdefault(role, _Row(step)).step = step
        self._line(role, step)

    def done(self, role: str, seconds: float) -> None:
        """An image has been built."""
        self._end(role, f"built in {seconds:.0f} s", "green")

    def failed(self, role: str, text: str) -> None:
        """An image has not been built; the error that follows says why."""
        self._end(role, text, "red")

    def note(self, text: str) -> None:
        """Something a person should know besides."""
        self._console.print(text, highlight=False)

    def _end(self, role: str, text: str, style: str) -> None:
        with self._lock:
            row = self._rows.setdefault(role, _Row(text))
            row.step, row.end = text, style
        self._line(role, text)

    def _line(self, role: str, text: str) -> None:
        if not self._console.is_terminal:
            self._console.print(f"{role}: {text}", highlight=False)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        with self._lock:
            for role, row in self._rows.items():
                if row.end:
                    table.add_row(
                        Text("✔" if row.end == "green" else "✘", row.end), role, Text(row.step, row.end)
                    )
                else:
                    seconds = f"{time.monotonic() - row.since:3.0f} s"
                    table.add_row(self._spinner, role, Text(f"{row.step}  {seconds}", "dim"))
        return table
