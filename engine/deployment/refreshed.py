"""What really exists first: a refresh, then the work on what it found, in one run for the user.

What was read is told as ``refresh`` steps, which nobody counts as changes: what the work does about it is
planned, and counted, afterwards.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.deployment.refresh import refresh
from engine.events import Operation, StepEvent, Summary
from engine.planning import paths
from engine.state.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.deployment.executor import Cancellation
    from engine.deployment.run import Result, Settings
    from engine.events import Event, Sink
    from engine.state.snapshot import Writer

    Work = Callable[[Settings, Snapshot, Sink, Cancellation], Result]


def refreshed(work: Work, writer: Callable[[], Writer]) -> Work:
    """Return the work with a refresh before it; one that fails is all that is done.

    Args:
        work: An update or a destroy.
        writer: Makes the work's saves durable; a preview saves nothing, not even what was read.
    """

    def both(settings: Settings, snapshot: Snapshot, sink: Sink, cancellation: Cancellation) -> Result:
        began = time.monotonic()
        ends = []

        def read(event: Event) -> None:
            if isinstance(event, Summary):
                ends.append(replace(event, changes={}))
            else:
                sink(_told(event) if isinstance(event, StepEvent) else event)

        def done(event: Event) -> None:
            if isinstance(event, Summary):
                event = replace(event, seconds=time.monotonic() - began)
            sink(event)

        found = refresh(settings, snapshot, read, cancellation)
        if found.exit_code:
            for end in ends:
                sink(end)
            return replace(found, changes={})
        after = Snapshot(snapshot.deployment(), None if settings.preview else writer())
        return work(settings, after, done, cancellation)

    return both


def _tops(read: StepEvent) -> tuple[str, ...]:
    return tuple(sorted({str(paths.named(path)[0]) for path in read.detail}))


def _told(read: StepEvent) -> StepEvent:
    """Return the news of a resource that was read, without outputs that come and go."""
    drifted = read.operation is not Operation.SAME
    return replace(
        read,
        operation=Operation.REFRESH,
        logical=False,
        changed=read.changed or _tops(read) if drifted else (),
        detail=read.detail if drifted else {},
    )
