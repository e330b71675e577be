"""One command's work on a stack: run as a preview and for real, shown, and kept in the stack's history.

Which work, and whether the user agrees to it, is left to `operations`.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.cli import options
from engine.cli.interrupt import interruptible
from engine.cli.session import TERMINAL
from engine.display.display import Display, HumanDisplay
from engine.display.documents import EventLines, PreviewDocument
from engine.state import history
from engine.state.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.cli.session import Session
    from engine.deployment.refreshed import Work
    from engine.deployment.run import Result
    from engine.plugins.host import Pool
    from engine.policy.pack import Pack

STREAMING = "PULUMI_ENABLE_STREAMING_JSON_PREVIEW"
"""The CLI's variable: a preview in JSON is a line for each event instead of one document."""
_TITLES = {"update": "Updating", "destroy": "Destroying", "refresh": "Refreshing"}


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a run is shown."""

    diff: bool = False
    json: bool = False
    suppress_outputs: bool = False
    suppress_progress: bool = False


class Runner:
    """Runs one piece of work on a stack, first as a preview, then for real.

    Args:
        session: the stack.
        work: what is run; an entry point of :mod:`engine.deployment`.
        verb: what people call it.
        style: how it is shown.
        parallel: steps at once.
        message: kept in the stack's history.
        policy_packs: what judges an update.
    """

    def __init__(
        self,
        session: Session,
        work: Work,
        verb: str,
        style: Style,
        parallel: int,
        message: str | None = None,
        policy_packs: Sequence[Pack] = (),
    ) -> None:
        self.session = session
        self._work = work
        self.verb = verb
        self._style = style
        self._parallel = parallel
        self._policy_packs = tuple(policy_packs)
        self._message = message or ""
        self._pool: Pool | None = None
        self.details: list[str] = []
        """What the preview found in full, for who asks before agreeing."""

    @contextmanager
    def plugins_kept(self) -> Iterator[None]:
        """Inside it, the plugins of a preview serve the run after it."""
        from engine.plugins.host import Pool

        self._pool = Pool()
        try:
            yield
        finally:
            self._pool.close()

    def preview(self) -> Result:
        """Plans only; saves nothing."""
        return self._run(f"Previewing {self.verb} ({self.session.stack}):", preview=True)

    def run(self) -> Result:
        """Does it, and keeps in the stack's history that it was done."""
        started = int(time.time())
        result = None
        try:
            result = self._run(f"{_TITLES[self.verb]} ({self.session.stack}):", preview=False)
            return result
        finally:
            entry = history.Entry(
                kind=self.verb,
                message=self._message,
                config=self.session.config.values,
                started=started,
                ended=int(time.time()),
                failed=result is None or result.exit_code != 0,
                changes=result.changes if result else {},
            )
            with suppress(OSError):  # a full disk has been told of already
                history.record(
                    self.session.place.backend.history(self.session.stack), self.session.stack, entry
                )

    def _run(self, title: str, *, preview: bool) -> Result:
        from engine.deployment.executor import Cancellation
        from engine.deployment.run import Settings

        session = self.session
        config, secret_keys = session.program_config()
        if self.verb == "update":  # the others run no program, and must go with any configuration
            session.config.check()
        settings = Settings(
            project=session.place.project,
            stack=session.stack,
            config=config,
            secret_keys=secret_keys,
            parallel=self._parallel,
            preview=preview,
            policy_packs=self._policy_packs,
            stack_outputs=session.outputs_of,
            pool=self._pool,
        )
        snapshot = Snapshot(session.load(), None if preview else session.writer())
        shown = {key: "[secret]" if key in secret_keys else value for key, value in config.items()}
        display = self._display(shown, preview=preview)
        cancellation = Cancellation()
        with interruptible(cancellation):
            display.begin(title)
            try:
                return self._work(settings, snapshot, display.sink, cancellation)
            finally:
                display.end()

    def _display(self, config: dict[str, str], *, preview: bool) -> Display:
        masker = self.session.masker
        if self._style.json and preview and not options.is_set(os.environ, STREAMING):
            return PreviewDocument(masker, config, sys.stdout)
        if self._style.json:
            return EventLines(masker, config, sys.stdout)
        return HumanDisplay(
            masker,
            out=sys.stdout,
            interactive=TERMINAL.interactive and not self._style.suppress_progress,
            color=TERMINAL.colored,
            diff=self._style.diff,
            show_outputs=not self._style.suppress_outputs,
            details=self.details if preview else None,
        )
