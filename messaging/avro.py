"""Avro schemas as texts: parsed, checked and brought into the form in which they are compared. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import fastavro.schema

from messaging.documents import DocumentError, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FULL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


class SchemaError(ValueError):
    """A text is no usable Avro schema; the message says where and why."""


@dataclass(frozen=True, slots=True)
class AvroSchema:
    """A valid record schema."""

    name: str
    """The record's full name."""
    text: str
    """The schema as JSON on one line, documentation included: what is registered and compared."""


def parse(text: str) -> AvroSchema:
    """The record schema in a text.

    Raises:
        SchemaError: it is not JSON, not Avro, or not a record.
    """
    try:
        document = read_json(text)
    except DocumentError as error:
        raise SchemaError(str(error)) from None
    if not isinstance(document, dict) or document.get("type") != "record":
        raise SchemaError('not an Avro record: the top level must be an object with "type": "record"')
    faults = list(_record_faults(document, "the schema"))
    if faults:
        raise SchemaError("; ".join(f"not Avro: {fault}" for fault in faults))
    try:
        # The parser annotates what it is given, so it works on a copy of its own.
        parsed = fastavro.schema.parse_schema(json.loads(text))
    except fastavro.schema.UnknownType as error:
        raise SchemaError(f"not Avro: the type {error.name!r} is not defined") from None
    except (fastavro.schema.SchemaParseException, ValueError, TypeError, AttributeError, KeyError) as error:
        raise SchemaError(f"not Avro: {error}") from None
    return AvroSchema(name=parsed["name"], text=one_line(document))


def one_line(document: object) -> str:
    """A JSON document without layout, its keys in their order."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def same(one: str, other: str) -> bool:
    """Whether two texts hold the same schema, whatever their layout. Documentation counts."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except json.JSONDecodeError:
        return False


def _record_faults(node: object, place: str) -> Iterator[str]:
    """What the specification forbids and the parser lets through, in all records below a node."""
    if isinstance(node, list):
        kinds = [kind for kind in node if isinstance(kind, str)]
        yield from (f"{place}: the union has {kind!r} twice" for kind in sorted(_repeated(kinds)))
        for member in node:
            yield from _record_faults(member, place)
    if not isinstance(node, dict):
        return
    if node.get("type") != "record":
        for key in ("type", "items", "values"):
            yield from _record_faults(node.get(key), place)
        return
    name = node.get("name")
    if not isinstance(name, str) or not _FULL_NAME.fullmatch(name):
        yield f"{place}: {name!r} is no name of a record"
    fields = node.get("fields")
    if not isinstance(fields, list):
        yield f"{place}: the record {name!r} has no list of fields"
        return
    names = [field.get("name") for field in fields if isinstance(field, dict)]
    yield from (f"{place}: {name!r} is no name of a field" for name in names if not _is_name(name))
    yield from (f"{place}: the field {name!r} is there twice" for name in sorted(_repeated(names), key=str))
    for field in fields:
        if isinstance(field, dict):
            yield from _record_faults(field.get("type"), f"field {field.get('name')!r}")


def _is_name(name: object) -> bool:
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _repeated(names: list[Any]) -> set[Any]:
    return {name for name in names if isinstance(name, str) and names.count(name) > 1}
