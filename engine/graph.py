"""The dependency graph of a state: who needs whom, in which order things may be deleted.

A state lists each resource after everything it needs, and every function here relies on that order. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from engine.resource import Resource


def provider_urn(reference: str) -> str:
    """Return the URN in a provider reference (``urn::id``)."""
    return reference.rpartition("::")[0]


def needs(resource: Resource, *, parent: bool = True) -> set[str]:
    """Return the URNs that must exist for this resource: dependencies, provider, container, parent."""
    urns = {
        *resource.dependencies,
        *(urn for urns in resource.property_dependencies.values() for urn in urns),
    }
    urns |= {resource.deleted_with, provider_urn(resource.provider)}
    if parent:
        urns.add(resource.parent)
    return urns - {""}


def dependents(resources: Sequence[Resource], root: Resource, ignored: Collection[str]) -> list[Resource]:
    """Return, in order, what needs the root directly or through others; its children need it not.

    Args:
        resources: The state.
        root: One of them.
        ignored: URNs that are known not to need the root any more.
    """
    found: list[Resource] = []
    reached = {root.urn}
    start = next(index for index, resource in enumerate(resources) if resource is root)
    for resource in resources[start + 1 :]:
        if resource.urn not in ignored and needs(resource, parent=False) & reached:
            found.append(resource)
            reached.add(resource.urn)
    return found


def closure(resources: Sequence[Resource], kept: Iterable[Resource]) -> set[str]:
    """Return the URNs of these resources and of everything that they need."""
    urns = {resource.urn for resource in kept}
    for resource in reversed(resources):
        if resource.urn in urns:
            urns |= needs(resource)
    return urns


def deletion_order(resources: Sequence[Resource], condemned: Sequence[Resource]) -> list[list[Resource]]:
    """Group the condemned so that each group may go at once when the groups before it are gone.

    Args:
        resources: The state.
        condemned: Those of its resources that are to be deleted.
    """
    marked = {id(resource) for resource in condemned}
    descendants = _descendants(resources)
    level: dict[int, int] = {}
    by_urn: dict[str, list[Resource]] = {}
    for resource in resources:
        wanted = needs(resource)
        # To need a component is to need what it is made of.
        for urn in needs(resource, parent=False):
            wanted |= descendants.get(urn, set())
        if id(resource) in marked:
            below = (
                level[id(other)] for urn in wanted for other in by_urn.get(urn, ()) if id(other) in level
            )
            level[id(resource)] = 1 + max(below, default=-1)
        by_urn.setdefault(resource.urn, []).append(resource)
    groups: list[list[Resource]] = [[] for _ in range(1 + max(level.values(), default=-1))]
    for resource in condemned:
        groups[level[id(resource)]].append(resource)
    return groups[::-1]


def _descendants(resources: Sequence[Resource]) -> dict[str, set[str]]:
    """Map each component to the URNs below it."""
    below: dict[str, set[str]] = {}
    for resource in reversed(resources):
        if resource.parent:
            below.setdefault(resource.parent, set()).update({resource.urn}, below.get(resource.urn, set()))
    custom = {resource.urn for resource in resources if resource.custom}
    return {urn: urns for urn, urns in below.items() if urn not in custom}
