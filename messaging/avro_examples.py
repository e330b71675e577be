"""An example of what a schema describes, as JSON that people read. Pure, and the same on every run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from messaging.avro_types import walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messaging.avro_types import Type

_UUID = "3f2b8c1e-5d4a-4e6f-9b7a-1c2d3e4f5a6b"
_SECONDS = 1_767_268_800
"""1 January 2026, noon, UTC."""
_LOGICAL: dict[str, Any] = {
    "uuid": _UUID,
    "date": _SECONDS // 86_400,
    "time-millis": 43_200_000,
    "time-micros": 43_200_000_000,
    "timestamp-millis": _SECONDS * 10**3,
    "timestamp-micros": _SECONDS * 10**6,
    "timestamp-nanos": _SECONDS * 10**9,
    "local-timestamp-millis": _SECONDS * 10**3,
    "local-timestamp-micros": _SECONDS * 10**6,
    "local-timestamp-nanos": _SECONDS * 10**9,
}
_PRIMITIVES: dict[str, Any] = {
    "null": None,
    "boolean": True,
    "int": 42,
    "long": 42,
    "float": 21.5,
    "double": 21.5,
    "bytes": "ÿ\u0000",
}
_MOST_NESTED = 6
_MOST_REPEATED = 2
"""How often records may stand inside themselves; more of the same shows nothing new."""


def example(type_: Type) -> Any:
    """A value of a type; one that could go on for ever ends where it has shown itself.

    A record that has no end in any of its values, which nobody could write either, ends as an empty one.

    Args:
        type_: what to show.
    """
    return _Example(_heights(type_)).value(type_, "", ())


class _Example:
    """One walk over a type. Its way is the types that it is inside of, the outermost first."""

    def __init__(self, heights: Mapping[int, float]) -> None:
        self._heights = heights

    def value(self, type_: Type, name: str, way: tuple[Type, ...]) -> Any:
        """A value of a type, in which texts are called after the field that they stand in."""
        if type_.kind == "union":
            return self.value(self._branch(type_, way), name, way)
        if type_.kind == "record":
            if _is_long(way) and self._heights[id(type_)] == math.inf:
                return {}
            inside = (*way, type_)
            return {field.name: self.value(field.type, field.name, inside) for field in type_.fields}
        if type_.inner is None:
            return _single(type_, name)
        if _is_long(way):
            return [] if type_.kind == "array" else {}
        item = self.value(type_.inner, name, (*way, type_))
        return [item] if type_.kind == "array" else {"key": item}

    def _branch(self, union: Type, way: tuple[Type, ...]) -> Type:
        """What a value of a union is when there is one; once the way is long, what ends soonest."""
        if _is_long(way):
            # Nothing at all before what is as short.
            return min(union.branches, key=lambda one: (self._heights[id(one)], one.kind != "null"))
        return next((branch for branch in union.branches if branch.kind != "null"), union.branches[0])


def _is_long(way: tuple[Type, ...]) -> bool:
    records = [id(type_) for type_ in way if type_.kind == "record"]
    return len(way) > _MOST_NESTED or len(records) - len(set(records)) >= _MOST_REPEATED


def _heights(type_: Type) -> Mapping[int, float]:
    """By the identity of each type inside, how many records its shortest value has in each other."""
    types = list(walk(type_))
    heights = {id(one): math.inf for one in types}
    while True:
        newer = {id(one): _height(one, heights) for one in types}
        if newer == heights:
            return heights
        heights = newer


def _height(type_: Type, heights: Mapping[int, float]) -> float:
    if type_.kind == "record":
        return 1 + max((heights[id(field.type)] for field in type_.fields), default=0)
    if type_.kind == "union":
        return min(heights[id(branch)] for branch in type_.branches)
    return 0


def _single(type_: Type, name: str) -> Any:
    if type_.kind == "enum":
        return type_.symbols[-1]
    if type_.kind == "fixed":
        return "\u0000" * type_.size
    if type_.logical in _LOGICAL:
        return _LOGICAL[type_.logical]
    if type_.kind == "string":
        return _text(name)
    if type_.kind == "long" and name == "timestamp":
        return _LOGICAL["timestamp-millis"]
    return _PRIMITIVES[type_.kind]


def _text(name: str) -> str:
    return f"{name.removesuffix('_id')}-4711" if name.endswith("_id") else name.replace("_", " ") or "text"
