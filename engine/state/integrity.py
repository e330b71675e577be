"""Which resource names which, and whether every name stands for something: the CLI's rules for a whole state.

Every resource stands behind its parent, its provider and what it depends on. `verify` holds a whole state
against that; an `Index` does the same for what has changed, at the cost of what has changed. Who changes
resources, and when, is decided in :mod:`engine.state.snapshot`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from engine.errors import DamagedState
from engine.graph import needs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.resource import Deployment, Resource


class Index:
    """Resources under numbers that give their order."""

    def __init__(self) -> None:
        self._resources: dict[int, Resource] = {}
        self._known: dict[int, tuple[set[str], set[str]]] = {}
        """For each number the names that it answers to, and the URNs that it mentions."""
        self._named: defaultdict[str, set[int]] = defaultdict(set)
        self._mentioning: defaultdict[str, set[int]] = defaultdict(set)
        self._suspects: set[int] = set()

    def put(self, number: int, resource: Resource) -> None:
        """Takes a resource in, or notices what has become of one that it knows."""
        self.drop(number)
        own = {resource.urn, f"{resource.urn}::{resource.id}"}
        mentions = needs(resource)
        self._resources[number] = resource
        self._known[number] = own, mentions
        for name in own:
            self._named[name].add(number)
        for urn in mentions:
            self._mentioning[urn].add(number)
        self._suspects.add(number)

    def drop(self, number: int) -> None:
        """Forgets a resource, if it is known."""
        own, mentions = self._known.pop(number, (set(), set()))
        for name in own:
            self._named[name].discard(number)
        for urn in mentions:
            self._mentioning[urn].discard(number)
        resource = self._resources.pop(number, None)
        self._suspects.discard(number)
        if resource is not None:
            self._suspects |= self._mentioning[resource.urn]

    def has(self, urn: str) -> bool:
        """Whether there is a resource with a URN."""
        return bool(self._named[urn])

    def mentioning(self, urn: str) -> list[int]:
        """The resources that mention a URN."""
        return sorted(self._mentioning[urn])

    def check(self) -> None:
        """Checks what has changed since it was checked last.

        Raises:
            DamagedState: the state is not whole; all faults are named, again and again until they are gone.
        """
        faults = dict.fromkeys(fault for number in sorted(self._suspects) for fault in self._faults(number))
        if faults:
            raise DamagedState("The state is inconsistent:\n" + "\n".join(f"  {fault}" for fault in faults))
        self._suspects.clear()

    def _faults(self, number: int) -> list[str]:
        resource = self._resources[number]
        faults = [
            f"{resource.urn} names {name}, which {why}"
            for name, why in _needed(resource)
            if not any(before < number for before in self._named[name])
        ]
        if not resource.custom and resource.id:
            faults.append(f"{resource.urn} is a component and has the id {resource.id!r}")
        if not resource.delete and any(
            other != number and not self._resources[other].delete for other in self._named[resource.urn]
        ):
            faults.append(f"{resource.urn} is there twice")
        return faults


def verify(deployment: Deployment) -> None:
    """Checks a whole state.

    Raises:
        DamagedState: it is not whole; all faults are named.
    """
    index = Index()
    for number, resource in enumerate(deployment.resources):
        index.put(number, resource)
    index.check()


def strip(resource: Resource, gone: Resource) -> None:
    """Takes a vanished resource out of what another one names."""
    resource.dependencies = [urn for urn in resource.dependencies if urn != gone.urn]
    resource.property_dependencies = {
        key: [urn for urn in urns if urn != gone.urn] for key, urns in resource.property_dependencies.items()
    }
    if resource.deleted_with == gone.urn:
        resource.deleted_with = ""
    if resource.parent == gone.urn:
        resource.parent = gone.parent


def rename(resource: Resource, before: str, after: str) -> None:
    """Lets a resource name another one by its new URN."""

    def today(urn: str) -> str:
        return after if urn == before else urn

    resource.parent = today(resource.parent)
    resource.deleted_with = today(resource.deleted_with)
    resource.dependencies = [today(urn) for urn in resource.dependencies]
    resource.property_dependencies = {
        key: [today(urn) for urn in urns] for key, urns in resource.property_dependencies.items()
    }
    provider, separator, identifier = resource.provider.rpartition("::")
    resource.provider = f"{today(provider)}{separator}{identifier}"


def _needed(resource: Resource) -> Iterable[tuple[str, str]]:
    """What must stand before a resource, and what it is to be to it."""
    if resource.parent:
        yield resource.parent, "is to be its parent and does not stand before it"
    if resource.provider and not resource.pending_replacement:  # what is deleted already needs no provider
        yield resource.provider, "is to be its provider and does not stand before it"
    for urn in resource.dependencies:
        yield urn, "it depends on and which does not stand before it"
    for urns in resource.property_dependencies.values():
        for urn in urns:
            yield urn, "a property depends on and which does not stand before it"
    if resource.deleted_with:
        yield resource.deleted_with, "it is deleted with and which does not stand before it"
