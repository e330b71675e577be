"""What the program wants of one resource: a registration request read into plain values, or refused by name.

Also which URNs a resource may have had before (its aliases). What is to be done about a goal is decided in
`planner`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from engine import graph, values
from engine import urn as urns
from engine.errors import Unsupported
from engine.plugins import registry
from engine.resource import Resource, Timeouts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.values import Values


_UNSUPPORTED = (
    ", which the embedded engine does not support: take it out, or use the Pulumi CLI (MESSAGING_ENGINE=cli)"
)


@dataclass(frozen=True, kw_only=True)
class Alias:
    """A name that a resource may have had: a whole URN, or the parts that differ from today's."""

    urn: str = ""
    name: str = ""
    type: str = ""
    stack: str = ""
    project: str = ""
    parent: str = ""
    no_parent: bool = False


@dataclass(frozen=True, kw_only=True)
class Goal:
    """The wanted state of one resource; None stands for an option that the program did not set."""

    type: str
    name: str
    custom: bool
    inputs: Values
    parent: str = ""
    provider: str = ""
    version: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool | None = None
    retain_on_delete: bool | None = None
    delete_before_replace: bool | None = None
    deleted_with: str = ""
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[Alias, ...] = ()
    timeouts: Timeouts = field(default_factory=Timeouts)
    existing: Any = None
    """The id of a resource that is only read: somebody else made it. In preview it may be UNKNOWN."""

    def inherit(self, parent: Goal) -> Goal:
        """Take from the parent what the program left open."""
        provider = self.provider
        if self.custom and not provider and parent.provider:
            package = registry.package_of(urns.type_of(graph.provider_urn(parent.provider)))
            if package == registry.package_of(self.type):
                provider = parent.provider
        return replace(
            self,
            provider=provider,
            deleted_with=self.deleted_with or parent.deleted_with,
            protect=parent.protect if self.protect is None else self.protect,
            retain_on_delete=parent.retain_on_delete
            if self.retain_on_delete is None
            else self.retain_on_delete,
        )


def refuse(request: Any) -> None:
    """Refuse a registration that asks for what this engine does not do.

    Raises:
        Unsupported: Names every such option.
    """
    asked = {
        "import": request.importId,
        "remote components": request.remote,
        "hooks": request.HasField("hooks") and any(names for _, names in request.hooks.ListFields()),
        "transforms": request.transforms,
        "state migrations": request.state_migrations,
        "replacement_trigger": request.HasField("replacement_trigger"),
        "replace_with": request.replace_with,
        "hide_diffs": request.hideDiffs,
        "plugin_download_url": request.pluginDownloadURL,
        "parameterized packages": request.packageRef,
        "env_var_mappings": request.envVarMappings,
        "custom_timeouts.read": request.customTimeouts.read,
    }
    if refused := [name for name, value in asked.items() if value]:
        raise Unsupported(f"{request.type} {request.name!r} uses {', '.join(refused)}{_UNSUPPORTED}")


def read(request: Any) -> Goal:
    """Read a registration request.

    Raises:
        Unsupported: It asks for what this engine does not do.
        ValueError: A timeout is not a duration.
    """
    refuse(request)
    given = values.from_struct(request.object)
    dependencies = tuple(dict.fromkeys(request.dependencies))
    if request.propertyDependencies:
        by_property = {key: list(urns.urns) for key, urns in request.propertyDependencies.items()}
    else:  # an SDK that does not say: each property may depend on everything
        by_property = {key: list(dependencies) for key in given}
    for key, value in given.items():
        by_property.setdefault(key, []).extend(sorted(values.dependencies_of(value)))
    before = (
        request.deleteBeforeReplace
        if request.deleteBeforeReplace or request.deleteBeforeReplaceDefined
        else None
    )
    timeouts = request.customTimeouts
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        inputs={key: values.flatten(value) for key, value in given.items()},
        parent=request.parent,
        provider=request.provider or request.providers.get(registry.package_of(request.type), ""),
        version=request.version,
        dependencies=dependencies,
        property_dependencies={key: tuple(dict.fromkeys(by_property[key])) for key in sorted(by_property)},
        protect=request.protect if request.HasField("protect") else None,
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        delete_before_replace=before,
        deleted_with=request.deletedWith,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        aliases=(*(Alias(urn=urn) for urn in request.aliasURNs), *map(_alias, request.aliases)),
        timeouts=Timeouts(seconds(timeouts.create), seconds(timeouts.update), seconds(timeouts.delete)),
    )


