"""Deletions: which need a call, which this run must refuse, and in which order the rest may be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import graph
from engine.events import Operation
from engine.planning.step import Step
from engine.plugins.registry import is_provider, package_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from engine.plugins.registry import Registry
    from engine.resource import Resource


def is_protected(old: Resource) -> bool:
    """Tell whether the user forbade to delete this; what a replacement deleted or leaves behind may go."""
    return old.protect and not old.delete and not old.pending_replacement


def needs_call(old: Resource, deleted: Collection[str]) -> bool:
    """Tell whether a provider must be called to delete this.

    Args:
        old: A resource of the state.
        deleted: The URNs that go in this run: what is ``deleted_with`` them goes by itself.
    """
    in_state_alone = not old.custom or is_provider(old.type) or old.external or old.pending_replacement
    return not in_state_alone and not old.retain_on_delete and old.deleted_with not in deleted


def stuck(condemned: Sequence[Resource], deleted: Collection[str], registry: Registry) -> list[Resource]:
    """Return which of these nobody here can delete; to be asked before the first of them goes."""
    return registry.unserved(old for old in condemned if needs_call(old, deleted))


def refusal(left: Sequence[Resource]) -> str:
    """Say that these cannot be deleted, and what to do."""
    packages = ", ".join(sorted({package_of(old.type) for old in left}))
    listed = "\n".join(f"  {old.urn}" for old in left)
    return (
        f"the embedded engine has no provider for {packages}, so it cannot delete:\n{listed}\n"
        "To delete them, use the Pulumi CLI (MESSAGING_ENGINE=cli). To leave them to others, run for each: "
        "pulumi state delete URN"
    )


def deletions(
    olds: Sequence[Resource], condemned: Sequence[Resource], orphans: Sequence[Resource]
) -> list[list[Step]]:
    """Return the steps that delete resources of the state, in groups that may each go at once.

    Before them goes what interrupted creations may have left: nothing in the state needs that, and the record
    of such a creation would not outlast the deletion of another resource under its URN.
    """
    first = [
        [Step(Operation.DELETE, orphan.urn, old=orphan, orphan=True) for orphan in group]
        for group in graph.deletion_order([*olds, *orphans], orphans)
    ]
    return first + [[_deletion(old) for old in group] for group in graph.deletion_order(olds, condemned)]


def _deletion(old: Resource) -> Step:
    """Return the step that takes a resource out of the world and the state."""
    if old.pending_replacement:
        return Step(Operation.REMOVE_PENDING_REPLACE, old.urn, old=old)
    if old.external:
        return Step(Operation.DISCARD_REPLACED if old.delete else Operation.DISCARD, old.urn, old=old)
    return Step(Operation.DELETE_REPLACED if old.delete else Operation.DELETE, old.urn, old=old)
