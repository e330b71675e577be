"""What a step is: one thing to do to one resource. Doing it is left to `deployment.workshop`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.events import Operation

if TYPE_CHECKING:
    from engine.plugins.provider import Diff
    from engine.resource import Resource

# What the user sees as one replacement is not counted again as the steps it consists of.
_PARTS = frozenset(
    {
        Operation.CREATE_REPLACEMENT,
        Operation.DELETE_REPLACED,
        Operation.DISCARD_REPLACED,
        Operation.REMOVE_PENDING_REPLACE,
    }
)


@dataclass(eq=False)
class Step:
    """One thing to do.

    Attributes:
        keeps_old: A creation leaves the old resource to be deleted when the program is through.
        comes_back: A deletion is the first half of a replacement.
        orphan: A deletion is of what a creation may have left whose end nobody recorded.
        after: A deletion among another resource's steps that must be done before this one begins.
        done: Whether it has been done.
    """

    operation: Operation
    urn: str
    old: Resource | None = None
    new: Resource | None = None
    diff: Diff | None = field(default=None, kw_only=True)
    keeps_old: bool = field(default=False, kw_only=True)
    comes_back: bool = field(default=False, kw_only=True)
    orphan: bool = field(default=False, kw_only=True)
    after: Step | None = field(default=None, kw_only=True)
    done: bool = field(default=False, init=False)

    @property
    def resource(self) -> Resource:
        """The resource it is about: the new one where there is one."""
        resource = self.new or self.old
        assert resource is not None  # noqa: S101 - a step without either cannot be made
        return resource

    @property
    def logical(self) -> bool:
        """Whether the user counts it as one change."""
        return self.operation not in _PARTS


def recreate(old: Resource, new: Resource, diff: Diff, after: Step | None = None) -> list[Step]:
    """Return the second half of a replacement whose first one is the deletion."""
    return [
        Step(Operation.REPLACE, new.urn, old=old, new=new, diff=diff, after=after),
        Step(Operation.CREATE_REPLACEMENT, new.urn, old=old, new=new, diff=diff),
    ]


def replace_after(old: Resource, new: Resource, diff: Diff) -> list[Step]:
    """Return a replacement that leaves the old resource to be deleted when the program is through."""
    return [
        Step(Operation.CREATE_REPLACEMENT, new.urn, old=old, new=new, diff=diff, keeps_old=True),
        Step(Operation.REPLACE, new.urn, old=old, new=new, diff=diff),
    ]
