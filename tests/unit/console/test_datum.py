"""Avro data are read as fastavro reads them, and no further than they can be shown."""

import io
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.console import datum
from messaging.console.datum import MAX_LEVELS, MAX_STEPS, UNREAD

LONG = st.integers(min_value=-(2**63), max_value=2**63 - 1)
TEXT = st.text(max_size=8)
KINDS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "null": ("null", st.none()),
    "boolean": ("boolean", st.booleans()),
    "int": ("int", st.integers(min_value=-(2**31), max_value=2**31 - 1)),
    "long": ("long", LONG),
    "float": ("float", st.floats(width=32, allow_nan=False)),
    "double": ("double", st.floats(allow_nan=False)),
    "bytes": ("bytes", st.binary(max_size=8)),
    "string": ("string", TEXT),
    "fixed": ({"type": "fixed", "name": "Four", "size": 4}, st.binary(min_size=4, max_size=4)),
    "enum": (
        {"type": "enum", "name": "Side", "symbols": ["LEFT", "RIGHT"]},
        st.sampled_from(["LEFT", "RIGHT"]),
    ),
    "array": ({"type": "array", "items": "long"}, st.lists(LONG, max_size=8)),
    "map": ({"type": "map", "values": "string"}, st.dictionaries(TEXT, TEXT, max_size=8)),
    "union": (["null", "string", "Side"], st.one_of(st.none(), st.just("LEFT"))),
    "moment": ({"type": "long", "logicalType": "timestamp-millis"}, st.integers(-(10**13), 10**13)),
    "price": (
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        st.decimals(0, 999, places=2),
    ),
    "other": ({"type": "string", "logicalType": "unheard-of"}, TEXT),
}
"""By kind a schema and data of it; the enum is used once more, by its name, in the union."""


def parse(schema: Any) -> tuple[Any, dict[str, Any]]:
    named: dict[str, Any] = {}
    return fastavro.parse_schema(schema, named_schemas=named), named


def read(schema: Any, payload: bytes) -> tuple[Any, bool]:
    return datum.read(payload, *parse(schema))


def written(schema: Any, value: Any) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), value)
    return stream.getvalue()


EVERYTHING = {
    "type": "record",
    "name": "Everything",
    "fields": [{"name": kind, "type": schema} for kind, (schema, _) in KINDS.items()],
}


@given(st.fixed_dictionaries({kind: data for kind, (_, data) in KINDS.items()}))
def test_every_kind_is_read_as_fastavro_reads_it(value: dict[str, Any]) -> None:
    payload = written(EVERYTHING, value)
    expected = fastavro.schemaless_reader(io.BytesIO(payload), fastavro.parse_schema(EVERYTHING), None)
    assert read(EVERYTHING, payload) == (expected, False)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_blocks_that_tell_their_length_are_read_like_others(count: int) -> None:
    items = b"".join(written("long", number) for number in range(count))
    block = written("long", -count) + written("long", len(items)) + items if count else b""
    assert read({"type": "array", "items": "long"}, block + b"\0") == (list(range(count)), False)


@pytest.mark.parametrize(
    ("schema", "payload", "reason"),
    [
        ("long", b"", "at byte 0 is no number"),
        ("long", b"\xff" * 11, "at byte 0 is no number"),
        ("double", b"\0" * 7, "8 bytes are wanted at byte 0, and 7 are left"),
        ("string", b"\x01", "-1 bytes are wanted"),
        ("string", written("long", 2**40) + b"x", "1099511627776 bytes are wanted"),
        (["null", "long"], b"\x04", "2 is none of 2 branches"),
        (["null", "long"], b"\x01", "-1 is none of 2 branches"),
        ("long", b"\0\0", "1 bytes are left over"),
    ],
)
def test_bytes_that_are_no_datum_are_refused(schema: Any, payload: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(schema, payload)


def test_one_value_that_its_logical_type_does_not_fit_leaves_the_others_as_they_are() -> None:
    moments = {"type": "array", "items": {"type": "long", "logicalType": "timestamp-millis"}}
    (good, bad), _ = read(moments, written({"type": "array", "items": "long"}, [0, 2**62]))
    assert (good.isoformat(), bad) == ("1970-01-01T00:00:00+00:00", 2**62)


def test_a_decimal_of_very_many_digits_stays_bytes() -> None:
    price = {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}
    digits = b"\x7f" * 125_000
    assert read(price, written("bytes", digits)) == (digits, False)


def test_an_array_of_very_many_values_is_cut() -> None:
    values, cut = read({"type": "array", "items": "null"}, written("long", 2**40))
    assert cut
    assert len(values) == MAX_STEPS
    assert values[-2:] == [None, UNREAD]


def test_a_record_of_very_many_fields_is_cut() -> None:
    fields = [{"name": f"f{number}", "type": "null"} for number in range(MAX_STEPS + 10)]
    values, cut = read({"type": "record", "name": "Wide", "fields": fields}, b"")
    assert cut
    assert len(values) == MAX_STEPS


def depth(value: Any) -> int:
    levels = 0
    while isinstance(value, dict):
        levels, (value,) = levels + 1, value.values()
    return levels


def test_a_record_that_holds_itself_without_a_byte_between_is_cut() -> None:
    endless = {"type": "record", "name": "Endless", "fields": [{"name": "again", "type": "Endless"}]}
    value, cut = read(endless, b"")
    assert cut
    assert depth(value) == MAX_LEVELS + 1


def test_many_levels_to_each_byte_are_cut() -> None:
    inner: Any = ["null", "Outer"]
    for level in range(30):
        inner = {"type": "record", "name": f"Level{level}", "fields": [{"name": "v", "type": inner}]}
    outer = {"type": "record", "name": "Outer", "fields": [{"name": "v", "type": inner}]}
    value, cut = read(outer, b"\x02" * 500 + b"\0")
    assert cut
    assert depth(value) == MAX_LEVELS + 1


def test_a_schema_that_leads_back_to_itself_comes_to_an_end() -> None:
    assert datum.read(b"", "a", {"a": {"type": "b"}, "b": "a"}) == (UNREAD, True)
