"""A preview against what really exists: a refresh in memory, then a preview of what it found.

What was read is told as ``refresh`` steps, which nobody counts as changes: what an update would do about it
is planned, and counted, afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.deployment.refresh import refresh
from engine.deployment.update import update
from engine.events import Operation, StepEvent, Summary
from engine.state.snapshot import Snapshot

if TYPE_CHECKING:
    from engine.deployment.executor import Cancellation
    from engine.deployment.run import Result, Settings
    from engine.events import Event, Sink


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
