"""An example of what a schema describes, as JSON that people read. Pure, and the same on every run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


def example(type_: Type, name: str = "", depth: int = 0) -> Any:
    """A value of a type.

    Args:
        type_: what to show.
        name: the field that it stands in, after which texts are called.
        depth: how deep it is nested; a record inside itself ends somewhere.
    """
    if type_.kind == "union":
        return _branch(type_, name, depth)
    if type_.kind == "record":
        return {field.name: example(field.type, field.name, depth + 1) for field in type_.fields}
    if type_.inner is not None:
        inside = example(type_.inner, name, depth + 1)
        return [inside] if type_.kind == "array" else {"key": inside}
    return _single(type_, name)


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


def _branch(union: Type, name: str, depth: int) -> Any:
    """What a value of a union is when there is one; nothing where it would go on for ever."""
    nullable = any(branch.kind == "null" for branch in union.branches)
    if nullable and depth > _MOST_NESTED:
        return None
    chosen = next((branch for branch in union.branches if branch.kind != "null"), union.branches[0])
    return example(chosen, name, depth)


def _text(name: str) -> str:
    return f"{name.removesuffix('_id')}-4711" if name.endswith("_id") else name.replace("_", " ") or "text"
