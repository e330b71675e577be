"""Avro schemas as texts: parsed, checked and brought into the form in which they are compared. Pure.

The rules of a single schema are in :mod:`messaging.avro_types`, those between two in
:mod:`messaging.avro_compatibility`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import fastavro.schema

from messaging import avro_reader, avro_types
from messaging.documents import DocumentError, read_placed_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messaging.avro_types import Type
    from messaging.documents import ObjectPlaces


class SchemaError(ValueError):
    """A text is no usable Avro schema; the message lists every fault with its place."""

    def __init__(self, faults: list[tuple[int, str]]) -> None:
        """Tells the faults.

        Args:
            faults: the line and what is wrong, each a sentence without its full stop.
        """
        super().__init__("; ".join(problem for _, problem in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, eq=False)
class AvroSchema:
    """A valid schema of a named type."""

    text: str
    """The schema as JSON on one line, documentation included: what is registered and compared."""
    type: Type
    references: tuple[str, ...] = ()
    """Names of the types that it takes from other schemas, in the order of their first use."""

    @property
    def name(self) -> str:
        """The type's full name."""
        return self.type.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AvroSchema) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def parse(
    text: str, known: Mapping[str, AvroSchema] | None = None, *, kinds: tuple[str, ...] = ("record",)
) -> AvroSchema:
    """The schema in a text.

    Args:
        text: JSON.
        known: schemas that it may reference, by their types' full names.
        kinds: what it may be: ``record``, ``enum``, ``fixed``.

    Raises:
        SchemaError: it is not JSON, not Avro, or of another kind.
    """
    document, places = _document(text, kinds)
    others = known or {}
    reading = _read(document, places, others)
    schema = AvroSchema(one_line(document), reading.type, reading.referenced)
    _try_the_clients_parser(schema, others)
    return schema


def parse_whole(
    text: str, known: Mapping[str, AvroSchema], *, kinds: tuple[str, ...] = ("record",)
) -> AvroSchema:
    """The schema in a text, with the types that it takes from others inside it, each where it is first used.

    What it defines itself is not taken from others, whatever they have under that name: it may be older.

    Args:
        text: JSON.
        known: schemas that it may reference, by their types' full names.
        kinds: what it may be.

    Raises:
        SchemaError: it is not JSON, not Avro, or of another kind.
    """
    document, places = _document(text, kinds)
    alone = avro_reader.read(document)
    if alone.faults:
        others = {name: schema for name, schema in known.items() if name not in alone.defined}
        _read(document, places, others)
        document = _Whole(others).type(document, "")
    return parse(one_line(document), kinds=kinds)


def _document(text: str, kinds: tuple[str, ...]) -> tuple[Any, ObjectPlaces]:
    try:
        document, places = read_placed_json(text)
    except DocumentError as error:
        raise SchemaError([(1, str(error))]) from None
    if not isinstance(document, dict) or document.get("type") not in kinds:
        wanted = " or ".join(f'"{kind}"' for kind in kinds)
        raise SchemaError(
            [(1, f'not an Avro {kinds[0]}: the top level must be an object of "type" {wanted}')]
        )
    return document, places


def _read(document: object, places: ObjectPlaces, known: Mapping[str, AvroSchema]) -> avro_reader.Reading:
    reading = avro_reader.read(document, {name: schema.type for name, schema in known.items()})
    if reading.faults:
        faults = [
            (places.line(fault.node), f"not Avro: {fault.place} {fault.problem}") for fault in reading.faults
        ]
        raise SchemaError(faults)
    return reading


