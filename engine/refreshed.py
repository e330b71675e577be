"""A preview against what really exists: a refresh in memory, then a preview of what it found.

What was read is told as ``refresh`` steps, which nobody counts as changes: what an update would do about it
is planned, and counted, afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.events import Operation, StepEvent, Summary
from engine.refresh import refresh
from engine.snapshot import Snapshot
from engine.update import update

if TYPE_CHECKING:
    from engine.events import Event, Sink
    from engine.executor import Cancellation
    from engine.run import Result, Settings


def refreshed_preview(
    settings: Settings, snapshot: Snapshot, sink: Sink, cancellation: Cancellation
) -> Result:
    """Preview an update of what really exists; nothing is saved.

    Raises:
        EngineError: The run could not begin.
    """
    summaries = []

    def tell(event: Event) -> None:
        if isinstance(event, Summary):
            summaries.append(event)
        elif isinstance(event, StepEvent):
            sink(replace(event, operation=Operation.REFRESH, logical=False))
        else:
            sink(event)

    found = refresh(settings, snapshot, tell, cancellation)
    if found.exit_code:
        for summary in summaries:
            sink(summary)
        return found
    return update(settings, Snapshot(snapshot.deployment()), sink, cancellation)
