"""The display of one run for people: hides secrets in its events and shows them, as lines or as a live tree.

What a line says is decided in :mod:`engine.display.rendering`; JSON is written by
:mod:`engine.display.documents`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from rich.console import Console
from rich.text import Text

from engine.display import rendering
from engine.display.pipe import silence
from engine.display.policies import PolicyReport
from engine.display.tree import Tree
from engine.events import (
    Diagnostic,
    Operation,
    Output,
    Outputs,
    PolicyRemediation,
    PolicyViolation,
    StepEvent,
    Summary,
)

if TYPE_CHECKING:
    from engine.display.masking import Masker
    from engine.events import Event


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
        details: receives the lines that `diff` would show, for who asks for them later.
    """

    def __init__(
        self,
        masker: Masker,
        *,
        out: TextIO,
        interactive: bool,
        color: bool,
        diff: bool = False,
        show_outputs: bool = True,
        details: list[str] | None = None,
    ) -> None:
        self._masker = masker
        self._console = _console(out, color=color)
        self._interactive = interactive
        self._diff = diff
        self._show_outputs = show_outputs
        self._details = details
        self._lock = threading.Lock()
        self._tree: Tree | None = None
        self._collected: list[tuple[str, str]] = []
        self._progress: dict[str, str] = {}
        self._outputs: Outputs | None = None
        self._policies = PolicyReport()

    def begin(self, title: str) -> None:
        """Names what runs; on a terminal, starts the tree."""
        self._print(title, style="bold")
        self._print()
        if self._interactive:
            self._tree = Tree(self._console)
            self._tree.start()

    def sink(self, event: Event) -> None:
        """Shows one event, its secrets hidden."""
        with self._lock:
            self._masker.learn_event(event)
            match event:
                case StepEvent():
                    self._step(event)
                case Diagnostic():
                    self._diagnostic(event, self._masker.mask(event.message))
                case Output(text=text):
                    self._show(self._masker.mask(text))
                case Outputs():
                    self._outputs = event
                case PolicyViolation() | PolicyRemediation():
                    self._policies.take(event)
                case Summary():
                    self._finish(event)

    def end(self) -> None:
        """Leaves the terminal as it was and nothing untold, also after an error."""
        with self._lock:
            self._stand_still()

    def _step(self, event: StepEvent) -> None:
        if self._tree is not None:
            self._tree.step(event)
        elif event.phase == "failed" or _is_news(event):
            self._print(rendering.line(event), style=rendering.style(event))
        counts = event.logical or event.operation is Operation.REFRESH
        told = event.phase in {"plan", "done"} and counts and not rendering.uneventful(event)
        if told and (self._diff or self._details is not None):
            lines = list(rendering.difference(event, self._masker))
            if self._details is not None:
                self._details += lines
            if self._diff:
                self._show("\n".join(lines), indent="")

    def _diagnostic(self, event: Diagnostic, message: str) -> None:
        if event.severity == "debug":
            return
        if self._tree is not None and event.urn and event.severity in {"info", "info#err"}:
            self._tree.message(event.urn, message)
        where = f"{rendering.label(event.urn)}: " if event.urn else ""
        if event.ephemeral:
            # Without a tree each is a line, but what says the same again and again, as waiting does, is one.
            if self._tree is None and self._progress.get(event.urn) != message:
                self._progress[event.urn] = message
                self._print(f"    {where}{message}")
            return
        style = {"error": "red", "warning": "yellow"}.get(event.severity, "")
        word = f"{event.severity}: " if style else ""
        self._show(f"{where}{word}{message.rstrip()}", style=style)

    def _show(self, text: str, *, style: str = "", indent: str = "    ") -> None:
        """Text at once, or below the tree once it stands still."""
        if self._tree is None:
            self._print(f"{indent}{text}", style=style)
        else:
            self._collected.append((style, text))

    def _finish(self, event: Summary) -> None:
        section = [
            (style, self._masker.mask(line)) for style, line in self._policies.lines(event.policy_packs)
        ]
        if self._tree is not None:
            self._collected[:0] = section  # before what went wrong, as a violation is the cause of that
        self._stand_still()
        if section and not self._interactive:
            self._print()
            for style, line in section:
                self._print(line, style=style)
        if self._outputs is not None and self._show_outputs and self._outputs.new:
            self._print()
            for line in rendering.outputs(self._outputs.new):
                self._print(self._masker.mask(line))
        if not self._policies.forbids:
            self._print()
            for line in rendering.summary(event):
                self._print(line)
        if event.cancelled:
            self._print("The run was cancelled.", style="yellow")

    def _stand_still(self) -> None:
        if self._tree is not None:
            self._tree.stop()
            self._tree = None
        if self._collected:
            self._print()
        for style, text in self._collected:
            self._print(text, style=style)
        self._collected.clear()

    def _print(self, text: str = "", style: str = "") -> None:
        self._console.print(Text(text, style=style))


class _Console(Console):
    """A console whose reader may leave: the run goes on without it."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        silence(self.file)


def _console(out: TextIO, *, color: bool) -> Console:
    shared: dict[str, Any] = {"file": out, "highlight": False, "soft_wrap": True}
    if not color:
        return _Console(color_system=None, **shared)
    if out.isatty():
        return _Console(color_system="auto", **shared)
    return _Console(color_system="standard", force_terminal=True, **shared)


def _is_news(event: StepEvent) -> bool:
    """Whether a step gets a line of its own. That a replacement begins is said by its first part."""
    if rendering.uneventful(event):
        return False
    return event.operation is not Operation.REPLACE or event.phase != "begin"
