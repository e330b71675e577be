"""The dependency graph of a state: who needs whom, in which order things may be deleted.

A state lists each resource after everything it needs, and every function here relies on that order. Pure.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
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


class Dependents:
    """Who needs whom, looked up as often as one likes; children do not need their parents here.

    Args:
        resources: The state.
    """

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._resources = resources
        self._places = {id(resource): place for place, resource in enumerate(resources)}
        self._users: defaultdict[str, list[int]] = defaultdict(list)
        for place, resource in enumerate(resources):
            for urn in needs(resource, parent=False):
                self._users[urn].append(place)

    def of(self, root: Resource, ignored: Collection[str]) -> list[Resource]:
        """Return, in order, what needs a resource of the state directly or through others.

        Args:
            root: The resource.
            ignored: URNs that are known not to need it any more.
        """
        found: list[Resource] = []
        reached = {self._places[id(root)]}
        waiting = list(reached)
        while waiting:
            place = heapq.heappop(waiting)
            resource = self._resources[place]
            if resource is not root:
                if resource.urn in ignored:
                    continue
                found.append(resource)
            for user in self._users[resource.urn]:
                if user > place and user not in reached:
                    reached.add(user)
                    heapq.heappush(waiting, user)
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
    parents: defaultdict[str, set[str]] = defaultdict(set)
    for resource in resources:
        parents[resource.urn].add(resource.parent)
    custom = {resource.urn for resource in resources if resource.custom}
    level: dict[int, int] = {}
    highest: dict[str, int] = {}
    below: dict[str, int] = {}
    for resource in resources:
        if id(resource) not in marked:
            continue
        # To need a component is to need what it is made of.
        made_of = (below.get(urn, -1) for urn in needs(resource, parent=False) if urn not in custom)
        needed = (highest.get(urn, -1) for urn in needs(resource))
        mine = level[id(resource)] = 1 + max(*made_of, *needed, -1, -1)
        highest[resource.urn] = max(mine, highest.get(resource.urn, -1))
        above = [resource.parent]
        for urn in above:  # which grows, up to the root
            below[urn] = max(mine, below.get(urn, -1))
            above += [parent for parent in parents[urn] if parent not in above]
    groups: list[list[Resource]] = [[] for _ in range(1 + max(level.values(), default=-1))]
    for resource in condemned:
        groups[level[id(resource)]].append(resource)
    return groups[::-1]
