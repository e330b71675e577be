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
    try:
        document, places = read_placed_json(text)
    except DocumentError as error:
        raise SchemaError([(1, str(error))]) from None
    if not isinstance(document, dict) or document.get("type") not in kinds:
        wanted = " or ".join(f'"{kind}"' for kind in kinds)
        raise SchemaError(
            [(1, f'not an Avro {kinds[0]}: the top level must be an object of "type" {wanted}')]
        )
    others = known or {}
    reading = avro_reader.read(document, {name: schema.type for name, schema in others.items()})
    if reading.faults:
        faults = [
            (places.line(fault.node), f"not Avro: {fault.place} {fault.problem}") for fault in reading.faults
        ]
        raise SchemaError(faults)
    schema = AvroSchema(one_line(document), reading.type, reading.referenced)
    _try_the_clients_parser(schema, others)
    return schema


def _try_the_clients_parser(schema: AvroSchema, known: Mapping[str, AvroSchema]) -> None:
    """Refuses what the library that applications use does not take, whatever the rules say."""
    named: dict[str, Any] = {}
    try:
        for text in (*(known[name].text for name in with_references(schema, known)), schema.text):
            # The parser annotates what it is given, so it works on a copy of its own.
            fastavro.schema.parse_schema(json.loads(text), named_schemas=named)
    except fastavro.schema.UnknownType as error:
        raise SchemaError([(1, f"not Avro: the type {error.name!r} is not defined")]) from None
    except (fastavro.schema.SchemaParseException, ValueError, TypeError, AttributeError, KeyError) as error:
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
