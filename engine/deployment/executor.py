"""When steps run: at most so many at once, none after a failure or an interrupt.

Planning order and the order in which the program waits for its resources give all other order. What a step
does is in `workshop`.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.errors import StepFailed
from engine.events import Diagnostic
from engine.rpc import Aborted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from engine.events import Sink
    from engine.planning.step import Step


_POLL_SECONDS = 0.2


class Cancellation:
    """The user's wish to stop, first gently, then at once. Safe to use from a signal handler."""

    def __init__(self) -> None:
        self.requested = False
        """No new steps; those that run finish."""
        self.aborted = False
        """Running providers and the program are killed; what they did is unknown."""
        self._on_abort: list[Callable[[], None]] = []

    def request(self) -> None:
        """Start nothing more."""
        self.requested = True

    def abort(self) -> None:
        """Stop at once."""
        self.requested = self.aborted = True
        for act in self._on_abort:
            # Not here: the main thread may hold a lock that the act needs, and a signal handler runs on that
            # thread.
            threading.Thread(target=act, name="abort").start()

    def on_abort(self, act: Callable[[], None]) -> None:
        """Have this done when the user aborts."""
        self._on_abort.append(act)


class Executor:
    """Runs the steps of one run.

    Args:
        apply: Does one step; raises `StepFailed`.
        parallel: Steps at once, at least one.
        cancellation: Asked before each step.
        sink: Gets the failures.
    """

    def __init__(
        self, apply: Callable[[Step], None], parallel: int, cancellation: Cancellation, sink: Sink
    ) -> None:
        self.failed = False
        """Whether anything went wrong."""
        self._apply = apply
        self._parallel = max(parallel, 1)
        self._slots = threading.BoundedSemaphore(self._parallel)
        self._cancellation = cancellation
        self._sink = sink
        self._running = 0
        self._changed = threading.Condition()

    @property
    def stopped(self) -> bool:
        """Whether no further step will start."""
        return self.failed or self._cancellation.requested

    @property
    def idle(self) -> bool:
        """Whether no step is running."""
        with self._changed:
            return self._running == 0

    def drain(self) -> None:
        """Wait until no step is running."""
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0)

    def fail(self, message: str, urn: str = "") -> None:
        """Report what went wrong and start nothing more."""
        self.failed = True
        if not self._cancellation.aborted:  # then everything fails, and the user knows why
            self._sink(Diagnostic(severity="error", message=message, urn=urn))

    def check(self) -> None:
        """Raise `Aborted` when no further step will start."""
        if self.stopped:
            raise Aborted

    def run(self, steps: Sequence[Step]) -> None:
        """Do steps one after the other, once what they come after is done.

        Raises:
            Aborted: One failed, which has been reported, or the run was over before.
        """
        for step in steps:
            if step.after:
                self._await(step.after)
        with self._slots:
            for step in steps:
                with self._changed:
                    self.check()
                    self._running += 1
                try:
                    self._apply(step)
                    step.done = True
                except StepFailed as error:
                    self.fail(str(error), error.urn)
                    raise Aborted from error
                finally:
                    with self._changed:
                        self._running -= 1
                        self._changed.notify_all()

    def _await(self, step: Step) -> None:
        """Wait until another thread has done a step or the run stops; keeps no slot from that thread."""
        with self._changed:
            while not step.done and not self.stopped:
                self._changed.wait(_POLL_SECONDS)  # an interrupt wakes nobody

    def run_groups(self, groups: Iterable[Sequence[Step]]) -> None:
        """Do each group's steps at once, group after group, until one has a failure."""
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="step") as pool:
            for group in groups:
                for future in [pool.submit(self.run, [step]) for step in group]:
                    with suppress(Aborted):
                        future.result()
