"""Providers as resources: which provider serves a resource, and the life of a provider in one run.

A provider resource is checked and compared before it is configured, so its plugin is loaded first and becomes
usable, under the reference ``urn::id``, once its step is done. Those of the last run are loaded from the
state when something old needs them. What a provider does is in `provider`, its processes in `host`.
"""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

from engine import graph
from engine import urn as urns
from engine.plugins.provider import CheckFailure, Diff, Live, Provider

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.plugins.host import Plugins
    from engine.resource import Resource
    from engine.values import Values

_PREFIX = "pulumi:providers:"
# The id of a provider that preview pretends to create: what the SDK understands as unknown.
UNKNOWN_ID = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# What the engine keeps for itself in a provider's inputs: for the CLI, which looks there.
INTERNAL = "__internal"


def is_provider(type_: str) -> bool:
    """Tell whether this is the type of a provider resource."""
    return type_.startswith(_PREFIX)


def package_of(type_: str) -> str:
    """Return the package of a resource type or provider type."""
    return type_.removeprefix(_PREFIX) if is_provider(type_) else type_.partition(":")[0]


def provider_type(package: str) -> str:
    """Return the type of a package's provider resources."""
    return f"{_PREFIX}{package}"


def default_name(version: str) -> str:
    """Name the default provider of a version, as the CLI does: ``default_5_1_0``, or ``default`` for none."""
    return (
        "_".join(["default", *version.replace("-", ".").replace("+", ".").split(".")])
        if version
        else "default"
    )


def default_provider(urn: str) -> bool:
    """Tell whether this is a provider that the program did not ask for by itself."""
    return is_provider(urns.type_of(urn)) and urns.name_of(urn).startswith("default")


def _own(inputs: Values) -> Values:
    return {key: value for key, value in inputs.items() if key != INTERNAL}


class Registry:
    """The providers of one run, under their references.

    Args:
        plugins: Starts them.
        olds: The state of the last run, to load providers from.
        preview: Whether nothing may be changed.
    """

    def __init__(self, plugins: Plugins, olds: Iterable[Resource], *, preview: bool) -> None:
        self._plugins = plugins
        self._preview = preview
        self._olds = {f"{old.urn}::{old.id}": old for old in olds if is_provider(old.type)}
        self._loaded: dict[str, Provider] = {}
        self._ready: dict[str, Provider] = {}
        self._lock = threading.Lock()
        self._from_state = threading.Lock()

    def warm(self, otherwise: Iterable[str] = ()) -> None:
        """Start the plugins that the last run used: this one will most likely need them.

        Args:
            otherwise: The packages to start if none was used yet.
        """
        for package in [package_of(old.type) for old in self._olds.values()] or otherwise:
            self._plugins.warm(package)

    def unserved(self, resources: Iterable[Resource]) -> list[Resource]:
        """Return those whose package this engine has no provider for."""
        return [one for one in resources if self._plugins.unknown([package_of(one.type)])]

    def rename(self, old: Resource, urn: str) -> None:
        """Know a provider of the state under the URN that it has now, too."""
        self._olds[f"{urn}::{old.id}"] = old

    def load(self, urn: str) -> Provider:
        """Return the provider that is being registered, not configured yet; may start its plugin."""
        with self._lock:
            if urn in self._loaded:
                return self._loaded[urn]
        provider = self._new(urn)
        with self._lock:
            return self._loaded.setdefault(urn, provider)

    def get(self, reference: str) -> Provider:
        """Return the configured provider of a reference, from the state if this run did not register it.

        Raises:
            KeyError: Neither this run nor the last knows it.
            CallFailed: It did not start, or refuses its configuration.
        """
        with self._lock:
            if found := self._ready.get(reference):
                return found
        with self._from_state:  # one at a time, so that none is started twice
            with self._lock:
                if found := self._ready.get(reference):
                    return found
            old = self._olds[reference]
            provider = self._new(old.urn)
            provider.configure(old.urn, old.id, _own(old.inputs))
            with self._lock:
                return self._ready.setdefault(reference, provider)

    def _new(self, urn: str) -> Provider:
        return Provider(self._plugins.connect(package_of(urns.type_of(urn))), preview=self._preview)

    def _configure(self, urn: str, identifier: str, inputs: Values) -> None:
        with self._lock:
            provider = self._loaded.pop(urn, None)
        provider = provider or self._new(urn)
        provider.configure(urn, identifier, _own(inputs))
        with self._lock:
            self._ready[f"{urn}::{identifier}"] = provider

    # --- provider resources, with the calls of `Provider` ---

    def check(self, urn: str, olds: Values | None, news: Values) -> tuple[Values, list[CheckFailure]]:
        """Validate a provider's inputs."""
        checked, failures = self.load(urn).check_config(urn, _own(olds or {}), _own(news))
        kept = {key: news[key] for key in ("version", INTERNAL) if key in news}
        return {**checked, **kept}, failures

    def diff(self, old: Resource, news: Values, *, urn: str) -> Diff:
        """Compare a provider of the state with new inputs; asks the one being registered, if any is."""
        with self._lock:
            provider = self._loaded.get(urn)
        provider = provider or self.get(f"{old.urn}::{old.id}")
        diff = provider.diff_config(urn, _own(old.inputs), old.outputs, _own(news))
        return diff if diff.changes is not None else Diff(changes=old.outputs != _own(news))

    def replaces_resources(self, reference: str, old_reference: str, news: Values) -> bool:
        """Tell whether resources must be replaced because they move from one provider to the other."""
        old = self._olds[old_reference]
        return (
            self.get(reference)
            .diff_config(graph.provider_urn(reference), _own(old.inputs), old.outputs, _own(news))
            .replace
        )

    def create(self, urn: str, inputs: Values) -> Live:
        """Configure a new provider."""
        identifier = UNKNOWN_ID if self._preview else str(uuid.uuid4())
        self._configure(urn, identifier, inputs)
        return Live(identifier, _own(inputs))

    def update(self, urn: str, identifier: str, inputs: Values) -> Live:
        """Configure a provider anew."""
        self._configure(urn, identifier, inputs)
        return Live(identifier, _own(inputs))

    def same(self, urn: str, old: Resource) -> None:
        """Configure a provider that has not changed, with the inputs of the state."""
        self._configure(urn, old.id, old.inputs)
