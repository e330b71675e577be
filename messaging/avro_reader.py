"""Reads a schema's JSON by Avro's rules, and tells everything that breaks one. Pure.

It knows the types of one schema and of those that it references. How texts become JSON, and what two schemas
owe each other, is left to others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from messaging.avro_types import COMPLEX, PRIMITIVES, Field, Type, fits, is_whole
from messaging.fields import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOGICAL: Mapping[str, tuple[str, ...]] = {
    "decimal": ("bytes", "fixed"),
    "big-decimal": ("bytes",),
    "uuid": ("string", "fixed"),
    "date": ("int",),
    "time-millis": ("int",),
    "time-micros": ("long",),
    "timestamp-millis": ("long",),
    "timestamp-micros": ("long",),
    "timestamp-nanos": ("long",),
    "local-timestamp-millis": ("long",),
    "local-timestamp-micros": ("long",),
    "local-timestamp-nanos": ("long",),
    "duration": ("fixed",),
}
"""The logical types of the specification, each with the types that it may stand on."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FULL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_FIXED_SIZES = {"uuid": 16, "duration": 12}
_MOST_BYTES = 2**31 - 1
"""Of a fixed type: Avro's own parser takes no larger size."""


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """One thing about a schema that the specification does not allow."""

    place: str
    """Such as ``field location``; ``the schema`` for the whole."""
    problem: str
    """The rest of a sentence that begins with the place."""
    node: object
    """The JSON object in which it is, by which its line can be found; None for the whole."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of a schema's JSON."""

    type: Type
    """Of no use if there are faults."""
    faults: tuple[SchemaFault, ...]
    referenced: tuple[str, ...]
    """Names of types that other schemas define, in the order of their first use."""
    defined: tuple[str, ...]
    """Names of the types that this schema defines."""


def read(document: object, known: Mapping[str, Type] | None = None) -> Reading:
    """The type that a schema's JSON describes.

    Args:
        document: parsed JSON.
        known: types of other schemas, by their full names.
    """
    reader = _Reader(known or {})
    made = reader.type(document, "", "the schema", None)
    return Reading(made, tuple(reader.faults), tuple(reader.referenced), tuple(reader.named))


