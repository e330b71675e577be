"""What `pulumi stack` shows: the resources of a state below their parents, and the outputs. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from engine.display.rendering import plainly
from engine.urn import STACK_TYPE, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.resource import Resource

_INDENT = "    "


def resources(found: Sequence[Resource], *, ids: bool = False, urns: bool = False) -> list[str]:
    """A table of type and name, each resource below its parent.

    Args:
        found: in the state's order; what has no parent there stands below the stack.
        ids: whether each one's id follows it.
        urns: whether its URN does.
    """
    lines = [f"Current stack resources ({len(found)}):"]
    if not found:
        return [*lines, f"{_INDENT}No resources currently in this stack"]
    below = _by_parent(found)
    rows = [row for root in below[""] for row in _rows(root, below, "", "")]
    if len(rows) < len(found):  # parents that are each other's child
        rows = [("", "   ", one) for one in found]
    width = max(len(branch) + len(one.type) for branch, _, one in rows)
    lines.append(f"{_INDENT}{'TYPE'.ljust(width)}  NAME")
    for branch, behind, one in rows:
        lines.append(f"{_INDENT}{(branch + one.type).ljust(width)}  {name_of(one.urn)}")
        lines += [f"{_INDENT}{behind}    URN: {one.urn}"] * urns
        lines += [f"{_INDENT}{behind}    ID: {one.id}"] * bool(ids and one.id)
    return lines


def outputs(values: Mapping[str, Any], *, show_secrets: bool = False) -> list[str]:
    """A table of the stack's outputs."""
    lines = [f"Current stack outputs ({len(values)}):"]
    if not values:
        return [*lines, f"{_INDENT}No output values currently in this stack"]
    width = max(len("OUTPUT"), *map(len, values))
    lines.append(f"{_INDENT}{'OUTPUT'.ljust(width)}  VALUE")
    for name in sorted(values):
        value = plainly(values[name], show_secrets=show_secrets)
        shown = (
            value
            if isinstance(value, str)
            else json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        )
        lines.append(f"{_INDENT}{name.ljust(width)}  {shown}")
    return lines


def _by_parent(found: Sequence[Resource]) -> dict[str, list[Resource]]:
    """Resources by their parent's URN: the stack by none, what has no parent behind the stack's children."""
    known = {one.urn for one in found}
    stack = next((one.urn for one in found if one.type == STACK_TYPE), "")
    below: dict[str, list[Resource]] = defaultdict(list)
    for one in found:
        if one.parent in known:
            below[one.parent].append(one)
    for one in found:
        if one.parent not in known:
            below["" if one.urn == stack else stack].append(one)
    return below


def _rows(
    one: Resource, below: Mapping[str, list[Resource]], branch: str, behind: str
) -> Iterator[tuple[str, str, Resource]]:
    """For a resource and all below it: what stands before it, what before the lines under it, and itself."""
    children = below.get(one.urn, [])
    yield branch, behind + ("│  " if children else "   "), one
    for child in children:
        last = child is children[-1]
        yield from _rows(
            child, below, behind + ("└─ " if last else "├─ "), behind + ("   " if last else "│  ")
        )
