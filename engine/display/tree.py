"""The live tree of a run on a terminal: one row for each resource that changes, below its parents."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.live import Live
from rich.text import Text

from engine import urn as urns
from engine.display import rendering
from engine.events import Operation

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from engine.events import StepEvent

REFRESHES = 8
"""Redraws a second."""
MARGIN = 4
"""Rows kept free below the tree."""


@dataclass
class _Row:
    event: StepEvent
    """What the row says."""
    began: float
    spent: float = 0.0
    """Seconds of the steps that are done: a replacement has several."""
    message: str = ""


class Tree:
    """Rows by parent. News arrive in one thread, drawing happens in another."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._rows: dict[str, _Row] = {}
        self._parents: dict[str, str] = {}
        self._moving = False
        self._live = Live(
            console=console,
            refresh_per_second=REFRESHES,
            get_renderable=self._render,
            vertical_overflow="crop",
        )

    def start(self) -> None:
        """Begins to draw."""
        self._moving = True
        self._live.start()

    def stop(self) -> None:
        """Draws a last time, all rows, and leaves them standing."""
        self._moving = False
        self._live.stop()

    def step(self, event: StepEvent) -> None:
        """Takes a resource's news into its row."""
        resource = event.new or event.old
        with self._lock:
            if resource is not None:
                self._parents[event.urn] = resource.parent
            row = self._rows.get(event.urn)
            if row is None:
                self._rows[event.urn] = row = _Row(event, time.monotonic() - event.seconds)
            elif _says_more(event, row.event):
                row.event = event
            if event.phase == "begin":
                row.began = time.monotonic()
            else:
                row.spent += event.seconds
                row.message = ""

    def message(self, urn: str, text: str) -> None:
        """Puts a message beside a resource until its next news."""
        with self._lock:
            if urn in self._rows and text.strip():
                self._rows[urn].message = text.strip().splitlines()[-1]

    def _render(self) -> RenderableType:
        with self._lock:
            lines = [self._line(urn, depth) for urn, depth in self._ordered(self._shown())]
        room = max(self._console.size.height - MARGIN, 3)
        # What happens now is at the end; a tree higher than the screen shows its end.
        return Text("\n").join(lines[-room:] if self._moving else lines)

    def _shown(self) -> set[str]:
        shown: set[str] = set()
        for changed, row in self._rows.items():
            if rendering.uneventful(row.event) and row.event.phase != "failed":
                continue
            urn = changed
            while urn and urn not in shown:
                shown.add(urn)
                urn = self._parents.get(urn, "")
        return shown

    def _ordered(self, shown: set[str]) -> list[tuple[str, int]]:
        children: dict[str, list[str]] = {}
        for urn in self._rows:
            if urn in shown:
                parent = self._parents.get(urn, "")
                children.setdefault(parent if parent in self._rows else "", []).append(urn)
        ordered: list[tuple[str, int]] = []

        def walk(parent: str, depth: int) -> None:
            for urn in children.get(parent, ()):
                ordered.append((urn, depth))
                walk(urn, depth + 1)

        walk("", 0)
        return ordered

    def _line(self, urn: str, depth: int) -> Text:
        row = self._rows[urn]
        event = row.event
        symbol = rendering.SYMBOLS[event.operation]
        style = "red" if event.phase == "failed" else rendering.STYLES.get(symbol, "dim")
        line = Text(f" {symbol:<2} ", style=style)
        line.append(f"{'   ' * depth}{rendering.short_type(urn)} ", style="dim")
        line.append(urns.name_of(urn))
        if event.operation is not Operation.SAME:
            line.append(f"  {rendering.verb(event)}", style=style)
            if not event.planned:
                seconds = time.monotonic() - row.began if event.phase == "begin" else row.spent
                line.append(f" ({rendering.duration(seconds)})", style=style)
            line.append(f" {rendering.changes_of(event)}".rstrip(), style="dim")
        if row.message:
            line.append(f"  {row.message}", style="cyan")
        line.truncate(self._console.size.width, overflow="ellipsis")
        return line


def _says_more(event: StepEvent, shown: StepEvent) -> bool:
    """Whether a row should say this instead: a replacement, once it is known, outlasts its parts."""
    if event.phase in {"begin", "failed"}:
        return True
    if event.operation is Operation.SAME:
        return shown.operation is Operation.SAME
    return event.logical or shown.operation is not Operation.REPLACE or shown.phase == "begin"