class _Reader:
    """One pass over a schema's JSON."""

    def __init__(self, known: Mapping[str, Type]) -> None:
        self.faults: list[SchemaFault] = []
        self.named: dict[str, Type] = {}
        self.referenced: dict[str, None] = {}
        self._known = known

    def type(self, node: object, space: str, place: str, above: object) -> Type:
        if isinstance(node, str):
            return self._by_name(node, space, place, above)
        if isinstance(node, list):
            return self._union(node, space, place, above)
        if not isinstance(node, dict):
            self._fault(place, f"is {node!r}, which is no type", above)
            return Type(kind="null")
        kind = node.get("type")
        if isinstance(kind, (dict, list)):
            return self.type(kind, space, place, node)
        if kind not in COMPLEX:
            made = self._by_name(kind, space, place, node)
            if made.kind in PRIMITIVES and "logicalType" in node:
                made = Type(kind=made.kind)
                self._logical(made, node, place)
            return made
        if kind in {"array", "map"}:
            return self._container(kind, node, space, place)
        return self._defined(str(kind), node, space, place)

    def _by_name(self, name: object, space: str, place: str, above: object) -> Type:
        if not isinstance(name, str):
            self._fault(place, "has no type", above)
            return Type(kind="null")
        if name in PRIMITIVES:
            return Type(kind=name)
        full = _full(name, space)
        for candidate in (full, name):
            if candidate in self.named:
                return self.named[candidate]
        for candidate in (full, name):
            if candidate in self._known:
                self.referenced[candidate] = None
                return self._known[candidate]
        self._fault(place, f"has the type {name!r}, which is not defined", above)
        return Type(kind="null")

    def _union(self, node: list[Any], space: str, place: str, above: object) -> Type:
        branches = tuple(self.type(branch, space, place, above) for branch in node)
        if not branches:
            self._fault(place, "is a union without any type", above)
        if any(branch.kind == "union" for branch in branches):
            self._fault(place, "has a union directly inside a union", above)
        kinds = [branch.name or branch.kind for branch in branches if branch.kind != "union"]
        for kind in sorted(_repeated(kinds)):
            self._fault(place, f"is a union that has {kind!r} twice", above)
        return Type(kind="union", branches=branches)

    def _container(self, kind: str, node: dict[str, Any], space: str, place: str) -> Type:
        key, inside = ("items", f"{place}[]") if kind == "array" else ("values", f"{place}{{}}")
        if key not in node:
            self._fault(place, f"is {kind} without {key!r}", node)
        return Type(kind=kind, inner=self.type(node.get(key, "null"), space, inside, node))

    def _defined(self, kind: str, node: dict[str, Any], space: str, place: str) -> Type:
        name = node.get("name")
        if not isinstance(name, str) or not _FULL_NAME.fullmatch(name):
            self._fault(place, f"is {kind} whose name is {name!r}; it must be a word such as Reading", node)
            name = "unnamed"
        within = node.get("namespace", space)
        if not isinstance(within, str) or (within and not _FULL_NAME.fullmatch(within)):
            self._fault(place, f"has the namespace {within!r}; it must be words joined by dots", node)
            within = space
        full = _full(name, within)
        space = full.rpartition(".")[0]
        if full in self.named or full in self._known:
            self._fault(place, f"defines {full!r} a second time", node)
        aliases = tuple(_full(alias, space) for alias in self._aliases(node, place, _FULL_NAME))
        made = Type(kind=kind, name=full, doc=_doc(node), aliases=aliases)
        # Before its fields are read: they may name it.
        self.named[full] = made
        if kind == "record":
            self._fields(made, node, space, place)
        elif kind == "enum":
            self._symbols(made, node, place)
        else:
            size = node.get("size")
            if not is_whole(size) or not 0 <= size <= _MOST_BYTES:
                self._fault(
                    place,
                    f"is fixed and its size is {shown(size)}; it must be from 0 to {_MOST_BYTES} bytes",
                    node,
                )
            else:
                made.size = size
        if "logicalType" in node:
            self._logical(made, node, place)
        return made

    def _fields(self, record: Type, node: dict[str, Any], space: str, place: str) -> None:
        fields = node.get("fields")
        if not isinstance(fields, list):
            self._fault(place, f"is the record {record.simple_name!r}, which has no list of fields", node)
            return
        taken: list[str] = []
        for one in fields:
            if not isinstance(one, dict):
                self._fault(place, f"has {one!r} among its fields, which is no object", node)
                continue
            name = one.get("name")
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                self._fault(place, f"has a field named {name!r}; it must be a word such as sensor_id", one)
                continue
            inside = f"field {name}" if place == "the schema" else f"{place}.{name}"
            made = Field(
                name=name,
                type=self.type(one.get("type"), space, inside, one),
                doc=_doc(one),
                aliases=self._aliases(one, inside, _NAME),
                has_default="default" in one,
                default=one.get("default"),
            )
            if one.get("order", "ascending") not in ("ascending", "descending", "ignore"):
                self._fault(
                    inside, f"has the order {one['order']!r}; allowed: ascending, descending, ignore", one
                )
            if made.has_default:
                self._default(made, inside, one)
            taken += [name, *made.aliases]
            record.fields.append(made)
        for name in sorted(_repeated(taken)):
            self._fault(place, f"has the field {name!r} twice, as a name or an alias", node)

    def _symbols(self, made: Type, node: dict[str, Any], place: str) -> None:
        symbols = node.get("symbols")
        if not isinstance(symbols, list) or not symbols:
            self._fault(place, f"is the enum {made.simple_name!r}, which has no list of symbols", node)
            return
        for symbol in symbols:
            if not isinstance(symbol, str) or not _NAME.fullmatch(symbol):
                self._fault(place, f"has the symbol {symbol!r}; it must be a word such as WARNING", node)
        made.symbols = tuple(symbol for symbol in symbols if isinstance(symbol, str))
        for symbol in sorted(_repeated(made.symbols)):
            self._fault(place, f"has the symbol {symbol!r} twice", node)
        default = node.get("default")
        if default is not None and default not in made.symbols:
            self._fault(place, f"has the default {default!r}, which is none of its symbols", node)
        made.default = default if isinstance(default, str) else None

    def _aliases(self, node: dict[str, Any], place: str, rule: re.Pattern[str]) -> tuple[str, ...]:
        aliases = node.get("aliases", [])
        if not isinstance(aliases, list) or not all(
            isinstance(alias, str) and rule.fullmatch(alias) for alias in aliases
        ):
            self._fault(place, f"has the aliases {aliases!r}; they must be a list of names", node)
            return ()
        return tuple(aliases)

    def _logical(self, made: Type, node: dict[str, Any], place: str) -> None:
        logical = node["logicalType"]
        below = LOGICAL.get(logical) if isinstance(logical, str) else None
        if below is None:
            self._fault(
                place, f"has the logical type {logical!r}. It must be one of {', '.join(LOGICAL)}", node
            )
            return
        if made.kind not in below:
            self._fault(
                place,
                f"has the logical type {logical} on {made.kind}; it belongs on {' or '.join(below)}",
                node,
            )
            return
        size = _FIXED_SIZES.get(logical)
        if made.kind == "fixed" and size is not None and made.size != size:
            self._fault(place, f"has the logical type {logical} on fixed({made.size}); it needs {size}", node)
        made.logical = logical
        if logical == "decimal":
            self._decimal(made, node, place)

    def _decimal(self, made: Type, node: dict[str, Any], place: str) -> None:
        precision, scale = node.get("precision"), node.get("scale", 0)
        if not is_whole(precision) or precision < 1:
            self._fault(place, f"is a decimal whose precision is {precision!r}; it must be 1 or more", node)
            return
        if not is_whole(scale) or not 0 <= scale <= precision:
            self._fault(
                place, f"is a decimal whose scale is {scale!r}; it must be from 0 to {precision}", node
            )
            return
        made.precision, made.scale = precision, scale

    def _default(self, made: Field, place: str, node: dict[str, Any]) -> None:
        default = "null" if made.default is None else shown(made.default)
        if made.type.kind == "union" and made.type.branches:
            first = made.type.branches[0]
            if not fits(first, made.default):
                self._fault(
                    place,
                    f"has the default {default}, which does not match the union's first type {first}. "
                    "Put the type of the default first, or give a default of the first type",
                    node,
                )
        elif not fits(made.type, made.default):
            self._fault(place, f"has the default {default}, which is no {made.type}", node)

    def _fault(self, place: str, problem: str, node: object) -> None:
        self.faults.append(SchemaFault(place, problem, node))


def _full(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"


def _doc(node: dict[str, Any]) -> str:
    doc = node.get("doc")
    return doc if isinstance(doc, str) else ""


def _repeated(names: Sequence[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}
