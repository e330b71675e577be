"""`up`, `preview`, `destroy` and `refresh`: a preview, the question, the run, and the exit code."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli import options
from engine.cli.session import TERMINAL, Session
from engine.display.display import Display, HumanDisplay
from engine.display.documents import EventLines, PreviewDocument
from engine.errors import BadInput, Cancelled, UnexpectedChanges
from engine.events import Operation
from engine.executor import Cancellation
from engine.run import Settings
from engine.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.events import Sink
    from engine.run import Result

    Work = Callable[[Settings, Snapshot, Sink, Cancellation], Result]

PARALLEL = 4 * (os.cpu_count() or 1)
"""The CLI's default: four steps at once for each processor."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a run is shown."""

    diff: bool = False
    json: bool = False
    suppress_outputs: bool = False
    suppress_progress: bool = False


@dataclass
class Runner:
    """Runs one piece of work on a stack, first as a preview, then for real."""

    session: Session
    work: Work
    verb: str
    style: Style
    parallel: int

    def preview(self) -> Result:
        """Plans only; saves nothing."""
        title = f"Previewing {self.verb} ({self.session.stack}):"
        with self._shown(title, preview=True) as (display, cancellation):
            return self.work(
                self._settings(preview=True), Snapshot(self.session.load()), display.sink, cancellation
            )

    def run(self) -> Result:
        """Does it."""
        title = f"{self.verb.capitalize()} ({self.session.stack}):"
        with self._shown(title, preview=False) as (display, cancellation):
            snapshot = Snapshot(self.session.load(), self.session.save)
            return self.work(self._settings(preview=False), snapshot, display.sink, cancellation)

    def _settings(self, *, preview: bool) -> Settings:
        config, secret_keys = self.session.program_config()
        return Settings(
            project=self.session.place.project,
            stack=self.session.stack,
            config=config,
            secret_keys=secret_keys,
            parallel=self.parallel,
            preview=preview,
            root=self.session.place.project.root,
        )

    @contextmanager
    def _shown(self, title: str, *, preview: bool) -> Iterator[tuple[Display, Cancellation]]:
        display = self._display(preview=preview)
        cancellation = Cancellation()
        with _interruptible(cancellation):
            display.begin(title)
            try:
                yield display, cancellation
            finally:
                display.end()

    def _display(self, *, preview: bool) -> Display:
        masker = self.session.masker
        if self.style.json and preview and not os.environ.get("PULUMI_ENABLE_STREAMING_JSON_PREVIEW"):
            config, secret_keys = self.session.program_config()
            shown = {key: "[secret]" if key in secret_keys else value for key, value in config.items()}
            return PreviewDocument(masker, shown)
        if self.style.json:
            return EventLines(masker)
        return HumanDisplay(
            masker,
            interactive=TERMINAL.interactive and not self.style.suppress_progress,
            color=TERMINAL.colored,
            diff=self.style.diff,
            show_outputs=not self.style.suppress_outputs,
        )


def up(
    context: typer.Context,
    stack: options.Stack = None,
    yes: options.Yes = False,
    skip_preview: options.SkipPreview = False,
    parallel: options.Parallel = PARALLEL,
    diff: options.Diff = False,
    json: options.Json = False,
    expect_no_changes: options.ExpectNoChanges = False,
    suppress_outputs: options.SuppressOutputs = False,
    suppress_progress: options.SuppressProgress = False,
    message: options.Message = None,
) -> None:
    """Bring the stack to what the program says."""
    options.refuse_extra("up", context.args)
    del message
    from engine.update import update  # the engine's parts load while the passphrase is being worked on

    style = Style(
        diff=diff, json=json, suppress_outputs=suppress_outputs, suppress_progress=suppress_progress
    )
    _previewed(stack, update, "update", style, parallel, yes, skip_preview, expect_no_changes)


def preview(
    context: typer.Context,
    stack: options.Stack = None,
    parallel: options.Parallel = PARALLEL,
    diff: options.Diff = False,
    json: options.Json = False,
    expect_no_changes: options.ExpectNoChanges = False,
    suppress_outputs: options.SuppressOutputs = False,
    suppress_progress: options.SuppressProgress = False,
    message: options.Message = None,
) -> None:
    """Say what `up` would do, and change nothing."""
    options.refuse_extra("preview", context.args)
    del message
    from engine.update import update

    style = Style(
        diff=diff, json=json, suppress_outputs=suppress_outputs, suppress_progress=suppress_progress
    )
    runner = Runner(Session.open(stack), update, "update", style, parallel)
    result = runner.preview()
    _end(result, expect_no_changes=expect_no_changes)


