"""Which resources cannot stay when one is deleted before it is replaced.

A dependent goes too only if its provider resource goes, if it is ``deleted_with`` one that goes, or if a
property of its comes from one that goes and its provider says that a change of that property would replace
it. To be ordered after it is not enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import graph
from engine.planning import comparison, paths
from engine.plugins.provider import ConfigurationUnknown, Diff
from engine.plugins.registry import is_provider
from engine.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from engine.planning.step import Step
    from engine.plugins.registry import Registry
    from engine.resource import Resource


class Cascade:
    """Remembers what was condemned in one run.

    Args:
        olds: The state of the last run, in its order.
        registry: Knows the providers.
    """

    def __init__(self, olds: Sequence[Resource], registry: Registry) -> None:
        self.keys: dict[str, tuple[str, ...]] = {}
        """For each condemned URN the properties that force its replacement."""
        self.going: dict[str, Step] = {}
        """For each condemned URN its deletion: who is made again must not be so before."""
        self._dependents = graph.Dependents(olds)
        self._registry = registry
        self._condemned: set[int] = set()

    def has(self, old: Resource) -> bool:
        """Tell whether a resource of the state was condemned before."""
        return id(old) in self._condemned

    def condemn(self, root: Resource, *, registered: Collection[str]) -> list[Resource]:
        """Return, in the state's order, the dependents that must be deleted before the root is.

        Args:
            root: A resource of the state that is replaced.
            registered: URNs that this run has planned: they do not need the root any more, or they would have
                waited.

        Raises:
            CallFailed: A provider refuses to compare, or died.
        """
        going = {root.urn}
        found = []
        for dependent in self._dependents.of(root, registered):
            keys = self._must_go(dependent, going)
            if keys is None:
                continue
            going.add(dependent.urn)
            if not self.has(dependent):
                self.keys[dependent.urn] = keys
                self._condemned.add(id(dependent))
                found.append(dependent)
        return found

    def _must_go(self, resource: Resource, going: set[str]) -> tuple[str, ...] | None:
        """Return the properties that force the replacement, possibly none; None if the resource may stay."""
        if not resource.custom or resource.external:
            return None
        if resource.pending_replacement:  # gone already; its provider may be, too
            return ()
        if graph.provider_urn(resource.provider) in going or resource.deleted_with in going:
            return ()
        touched = {key for key, urns in resource.property_dependencies.items() if going.intersection(urns)}
        if not touched & set(resource.inputs):
            return None
        news = {key: UNKNOWN if key in touched else value for key, value in resource.inputs.items()}
        diff = self._diff(resource, news)
        wanted = paths.sound(resource.replace_on_changes)
        diff = comparison.replace_on_changes(diff, wanted, init_errors=False)
        return diff.replaces if diff.replace else None

    def _diff(self, resource: Resource, news: dict[str, object]) -> Diff:
        if is_provider(resource.type):
            return self._registry.diff(resource, news, urn=resource.urn)
        try:
            provider = self._registry.get(resource.provider)
            ignored = paths.sound(resource.ignore_changes)
            return comparison.ask(provider, resource.urn, resource, news, ignored)
        except ConfigurationUnknown:
            return Diff(changes=None)