def read_existing(request: Any) -> Goal:
    """Read a request for a resource that somebody else made: ``get()``, or a reference to another stack.

    Raises:
        Unsupported: It asks for what this engine does not do.
    """
    refused = {
        "plugin_download_url": request.pluginDownloadURL,
        "parameterized packages": request.packageRef,
    }
    if names := [name for name, value in refused.items() if value]:
        raise Unsupported(f"{request.type} {request.name!r} uses {', '.join(names)}{_UNSUPPORTED}")
    inputs = {key: values.flatten(value) for key, value in values.from_struct(request.properties).items()}
    return Goal(
        type=request.type,
        name=request.name,
        custom=True,
        inputs=inputs,
        parent=request.parent,
        provider=request.provider,
        version=request.version,
        dependencies=tuple(dict.fromkeys(request.dependencies)),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        existing=values.UNKNOWN if request.id in ("", values.UNKNOWN_STRING) else request.id,
    )


def resource(urn: str, goal: Goal, old: Resource | None, alias: str) -> Resource:
    """Return the resource that a goal describes; ``alias`` is the URN under which the state has it."""
    return Resource(
        urn=urn,
        type=goal.type,
        custom=goal.custom,
        parent=goal.parent,
        provider=goal.provider,
        inputs=goal.inputs,
        dependencies=list(goal.dependencies),
        property_dependencies={key: list(urns) for key, urns in goal.property_dependencies.items()},
        protect=bool(goal.protect),
        retain_on_delete=bool(goal.retain_on_delete),
        deleted_with=goal.deleted_with,
        additional_secret_outputs=list(goal.additional_secret_outputs),
        aliases=[alias] if alias else [],
        custom_timeouts=goal.timeouts,
        ignore_changes=list(goal.ignore_changes),
        replace_on_changes=list(goal.replace_on_changes),
        delete_before_replace=goal.delete_before_replace,
        created=old.created if old else "",
        modified=old.modified if old else "",
        extra=dict(old.extra) if old else {},
    )


def _alias(given: Any) -> Alias:
    if not given.HasField("spec"):
        return Alias(urn=given.urn)
    spec = given.spec
    return Alias(
        name=spec.name,
        type=spec.type,
        stack=spec.stack,
        project=spec.project,
        parent=spec.parentUrn,
        no_parent=spec.noParent,
    )


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")


def seconds(duration: str) -> float:
    """Read a duration such as ``1h30m`` or ``90s``; an empty one is 0.

    Raises:
        ValueError: It is no duration.
    """
    if _PART.sub("", duration).strip() not in ("", "0"):
        msg = f"{duration!r} is not a duration: write numbers with units, such as 90s, 10m or 1h30m"
        raise ValueError(msg)
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(duration))


class Names:
    """Knows which URNs this run's resources had in the last one, to pass that on to their children.

    Args:
        stack: The stack's name.
        project: The project's name.
    """

    def __init__(self, stack: str, project: str) -> None:
        self._stack = stack
        self._project = project
        self.before: dict[str, str] = {}
        """Today's URN of each resource that was found under another, and that other one."""

    def urn(self, goal: Goal) -> str:
        """Return the URN of a goal."""
        return urns.create(self._stack, self._project, goal.parent, goal.type, goal.name)

    def aliases(self, goal: Goal) -> list[str]:
        """Return the URNs that the resource may have had: by its own aliases, and by its parent's."""
        own = [self._collapse(goal, alias) for alias in goal.aliases]
        parent_before = self.before.get(goal.parent)
        if not parent_before:
            return own
        names = [(goal.type, goal.name), *((urns.type_of(urn), urns.name_of(urn)) for urn in own)]
        return [*own, *(self._under(goal, parent_before, type_, name) for type_, name in names)]

    def _collapse(self, goal: Goal, alias: Alias) -> str:
        if alias.urn:
            return alias.urn
        parent = self.before.get(alias.parent, alias.parent) if alias.parent else goal.parent
        return urns.create(
            alias.stack or self._stack,
            alias.project or self._project,
            "" if alias.no_parent else parent,
            alias.type or goal.type,
            alias.name or goal.name,
        )

    def _under(self, goal: Goal, parent_before: str, type_: str, name: str) -> str:
        """Name a child of a renamed parent: a name that starts with the parent's is taken to come from it."""
        parent_name = urns.name_of(goal.parent)
        if name.startswith(parent_name):
            name = urns.name_of(parent_before) + name.removeprefix(parent_name)
        return urns.create(self._stack, self._project, parent_before, type_, name)
