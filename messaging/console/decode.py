"""Turns the bytes of a key, a value or a header into text for a person. Pure: schemas come from the caller.

The order of attempts is: Schema Registry wire format (a zero byte, the schema's id in four bytes, the
data), JSON, UTF-8 text, and hexadecimal for everything else. No payload may make the console fail or grow:
what is decoded and what is shown are bounded, and schemas by which a few bytes unfold without limit are not
applied.
"""

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import fastavro

from messaging.console.parts import ReadError
from messaging.console.shape import Shape

MAX_TEXT = 16 * 1024
MAX_HEX_BYTES = 2 * 1024
# Larger payloads are not taken apart: as Python objects they would need a multiple of this.
MAX_PARSED_BYTES = 128 * 1024
# fastavro recurses in C without a limit of its own, so that a deeply nested datum of a recursive schema
# would end the process.
MAX_RECURSIVE_BYTES = 512
MAX_VALUES = 500_000

_WIRE_HEADER = 5
_BINARY_CONTROLS = frozenset(range(32)) - {9, 10, 13}


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A schema as the registry holds it; `references` are the texts that it builds on, innermost first."""

    id: int
    kind: str
    text: str
    references: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Text for a person.

    Attributes:
        format: ``avro``, ``json``, ``text``, ``hex``, ``empty`` (no bytes) or ``null`` (a tombstone).
        text: What to show; at most MAX_TEXT characters.
        size: Bytes of the original.
        schema_id: The id in the wire format, or None.
        truncated: True if `text` is not all of it.
        note: Why the bytes could not be shown better, or None.
    """

    format: str
    text: str
    size: int
    schema_id: int | None = None
    truncated: bool = False
    note: str | None = None

    @property
    def preview(self) -> str:
        """The text on one line."""
        return " ".join(self.text[:400].split())[:200]


SchemaLookup = Callable[[int], Schema]


def decode(data: bytes | None, schemas: SchemaLookup | None = None) -> Decoded:
    """Decode `data`; `schemas` finds a schema by its id or raises ReadError, None skips the wire format."""
    if data is None:
        return Decoded(format="null", text="", size=0)
    if not data:
        return Decoded(format="empty", text="", size=0)
    if schemas is not None and len(data) >= _WIRE_HEADER and data[0] == 0:
        schema_id = int.from_bytes(data[1:_WIRE_HEADER], "big")
        if schema_id > 0:  # ids start at 1; a small number in eight bytes, a common key, starts with zeros
            return _wire_format(data, schema_id, schemas)
    return _plain(data)


def _wire_format(data: bytes, schema_id: int, schemas: SchemaLookup) -> Decoded:
    try:
        schema = schemas(schema_id)
    except ReadError as error:
        return _hexadecimal(data, note=f"schema {schema_id} could not be read: {error}", schema_id=schema_id)
    payload = data[_WIRE_HEADER:]
    if schema.kind == "JSON":
        decoded = _plain(payload)
        return _shown(decoded.text, "json", data, schema_id=schema_id, cut=decoded.truncated)
    if schema.kind != "AVRO":
        return _hexadecimal(
            data, note=f"schema {schema_id} is {schema.kind}, shown undecoded", schema_id=schema_id
        )
    try:
        datum = _avro(payload, schema)
    except Exception as error:  # noqa: BLE001 - fastavro raises whatever the broken bytes lead it to
        note = f"not decodable with schema {schema_id}: {str(error) or type(error).__name__}"
        return _hexadecimal(data, note=note[:300], schema_id=schema_id)
    text, cut = _pretty(datum)
    return _shown(text, "avro", data, schema_id=schema_id, cut=cut)


def _avro(payload: bytes, schema: Schema) -> Any:
    if len(payload) > MAX_PARSED_BYTES:
        raise ValueError(
            f"{len(payload)} bytes are more than the {MAX_PARSED_BYTES} that are taken apart here"
        )
    parsed, shape = _parsed(schema, logical_types=True)
    if shape.recursive and len(payload) > MAX_RECURSIVE_BYTES:
        raise ValueError(
            f"the schema is recursive, and {len(payload)} bytes are more than {MAX_RECURSIVE_BYTES}"
        )
    if shape.values(len(payload)) > MAX_VALUES:
        raise ValueError("under this schema so many bytes may unfold to more values than can be shown")
    try:
        return _datum(payload, parsed)
    except (ValueError, OverflowError, ArithmeticError):
        # A date beyond the calendar, say: without the logical types the numbers themselves can be shown.
        return _datum(payload, _parsed(schema, logical_types=False)[0])


def _datum(payload: bytes, parsed: Any) -> Any:
    stream = io.BytesIO(payload)
    datum = fastavro.schemaless_reader(stream, parsed, None)
    if rest := len(payload) - stream.tell():
        raise ValueError(f"{rest} bytes are left over")
    return datum


@lru_cache(maxsize=64)
def _parsed(schema: Schema, *, logical_types: bool) -> tuple[Any, Shape]:
    named: dict[str, Any] = {}
    parsed: Any = None
    for text in (*schema.references, schema.text):
        source = json.loads(text)
        parsed = fastavro.parse_schema(
            source if logical_types else _without_logical_types(source), named_schemas=named
        )
    return parsed, Shape(parsed, named)


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_logical_types(one) for one in schema]
    if isinstance(schema, dict):
        return {
            name: value if name == "default" else _without_logical_types(value)
            for name, value in schema.items()
            if name != "logicalType"
        }
    return schema


def _plain(data: bytes) -> Decoded:
    text = _text(data)
    if text is None:
        return _hexadecimal(data)
    if len(data) <= MAX_PARSED_BYTES and text.lstrip()[:1] in ("{", "["):
        try:
            pretty, cut = _pretty(json.loads(text))
        except (ValueError, RecursionError):
            pass
        else:
            return _shown(pretty, "json", data, cut=cut)
    return _shown(text, "text", data)


def _text(data: bytes) -> str | None:
    if not _BINARY_CONTROLS.isdisjoint(data):
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _shown(text: str, form: str, data: bytes, *, schema_id: int | None = None, cut: bool = False) -> Decoded:
    return Decoded(
        format=form,
        text=text[:MAX_TEXT],
        size=len(data),
        schema_id=schema_id,
        truncated=cut or len(text) > MAX_TEXT,
    )


def _hexadecimal(data: bytes, *, note: str | None = None, schema_id: int | None = None) -> Decoded:
    shown = data[:MAX_HEX_BYTES]
    return Decoded(
        format="hex",
        text=shown.hex(" "),
        size=len(data),
        schema_id=schema_id,
        truncated=len(shown) < len(data),
        note=note,
    )


def _pretty(value: Any) -> tuple[str, bool]:
    """`value` as indented JSON and whether it was cut: deep nesting makes indentation grow by the square.

    Half of a character, which no page and no address can hold, stays the escape that JSON has for it.
    """
    pieces, length = [], 0
    for chunk in _chunks(value):
        piece = chunk.encode(errors="backslashreplace").decode()
        pieces.append(piece)
        length += len(piece)
        if length > MAX_TEXT:
            return "".join(pieces)[:MAX_TEXT], True
    return "".join(pieces), False


def _chunks(value: Any) -> Iterator[str]:
    return json.JSONEncoder(indent=2, ensure_ascii=False, default=_json_value).iterencode(value)


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return f"base64:{base64.b64encode(value).decode()}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
