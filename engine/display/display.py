"""The display of one run: collects events, hides secrets, and shows them as lines or as a live tree.

What a line says is decided in :mod:`engine.display.rendering`; JSON is written by
:mod:`engine.display.documents`.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TextIO

from rich.console import Console
from rich.text import Text

from engine.display import rendering
from engine.display.tree import Tree
from engine.events import Diagnostic, Operation, Output, Outputs, StepEvent, Summary

if TYPE_CHECKING:
    from engine.display.masking import Masker
    from engine.events import Event

QUIET = frozenset({Operation.SAME})
"""Operations that get no line."""


class Display(Protocol):
    """Something that shows a run."""

    def begin(self, title: str) -> None:
        """A run begins."""

    def sink(self, event: Event) -> None:
        """Something happened. Called from several threads."""

    def end(self) -> None:
        """The run is over, well or not."""


class HumanDisplay:
    """Lines of text for a person, with a live tree above them on a terminal.

    Args:
        masker: hides secrets.
        out: where it is written.
        interactive: whether a tree may be redrawn in place.
        color: whether to colour.
        diff: whether to show what of each resource's inputs changes.
        show_outputs: whether the stack's outputs are shown at the end.
    """

    def __init__(
        self,
        masker: Masker,
        *,
        out: TextIO = sys.stdout,
        interactive: bool,
        color: bool,
        diff: bool = False,
        show_outputs: bool = True,
    ) -> None:
        self._masker = masker
        self._console = Console(
            file=out, force_terminal=color or None, no_color=not color, highlight=False, soft_wrap=True
        )
        self._interactive = interactive
        self._diff = diff
        self._show_outputs = show_outputs
        self._lock = threading.Lock()
        self._tree: Tree | None = None
        self._collected: list[tuple[str, str]] = []
        self._outputs: Outputs | None = None

    def begin(self, title: str) -> None:
        """Names what runs; on a terminal, starts the tree."""
        self._console.print(Text(title, style="bold"))
        self._console.print()
        if self._interactive:
            self._tree = Tree(self._console)
            self._tree.start()

    def sink(self, event: Event) -> None:
        """Shows one event, its secrets hidden."""
        with self._lock:
            match event:
                case StepEvent():
                    self._learn(event)
                    self._step(event)
                case Diagnostic():
                    self._diagnostic(replace(event, message=self._masker.mask(event.message)))
                case Output(text=text):
                    self._program_line(self._masker.mask(text))
                case Outputs():
                    self._masker.learn(event.new)
                    self._outputs = event
                case Summary():
                    self._finish(event)

    def end(self) -> None:
        """Leaves the terminal as it was, also after an error."""
        if self._tree is not None:
            self._tree.stop()
            self._tree = None

    def _learn(self, event: StepEvent) -> None:
        for resource in (event.old, event.new):
            if resource is not None:
                self._masker.learn(resource.inputs)
                self._masker.learn(resource.outputs)

    def _step(self, event: StepEvent) -> None:
        if self._tree is not None:
            self._tree.step(event)
        elif event.operation not in QUIET and event.logical | (event.phase == "failed"):
            symbol = rendering.SYMBOLS[event.operation]
            took = (
                f" ({rendering.duration(event.seconds)})"
                if event.phase == "done" and not event.planned
                else ""
            )
            line = f" {symbol:<2} {rendering.label(event.urn)} {rendering.verb(event)}{took}"
            if event.phase == "begin" and event.planned:
                return
            self._console.print(
                Text(f"{line} {rendering.changes_of(event)}".rstrip(), style=rendering.STYLES.get(symbol, ""))
            )
        if self._diff and event.phase in {"plan", "done"} and event.operation not in QUIET and event.logical:
            self._collect("", "\n".join(rendering.difference(event, self._masker)))

    def _diagnostic(self, event: Diagnostic) -> None:
        if event.severity == "debug":
            return
        if self._tree is not None and event.urn and event.severity in {"info", "info#err"}:
            self._tree.message(event.urn, event.message)
        if event.ephemeral:
            if self._tree is None:
                self._console.print(
                    Text(f"    {rendering.label(event.urn) if event.urn else ''} {event.message}")
                )
            return
        style = {"error": "red", "warning": "yellow"}.get(event.severity, "")
        where = f"{rendering.label(event.urn)}: " if event.urn else ""
        word = f"{event.severity}: " if style else ""
        self._show(style, f"{where}{word}{event.message.rstrip()}")

    def _program_line(self, text: str) -> None:
        self._show("", text)

    def _show(self, style: str, text: str) -> None:
        """Lines at once, or below the tree once it stands still."""
        if self._tree is None:
            self._console.print(Text(f"    {text}", style=style))
        else:
            self._collect(style, text)

    def _collect(self, style: str, text: str) -> None:
        self._collected.append((style, text))

    def _finish(self, event: Summary) -> None:
        self.end()
        if self._collected:
            self._console.print()
        for style, text in self._collected:
            self._console.print(Text(text, style=style))
        self._collected.clear()
        if self._outputs is not None and self._show_outputs and self._outputs.new:
            self._console.print()
            for line in rendering.outputs(self._outputs.new):
                self._console.print(Text(self._masker.mask(line)))
        self._console.print()
        for line in rendering.summary(event):
            self._console.print(Text(line))
        if event.cancelled:
            self._console.print(Text("The run was cancelled.", style="yellow"))
