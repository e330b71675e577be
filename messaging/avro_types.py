"""Avro's types: what a schema describes once it is read, and which values fit it. Pure.

How a schema's JSON becomes a type is in :mod:`messaging.avro_reader`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
NAMED = ("record", "enum", "fixed")
COMPLEX = (*NAMED, "array", "map")

_INT = range(-(2**31), 2**31)
_LONG = range(-(2**63), 2**63)
_LARGEST_DOUBLE = int(sys.float_info.max)
_LATIN = 0xFF


@dataclass(eq=False, kw_only=True, slots=True)
class Field:
    """A field of a record."""

    name: str
    type: Type
    doc: str = ""
    aliases: tuple[str, ...] = ()
    has_default: bool = False
    default: object = None


@dataclass(eq=False, kw_only=True, slots=True)
class Type:
    """A schema of any kind. Recursive records contain themselves."""

    kind: str
    """A primitive's name, ``record``, ``enum``, ``fixed``, ``array``, ``map`` or ``union``."""
    name: str = ""
    """Of a named type: with its namespace."""
    doc: str = ""
    aliases: tuple[str, ...] = ()
    """Of a named type: with their namespaces."""
    fields: list[Field] = field(default_factory=list)
    symbols: tuple[str, ...] = ()
    default: str | None = None
    """Of an enum: what a reader takes for a symbol that it does not know."""
    size: int = 0
    inner: Type | None = None
    """What an array or map has inside."""
    branches: tuple[Type, ...] = ()
    logical: str = ""
    precision: int = 0
    scale: int = 0

    @property
    def simple_name(self) -> str:
        """The name without its namespace, by which the specification compares."""
        return self.name.rpartition(".")[2]

    def __str__(self) -> str:
        if self.kind == "union":
            return f"[{', '.join(str(branch) for branch in self.branches)}]"
        if self.inner is not None:
            return f"{self.kind} of {self.inner}"
        if self.logical == "decimal":
            return f"decimal({self.precision}, {self.scale})"
        return self.logical or self.name or self.kind


def fits(type_: Type, value: object) -> bool:
    """Whether a value, written as JSON, is one of a type as the default of a field must be."""
    match type_.kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "int" | "long":
            return is_whole(value) and value in (_INT if type_.kind == "int" else _LONG)
        case "float" | "double":
            return isinstance(value, float) or (is_whole(value) and abs(value) <= _LARGEST_DOUBLE)
        case "string":
            return isinstance(value, str)
        case "enum":
            return value in type_.symbols
        case "union":
            return bool(type_.branches) and fits(type_.branches[0], value)
    return _fits_inside(type_, value)


def _fits_inside(type_: Type, value: object) -> bool:
    if type_.kind in {"bytes", "fixed"}:
        is_bytes = isinstance(value, str) and all(ord(character) <= _LATIN for character in value)
        return is_bytes and (type_.kind == "bytes" or len(str(value)) == type_.size)
    if type_.inner is not None:
        inner = type_.inner
        if type_.kind == "array":
            return isinstance(value, list) and all(fits(inner, one) for one in value)
        return isinstance(value, dict) and all(fits(inner, one) for one in value.values())
    return (
        isinstance(value, dict)
        and set(value) <= {one.name for one in type_.fields}
        and all(
            fits(one.type, value[one.name]) if one.name in value else one.has_default for one in type_.fields
        )
    )


def walk(type_: Type) -> Iterator[Type]:
    """A type and all types inside it, each once."""
    seen: set[int] = set()
    waiting = [type_]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inside = [found.type for found in one.fields] + list(one.branches)
        waiting += reversed(inside if one.inner is None else [one.inner])


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)
