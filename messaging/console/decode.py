"""Turns the bytes of a key, a value or a header into text for a person. Pure: schemas come from the caller.

The order of attempts is: Schema Registry wire format (a zero byte, the schema's id in four bytes, the
data), JSON, UTF-8 text, and hexadecimal for everything else. No payload may make the console fail or grow:
what is decoded and what is shown are bounded.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import fastavro

from messaging.console import datum
from messaging.console.parts import ReadError

MAX_TEXT = 16 * 1024
MAX_HEX_BYTES = 2 * 1024
# Larger payloads are not taken apart: as Python objects they would need a multiple of this.
MAX_PARSED_BYTES = 128 * 1024

_WIRE_HEADER = 5
_BINARY_CONTROLS = frozenset(range(32)) - {9, 10, 13}


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A schema as the registry holds it; `references` are the texts that it builds on, innermost first.

    Only Avro schemas are applied: of other kinds the texts may be missing.
    """

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

    def shortened(self, most: int) -> "Decoded":
        """The same with `most` characters of text, or all if it has no more."""
        if len(self.text) <= most:
            return self
        return replace(self, text=self.text[:most], truncated=True)


SchemaLookup = Callable[[int], Schema]


def decode(data: bytes | None, schemas: SchemaLookup | None = None) -> Decoded:
    """Decode `data`; `schemas` finds a schema by its id or raises ReadError, None skips the wire format."""
    if not data:
        return undecoded(data)
    if schemas is not None and len(data) >= _WIRE_HEADER and data[0] == 0:
        schema_id = int.from_bytes(data[1:_WIRE_HEADER], "big")
        if schema_id > 0:  # ids start at 1; a small number in eight bytes, a common key, starts with zeros
            return _wire_format(data, schema_id, schemas)
    return _plain(data)


def undecoded(data: bytes | None, *, note: str | None = None, schema_id: int | None = None) -> Decoded:
    """`data` in hexadecimal; `note` says why they are shown no better."""
    if not data:
        return Decoded(format="null" if data is None else "empty", text="", size=0)
    shown = data[:MAX_HEX_BYTES]
    return Decoded(
        format="hex",
        text=shown.hex(" "),
        size=len(data),
        schema_id=schema_id,
        truncated=len(shown) < len(data),
        note=note,
    )


def _wire_format(data: bytes, schema_id: int, schemas: SchemaLookup) -> Decoded:
    try:
        schema = schemas(schema_id)
    except ReadError as error:
        return undecoded(data, note=f"schema {schema_id} could not be read: {error}", schema_id=schema_id)
    payload = data[_WIRE_HEADER:]
    if schema.kind == "JSON":
        decoded = _plain(payload)
        return _shown(decoded.text, "json", data, schema_id=schema_id, cut=decoded.truncated)
    if schema.kind != "AVRO":
        return undecoded(
            data, note=f"schema {schema_id} is {schema.kind}, shown undecoded", schema_id=schema_id
        )
    try:
        text, cut = _avro(payload, schema)
    except Exception as error:  # noqa: BLE001 - broken schemas and bytes raise whatever they lead to
        note = f"not decodable with schema {schema_id}: {str(error) or type(error).__name__}"
        return undecoded(data, note=note[:300], schema_id=schema_id)
    return _shown(text, "avro", data, schema_id=schema_id, cut=cut)


def _avro(payload: bytes, schema: Schema) -> tuple[str, bool]:
    """The datum in `payload` as indented JSON, and whether it was cut."""
    if len(payload) > MAX_PARSED_BYTES:
        raise ValueError(
            f"{len(payload)} bytes are more than the {MAX_PARSED_BYTES} that are taken apart here"
        )
    parsed, named = _parsed(schema)
    value, unread = datum.read(payload, parsed, named)
    text, cut = _pretty(value)
    return text, cut or unread


@lru_cache(maxsize=16)  # the largest take some megabytes each
def _parsed(schema: Schema) -> tuple[Any, dict[str, Any]]:
    """The schema as fastavro parsed it, and the named types of it and of those that it builds on."""
    named: dict[str, Any] = {}
    parsed: Any = None
    for text in (*schema.references, schema.text):
        parsed = fastavro.parse_schema(json.loads(text), named_schemas=named)
    return parsed, named


def _plain(data: bytes) -> Decoded:
    text = _text(data)
    if text is None:
        return undecoded(data)
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
