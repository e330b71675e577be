"""Reads one Avro datum as far as it can be shown. Pure.

Schema and payload may come from strangers: a schema of a few lines lets one byte stand for millions of
values, nests data as deeply as they are long, and lets a record hold itself without a byte in between.
fastavro, which parses the schemas and knows the logical types, follows all of that to its end, in C. So the
data are read here: every step and every level is counted, and what lies beyond the bounds stays unread.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fastavro.read import LOGICAL_READERS

# Each value, and each union, name or wrapper on the way to it, is a step. The values of so many steps fill
# what is shown of a message several times over, and take some 15 MB as Python objects.
MAX_STEPS = 50_000
# Indented by two, data nested more deeply fill what is shown of a message before they come to that depth.
MAX_LEVELS = 128
# 154 digits. A longer number becomes digits by the square of its length, while no other thread can run.
MAX_DECIMAL_BYTES = 64

UNREAD = "\u2026"
"""Stands where a bound was reached."""

_64_BITS = 2**64 - 1
_LONGEST_NUMBER = 10  # bytes of 64 bits, seven in each


def read(payload: bytes, schema: Any, named: Mapping[str, Any]) -> tuple[Any, bool]:
    """The datum that `payload` holds, and whether a bound cut it: the rest is then neither read nor checked.

    Args:
        payload: The bytes of one datum and nothing else.
        schema: As fastavro parsed it.
        named: The named types that it uses, by full name.

    Raises:
        ValueError: The bytes are no datum of this schema, or some are left over. A schema that is none
            raises whatever it leads to; it neither ends the process nor takes longer.
    """
    reader = _Reader(payload, named)
    datum = reader.value(schema, 0)
    if not reader.cut and reader.left:
        raise ValueError(f"{reader.left} bytes are left over")
    return datum, reader.cut


class _Reader:
    """Goes through a payload once; `cut` is True from the moment on that a bound was reached."""

    def __init__(self, payload: bytes, named: Mapping[str, Any]) -> None:
        self._payload = payload
        self._named = named
        self._at = 0
        self._steps = 0
        self.cut = False

    @property
    def left(self) -> int:
        """Bytes that were not read."""
        return len(self._payload) - self._at

    def value(self, schema: Any, level: int) -> Any:
        """The next value, which stands inside `level` others; UNREAD beyond a bound."""
        while self._steps < MAX_STEPS and level <= MAX_LEVELS:
            self._steps += 1
            if isinstance(schema, list):
                schema = schema[self._index(len(schema))]
                continue
            kind = schema if isinstance(schema, str) else schema["type"]
            if not isinstance(kind, str):
                schema = kind
            elif kind not in _KINDS:
                schema = self._named[kind]
            else:
                value = _KINDS[kind](self, schema, level)
                return _logical(kind, schema, value) if "logicalType" in schema else value
        self.cut = True
        return UNREAD

    def nothing(self, _schema: Any, _level: int) -> None:
        """A null, which takes no bytes."""

    def boolean(self, _schema: Any, _level: int) -> bool:
        """One byte."""
        return self._take(1) != b"\0"

    def number(self, _schema: Any, _level: int) -> int:
        """An int or a long."""
        return self._long()

    def single(self, _schema: Any, _level: int) -> Any:
        """Four bytes of a fraction."""
        return struct.unpack("<f", self._take(4))[0]

    def double(self, _schema: Any, _level: int) -> Any:
        """Eight bytes of a fraction."""
        return struct.unpack("<d", self._take(8))[0]

    def octets(self, _schema: Any, _level: int) -> bytes:
        """A length and as many bytes."""
        return self._take(self._long())

    def text(self, _schema: Any, _level: int) -> str:
        """A length and as many bytes of UTF-8."""
        return self._take(self._long()).decode()

    def fixed(self, schema: Any, _level: int) -> bytes:
        """As many bytes as the schema says."""
        return self._take(schema["size"])

    def enum(self, schema: Any, _level: int) -> Any:
        """The place of a symbol."""
        return schema["symbols"][self._index(len(schema["symbols"]))]

    def record(self, schema: Any, level: int) -> dict[str, Any]:
        """The fields in the schema's order; those after a bound are left out."""
        values: dict[str, Any] = {}
        for one in schema["fields"]:
            if self.cut:
                break
            values[one["name"]] = self.value(one["type"], level + 1)
        return values

    def array(self, schema: Any, level: int) -> list[Any]:
        """Items in blocks."""
        return [self.value(schema["items"], level + 1) for _ in self._entries()]

    def map(self, schema: Any, level: int) -> dict[str, Any]:
        """Keys and values in blocks."""
        values = {}
        for _ in self._entries():
            key = self._take(self._long()).decode()
            values[key] = self.value(schema["values"], level + 1)
        return values

    def _entries(self) -> Iterator[None]:
        """Once for each entry of an array or map, until a bound is reached."""
        while count := self._long():
            if count < 0:
                count = -count
                self._long()  # the block's length, for who passes it over
            for _ in range(count):
                yield
                if self.cut:
                    return

    def _index(self, count: int) -> int:
        index = self._long()
        if not 0 <= index < count:
            raise ValueError(f"{index} is none of {count} branches or symbols")
        return index

    def _long(self) -> int:
        """A number in groups of seven bits, the lowest first, its sign in the lowest of all."""
        number = 0
        for place, byte in enumerate(self._payload[self._at : self._at + _LONGEST_NUMBER]):
            number |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follow
                self._at += place + 1
                number &= _64_BITS
                return (number >> 1) ^ -(number & 1)
        raise ValueError(f"at byte {self._at} is no number of at most {_LONGEST_NUMBER} bytes")

    def _take(self, count: int) -> bytes:
        if not 0 <= count <= self.left:
            raise ValueError(f"{count} bytes are wanted at byte {self._at}, and {self.left} are left")
        start, self._at = self._at, self._at + count
        return self._payload[start : self._at]


_KINDS: Mapping[str, Callable[[_Reader, Any, int], Any]] = {
    "null": _Reader.nothing,
    "boolean": _Reader.boolean,
    "int": _Reader.number,
    "long": _Reader.number,
    "float": _Reader.single,
    "double": _Reader.double,
    "bytes": _Reader.octets,
    "string": _Reader.text,
    "fixed": _Reader.fixed,
    "enum": _Reader.enum,
    "record": _Reader.record,
    "error": _Reader.record,
    "array": _Reader.array,
    "map": _Reader.map,
}


def _logical(kind: str, schema: Any, value: Any) -> Any:
    """`value` as its logical type has it; as it is where it does not fit, a date beyond the calendar say."""
    logical = schema["logicalType"]
    convert = LOGICAL_READERS.get(f"{kind}-{logical}")
    if convert is None or (logical == "decimal" and len(value) > MAX_DECIMAL_BYTES):
        return value
    try:
        return convert(value, schema, None)
    except (ValueError, ArithmeticError, LookupError, TypeError):
        return value
