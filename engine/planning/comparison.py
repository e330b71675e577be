"""How a resource's old state and its new inputs compare, and whether that means update or replacement.

The provider says so; where it does not know, the inputs are compared; the program's ``replace_on_changes``
has the last word.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine import values
from engine.planning import paths
from engine.plugins.provider import Diff

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.plugins.provider import Provider
    from engine.resource import Resource
    from engine.values import Values

# What `replace_on_changes` may name to replace a resource that exists but never became ready.
_INIT_ERRORS = "#initerror"
_INVERSE = {
    "add": "delete",
    "delete": "add",
    "add-replace": "delete-replace",
    "delete-replace": "add-replace",
}


def ask(provider: Provider, urn: str, old: Resource, news: Values, ignore_changes: Sequence[str]) -> Diff:
    """Ask the provider, and compare the inputs where it does not know; what is ignored must be paths.

    Raises:
        ConfigurationUnknown: The provider cannot say before it is configured.
        CallFailed: It refuses, or died.
    """
    diff = provider.diff(
        urn, old.id, old_inputs=old.inputs, old_outputs=old.outputs, news=news, ignore_changes=ignore_changes
    )
    if diff.changes is not None:
        return diff
    kept, _ = paths.restore(news, old.inputs, ignore_changes)
    compared = inputs(old.inputs, kept)
    return replace(diff, changes=compared.changes, changed=compared.changed, detail=compared.detail)


def inputs(olds: Values, news: Values) -> Diff:
    """Compare inputs without a provider's help; that a value is secret is no difference."""
    found = dict(_differences((), values.reveal(olds), values.reveal(news)))
    return Diff(
        changes=bool(found),
        changed=tuple(dict.fromkeys(str(path[0]) for path in found)),
        detail={paths.text(path): kind for path, kind in found.items()},
    )


def _differences(path: paths.Path, before: Any, after: Any) -> Iterator[tuple[paths.Path, str]]:
    """Find what came, went or changed: members where both are objects or both are lists, else the whole."""
    olds, news = _members(before), _members(after)
    if olds is None or news is None or type(before) is not type(after):
        # In Python 1 is True.
        if before != after or isinstance(before, bool) is not isinstance(after, bool):
            yield path, "update"
        return
    for key in {**olds, **news}:
        if key not in olds:
            yield (*path, key), "add"
        elif key not in news:
            yield (*path, key), "delete"
        else:
            yield from _differences((*path, key), olds[key], news[key])


def _members(value: Any) -> dict[Any, Any] | None:
    if isinstance(value, list):
        return dict(enumerate(value))
    return value if isinstance(value, dict) else None


def replace_on_changes(diff: Diff, selectors: Sequence[str], *, init_errors: bool) -> Diff:
    """Turn changes below the selectors, all of them paths, into replacements.

    Only what the provider reports as changed counts.
    """
    if not selectors or not (diff.changes or init_errors):
        return diff
    wanted = [paths.parse(selector) for selector in selectors]

    def hit(path: str) -> bool:
        return any(paths.covers(selector, paths.named(path)) for selector in wanted)

    detail = {
        path: f"{kind}-replace" if hit(path) and not kind.endswith("-replace") else kind
        for path, kind in diff.detail.items()
    }
    replaces = dict.fromkeys([*diff.replaces, *(key for key in diff.changed if hit(key))])
    changes = diff.changes
    if init_errors and hit(_INIT_ERRORS):
        replaces[_INIT_ERRORS] = None
        changes = True
    return replace(diff, changes=changes, detail=detail, replaces=tuple(replaces))


def detail(diff: Diff | None, old: Resource | None, new: Resource | None) -> dict[str, tuple[str, Any, Any]]:
    """Give each difference its old and new value, for those who look at it."""
    if not diff or not old or not new:
        return {}
    return {path: (kind, _at(old, path), _at(new, path)) for path, kind in diff.detail.items()}


def inverse(diff: Diff) -> Diff:
    """Read a difference backwards: from what an update would do, to what happened to the resource."""
    return replace(diff, detail={path: _INVERSE.get(kind, kind) for path, kind in diff.detail.items()})


def _at(resource: Resource, path: str) -> Any:
    """Return what is at a path: an input, or where there is none the output that differs."""
    found = paths.get(resource.inputs, path)
    return paths.get(resource.outputs, path) if found is None else found
