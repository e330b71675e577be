"""What the Pulumi CLI must find before it goes on where the embedded engine was cut off.

The embedded engine records what it does to a large stack beside the checkpoint, where the CLI does not look
(docs/adr/0008). Before the CLI runs, that is brought into the checkpoint. A run that is still under way is
left alone: the CLI refuses a stack that is locked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def prepare(environment: Mapping[str, str], project: Path) -> list[str]:
    """Brings everything into the project's checkpoints; returns what to tell people about it."""
    from engine.errors import EngineError
    from engine.state import backend  # only a launcher that hands over to the CLI pays for it
    from engine.workspace.project import Project

    try:
        found = Project.read(project)
        place = backend.Backend(backend.url(environment, found), found)
    except EngineError:
        return []  # no folder of ours; whatever is wrong with it, the CLI says it
    told = []
    for stack in place.stacks():
        try:
            if place.fold(stack):
                told.append(f"pulumi: {backend.FOLDED.format(stack=stack)}")
        except EngineError as error:
            told.append(f"warning: {error}")
    return told