class _Whole:
    """One walk over a schema's JSON, which is valid, that puts definitions where names stand."""

    def __init__(self, known: Mapping[str, AvroSchema]) -> None:
        self._known = known
        self._defined: set[str] = set()

    def type(self, node: Any, space: str) -> Any:
        if isinstance(node, str):
            return self._by_name(node, space)
        if isinstance(node, list):
            return [self.type(branch, space) for branch in node]
        kind = node["type"]
        if isinstance(kind, str) and kind in avro_types.NAMED:
            return self._definition(node, space)
        inner = {"array": "items", "map": "values"}.get(kind, "type") if isinstance(kind, str) else "type"
        return {**node, inner: self.type(node[inner], space)}

    def _by_name(self, name: str, space: str) -> Any:
        full = _plain(name, space)
        if name in avro_types.PRIMITIVES or not self._defined.isdisjoint({full, name}):
            return name
        found = self._known.get(full) or self._known.get(name)
        if found is None:
            return name
        definition = json.loads(found.text)
        if "." not in definition["name"]:
            # Without one of its own it would have that of the schema around it.
            definition.setdefault("namespace", "")
        return self.type(definition, "")

    def _definition(self, node: dict[str, Any], space: str) -> Any:
        full = _plain(node["name"], node.get("namespace", space))
        if full in self._defined:
            # Two types that it takes from others have this one inside.
            return full
        self._defined.add(full)
        space = full.rpartition(".")[0]
        if "fields" not in node:
            return node
        return {
            **node,
            "fields": [{**field, "type": self.type(field["type"], space)} for field in node["fields"]],
        }


def _try_the_clients_parser(schema: AvroSchema, known: Mapping[str, AvroSchema]) -> None:
    """Refuses what the library that applications use does not take, whatever the rules say."""
    named: dict[str, Any] = {}
    try:
        for text in (*(known[name].text for name in with_references(schema, known)), schema.text):
            # The parser annotates what it is given, so it works on a copy of its own.
            fastavro.schema.parse_schema(json.loads(text), named_schemas=named)
    except fastavro.schema.UnknownType as error:
        raise SchemaError([(1, f"not Avro: the type {error.name!r} is not defined")]) from None
    except (
        fastavro.schema.SchemaParseException,
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        OverflowError,
    ) as error:
        raise SchemaError([(1, f"not Avro: {error}")]) from None


def with_references(schema: AvroSchema, known: Mapping[str, AvroSchema]) -> tuple[str, ...]:
    """The names of all types that a schema builds on, also through others; each after those it needs."""
    found: dict[str, None] = {}

    def visit(one: AvroSchema) -> None:
        for name in one.references:
            if name not in found:
                visit(known[name])
                found[name] = None

    visit(schema)
    return tuple(found)


def one_line(document: object) -> str:
    """A JSON document without layout, its keys in their order."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def same(one: str, other: str) -> bool:
    """Whether two texts hold the same schema, however they are laid out and written.

    Documentation counts. A registry may write a schema's names and types in another of the ways that mean the
    same.
    """
    if one == other:
        return True
    try:
        return bool(_plain(json.loads(one), "") == _plain(json.loads(other), ""))
    except (json.JSONDecodeError, RecursionError):
        return False


def _plain(node: Any, space: str) -> Any:
    """A schema's JSON with full names alone, and without what is the default anyway."""
    if isinstance(node, list):
        return [_plain(one, space) for one in node]
    if isinstance(node, str):
        return node if node in avro_types.PRIMITIVES or "." in node or not space else f"{space}.{node}"
    if not isinstance(node, dict):
        return node
    made = dict(node)
    if made.get("type") in avro_types.NAMED:
        name = str(made.get("name"))
        space = name.rpartition(".")[0] or str(made.pop("namespace", space))
        made.pop("namespace", None)
        made["name"] = _plain(name, space)
        if "aliases" in made:
            made["aliases"] = [_plain(alias, space) for alias in made["aliases"]]
        if "fields" in made:
            made["fields"] = [_plain_field(field, space) for field in made["fields"]]
    for key in ("items", "values"):
        if key in made:
            made[key] = _plain(made[key], space)
    if made.get("type") not in avro_types.COMPLEX and "type" in made:
        made["type"] = _plain(made["type"], space)
    for key in ("doc", "aliases"):
        if not made.get(key):
            made.pop(key, None)
    return made["type"] if set(made) == {"type"} else made


def _plain_field(field: Any, space: str) -> Any:
    if not isinstance(field, dict):
        return field
    made = {**field, "type": _plain(field.get("type"), space)}
    if made.get("order") == "ascending":
        del made["order"]
    for key in ("doc", "aliases"):
        if not made.get(key):
            made.pop(key, None)
    return made
