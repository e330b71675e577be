"""What differs between two values, down to the place, and so that the difference can be seen. Pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from messaging.report.escape import code

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 60
"""Characters of one value."""
_BEFORE = 20
"""Characters that are shown before the first difference."""
_NAMES = ("name", "label", "id", "volumeName", "containerPath", "internal", "file")
"""Members that entries of a list are known by."""


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The leaves that differ, each with its path; entries of lists are found by name where they have one.

    A text that is a JSON document, such as a schema, is compared as one.
    """
    if old == new:
        return
    before, after = _document(old), _document(new)
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from differences(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path)
    else:
        yield path, old, new


def _document(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _of_lists(old: list[Any], new: list[Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    if named := _named(old, new):
        if list(named[0]) != list(named[1]) and set(named[0]) == set(named[1]):
            yield f"{path} (order)", list(named[0]), list(named[1])
        yield from differences(*named, path)
    elif len(old) == len(new):
        for place, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, after, f"{path}[{place}]")
    else:
        before, after = (Counter(json.dumps(one, sort_keys=True) for one in side) for side in (old, new))
        gone, come = (
            [json.loads(one) for one in side.elements()] for side in (before - after, after - before)
        )
        yield path, gone or None, come or None


def _named(old: list[Any], new: list[Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Both lists as mappings, if their entries have names: environments, labels, ports, fields."""
    both = [*old, *new]
    if both and all(isinstance(one, str) and "=" in one for one in both):
        return _by_name(old, new, lambda one: one.partition("=")[0], lambda one: one.partition("=")[2])
    if not both or not all(isinstance(one, dict) for one in both):
        return None
    if all(set(one) == {"label", "value"} for one in both):
        return _by_name(old, new, lambda one: str(one["label"]), lambda one: one["value"])
    for name in _NAMES:
        if all(isinstance(one.get(name), str | int) for one in both):
            return _by_name(old, new, lambda one, key=name: str(one[key]), lambda one: one)
    return None


def _by_name(
    old: list[Any], new: list[Any], name: Any, value: Any
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    sides = tuple({name(one): value(one) for one in side} for side in (old, new))
    return (sides[0], sides[1]) if [len(side) for side in sides] == [len(old), len(new)] else None


def pair(old: Any, new: Any) -> str:
    """Both values as Markdown, cut around the place where they begin to differ."""
    texts = _shown(old), _shown(new)
    start = 0
    if max(map(len, texts)) > _LONGEST:
        start = max(0, _common(*texts) - _BEFORE)
    return " → ".join(_part(value, text, start) for value, text in zip((old, new), texts, strict=True))


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)


def _part(value: Any, text: str, start: int) -> str:
    if value is None:
        return "nothing"
    end = start + _LONGEST
    before, after = "…" if start else "", "…" if end < len(text) else ""
    return code(f"{before}{text[start:end]}{after}")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
