"""What differs between a resource as it was last seen and what the program wants now, property by property.

Pure: compares the outputs in the state with checked inputs, by the rules of the official provider: what it
fills in itself and what the program leaves out is no difference, and neither is an empty value against none.
In a map, whose names the program chooses, one that is there differs from one that is not, also with an empty
value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from engine.providers.check import plain
from engine.values import UNKNOWN, Values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.providers.schema import Property

_NAME = re.compile(r"[A-Za-z_]\w*\Z")


class Kind(Enum):
    """What happens to a property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class Change:
    """One difference: where, what, and whether it takes a new resource to get there."""

    path: str
    kind: Kind
    replace: bool = False

    @property
    def top(self) -> str:
        """The resource's property that it lies in."""
        return re.split(r"[.\[]", self.path, maxsplit=1)[0]


def diff(
    properties: Mapping[str, Property], olds: Values, news: Values, ignored: Sequence[str] = ()
) -> list[Change]:
    """Compare a resource's outputs with its new inputs.

    Args:
        properties: The resource's properties.
        olds: Outputs from the state.
        news: Checked inputs; unknown values differ from everything.
        ignored: Paths that the program ignores changes of.
    """
    olds, news = plain(olds), plain(news)
    changes = []
    for name, given in properties.items():
        if given.output or given.refused:
            continue
        for path, kind in _changes(given, olds.get(name), news.get(name), name):
            if not any(path == skip or path.startswith((f"{skip}.", f"{skip}[")) for skip in ignored):
                changes.append(Change(path, kind, given.replace))
    return changes


def equal(given: Property, old: Any, new: Any) -> bool:
    """Tell whether the new value of a property is what it has already."""
    return next(_changes(given, plain(old), plain(new), ""), None) is None


def empty(given: Property, value: Any) -> bool:
    """Tell whether a property's value says nothing: none, false, zero, or an object of nothing else."""
    if given.type == "object" and isinstance(value, dict):
        return all(empty(member, value.get(name)) for name, member in given.properties.items())
    return value is not UNKNOWN and not value


def _changes(given: Property, old: Any, new: Any, path: str) -> Iterator[tuple[str, Kind]]:
    if empty(given, new) and (empty(given, old) or (given.stays and _left_out(new))):
        return
    if new is UNKNOWN or new is None or old is None:
        yield path, Kind.DELETE if new is None else Kind.ADD if old is None else Kind.UPDATE
    elif given.type == "set" and given.items:
        yield from _set_changes(given.items, old, new, path)
    elif given.type == "list" and given.items:
        yield from _list_changes(given.items, old, new, path)
    elif given.type == "object":
        for name, member in given.properties.items():
            yield from _changes(member, old.get(name), new.get(name), f"{path}.{name}")
    elif given.type == "map":
        yield from _map_changes(old, new, path)
    elif old != new:
        yield path, Kind.UPDATE


def _left_out(new: Any) -> bool:
    """Tell whether a value leaves it to the system: false and zero do not, empty text and lists do."""
    return new is None or new in ("", [], {})


def _map_changes(old: Values, new: Values, path: str) -> Iterator[tuple[str, Kind]]:
    for key in {**old, **new}:
        at = path + _member(key)
        if key not in new:
            yield at, Kind.DELETE
        elif key not in old:
            yield at, Kind.ADD
        elif old[key] != new[key]:
            yield at, Kind.UPDATE


def _list_changes(items: Property, old: list[Any], new: list[Any], path: str) -> Iterator[tuple[str, Kind]]:
    for index in range(max(len(old), len(new))):
        at = f"{path}[{index}]"
        if index >= len(new):
            yield at, Kind.DELETE
        elif index >= len(old):
            yield at, Kind.ADD
        elif not equal(items, old[index], new[index]):
            yield at, Kind.UPDATE


def _set_changes(items: Property, old: list[Any], new: list[Any], path: str) -> Iterator[tuple[str, Kind]]:
    left = dict(enumerate(old))
    added = []
    for index, wanted in enumerate(new):
        same = next((at for at, had in left.items() if equal(items, had, wanted)), None)
        if same is None:
            added.append(index)
        else:
            del left[same]
    # An element that is new in one place and gone in the same place was changed.
    for index in sorted({*added, *left}):
        kind = Kind.DELETE if index not in added else Kind.ADD if index not in left else Kind.UPDATE
        yield f"{path}[{index}]", kind


def _member(key: str) -> str:
    if _NAME.match(key):
        return f".{key}"
    return '["{}"]'.format(key.replace("\\", "\\\\").replace('"', '\\"'))