def destroy(
    context: typer.Context,
    stack: options.Stack = None,
    yes: options.Yes = False,
    skip_preview: options.SkipPreview = False,
    parallel: options.Parallel = PARALLEL,
    exclude_protected: Annotated[
        bool, typer.Option("--exclude-protected", help="Leave protected resources and what they need")
    ] = False,
    json: options.Json = False,
    suppress_progress: options.SuppressProgress = False,
    message: options.Message = None,
) -> None:
    """Delete everything that the stack has, with its data."""
    options.refuse_extra("destroy", context.args)
    del message
    from engine.destroy import destroy as work

    def destroying(settings: Settings, snapshot: Snapshot, sink: Sink, cancellation: Cancellation) -> Result:
        return work(settings, snapshot, sink, cancellation, exclude_protected=exclude_protected)

    style = Style(json=json, suppress_outputs=True, suppress_progress=suppress_progress)
    _previewed(stack, destroying, "destroy", style, parallel, yes, skip_preview, expect_no_changes=False)


def refresh(
    context: typer.Context,
    stack: options.Stack = None,
    yes: options.Yes = False,
    skip_preview: options.SkipPreview = False,
    preview_only: Annotated[
        bool, typer.Option("--preview-only", help="Say what has drifted, and keep the state")
    ] = False,
    target: Annotated[
        list[str] | None, typer.Option("--target", "-t", help="Only resources whose URN matches")
    ] = None,
    clear_pending_creates: Annotated[
        bool, typer.Option("--clear-pending-creates", help="Forget creations of runs that died")
    ] = False,
    parallel: options.Parallel = PARALLEL,
    diff: options.Diff = False,
    json: options.Json = False,
    expect_no_changes: options.ExpectNoChanges = False,
    suppress_progress: options.SuppressProgress = False,
    message: options.Message = None,
) -> None:
    """Take what really exists into the state."""
    options.refuse_extra("refresh", context.args)
    del message
    from engine.refresh import refresh as work

    def refreshing(settings: Settings, snapshot: Snapshot, sink: Sink, cancellation: Cancellation) -> Result:
        if clear_pending_creates:
            snapshot.clear_pending_creates()
        return work(settings, snapshot, sink, cancellation, targets=list(target or ()))

    style = Style(diff=diff, json=json, suppress_outputs=True, suppress_progress=suppress_progress)
    if preview_only:
        result = Runner(Session.open(stack), refreshing, "refresh", style, parallel).preview()
        _end(result, expect_no_changes=expect_no_changes)
        return
    _previewed(stack, refreshing, "refresh", style, parallel, yes, skip_preview, expect_no_changes)


def _previewed(
    stack: str | None,
    work: Work,
    verb: str,
    style: Style,
    parallel: int,
    yes: bool,
    skip_preview: bool,
    expect_no_changes: bool,
) -> None:
    """A preview, the question, the run."""
    if not yes and not TERMINAL.interactive:
        raise (
            BadInput(
                "--yes or --skip-preview must be passed in to proceed when running in non-interactive mode"
            )
            if (not skip_preview)
            else BadInput("--yes must be passed in to proceed when running in non-interactive mode")
        )
    session = Session.open(stack)
    runner = Runner(session, work, verb, style, parallel)
    with session.locked():
        if not skip_preview:
            planned = runner.preview()
            _end(planned, expect_no_changes=expect_no_changes, on_success=False)
            if not yes and not _agreed(verb):
                raise Cancelled(f"The {verb} was not confirmed.")
        _end(runner.run(), expect_no_changes=expect_no_changes)


def _end(result: Result, *, expect_no_changes: bool, on_success: bool = True) -> None:
    """Ends the command with the result's exit code; without `on_success` only if something is wrong."""
    changed = sum(count for operation, count in result.changes.items() if operation is not Operation.SAME)
    if not result.exit_code and expect_no_changes and changed:
        raise UnexpectedChanges(f"no changes were expected but there are {changed}")
    if result.exit_code or on_success:
        raise typer.Exit(result.exit_code)


def _agreed(verb: str) -> bool:
    while True:
        answer = input(f"\nDo you want to perform this {verb}? (yes/no) ").strip().lower()
        if answer in {"yes", "y"}:
            return True
        if answer in {"no", "n", ""}:
            return False


@contextmanager
def _interruptible(cancellation: Cancellation) -> Iterator[None]:
    """The first interrupt lets running steps finish, the second one stops them."""

    def interrupted(_number: int, _frame: object) -> None:
        if cancellation.requested:
            sys.stderr.write("\nstopping at once; what was under way has an unknown outcome\n")
            cancellation.abort()
        else:
            sys.stderr.write("\nfinishing what is under way; interrupt again to stop at once\n")
            cancellation.request()

    before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
