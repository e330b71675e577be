"""What bytes become: every payload gives a bounded text, and none of them makes the console fail."""

import io
import json
import struct
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.console.datum import UNREAD
from messaging.console.decode import MAX_TEXT, Schema, decode
from messaging.console.parts import ReadError

SENSOR: dict[str, Any] = {
    "type": "record",
    "name": "Sensor",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "value", "type": "double"},
        {"name": "raw", "type": ["null", "bytes"], "default": None},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}
NODE = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "next", "type": ["null", "Node"]}],
}


def wire(schema_id: int, payload: bytes) -> bytes:
    return b"\x00" + struct.pack(">I", schema_id) + payload


def avro(schema: Any, datum: Any) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads(json.dumps(schema))), datum)
    return stream.getvalue()


def lookup(schema: Any, kind: str = "AVRO") -> Any:
    return lambda schema_id: Schema(id=schema_id, kind=kind, text=json.dumps(schema))


def test_a_tombstone_and_an_empty_value_are_told_apart() -> None:
    assert decode(None).format == "null"
    assert decode(b"").format == "empty"


def test_json_is_indented() -> None:
    decoded = decode(b'{"b": 1, "a": ["\xc3\xa4"]}')
    assert decoded.format == "json"
    assert decoded.text == '{\n  "b": 1,\n  "a": [\n    "ä"\n  ]\n}'


def test_text_stays_as_it_is_and_other_bytes_are_shown_in_hexadecimal() -> None:
    assert decode(b"12 \xe2\x82\xac").text == "12 €"
    assert decode(b"\xff\xfe\x00").text == "ff fe 00"
    assert decode(b"bell\x07").format == "hex"


def test_avro_in_wire_format_is_decoded_with_its_schema() -> None:
    payload = avro(SENSOR, {"id": "s-1", "value": 1.5, "raw": b"\x00\xff", "at": 0})
    decoded = decode(wire(7, payload), lookup(SENSOR))
    assert (decoded.format, decoded.schema_id, decoded.note) == ("avro", 7, None)
    assert json.loads(decoded.text) == {
        "id": "s-1",
        "value": 1.5,
        "raw": "base64:AP8=",
        "at": "1970-01-01T00:00:00+00:00",
    }


def test_a_date_beyond_the_calendar_is_shown_as_its_number() -> None:
    payload = avro(SENSOR, {"id": "s", "value": 0.0, "raw": None, "at": 2**62})
    decoded = decode(wire(7, payload), lookup(SENSOR))
    assert json.loads(decoded.text)["at"] == 2**62


def test_a_schema_can_build_on_another_one() -> None:
    place = {"type": "record", "name": "Place", "fields": [{"name": "hall", "type": "string"}]}
    outer = {"type": "record", "name": "Reading", "fields": [{"name": "place", "type": "Place"}]}
    schema = Schema(id=1, kind="AVRO", text=json.dumps(outer), references=(json.dumps(place),))
    decoded = decode(wire(1, avro("string", "H4")), lambda _: schema)
    assert json.loads(decoded.text) == {"place": {"hall": "H4"}}


def test_json_in_wire_format_loses_its_five_bytes() -> None:
    decoded = decode(wire(3, b'{"a":1}'), lookup({}, "JSON"))
    assert (decoded.format, decoded.schema_id) == ("json", 3)
    assert json.loads(decoded.text) == {"a": 1}


def test_a_kind_of_schema_that_is_not_decoded_is_named() -> None:
    decoded = decode(wire(3, b"\x08\x01"), lookup("syntax", "PROTOBUF"))
    assert decoded.format == "hex"
    assert decoded.note == "schema 3 is PROTOBUF, shown undecoded"


def test_an_unreachable_schema_is_named_and_the_bytes_are_shown() -> None:
    def refuse(_: int) -> Schema:
        raise ReadError("the registry is down")

    decoded = decode(wire(9, b"abc"), refuse)
    assert decoded.format == "hex"
    assert decoded.note == "schema 9 could not be read: the registry is down"


def test_a_number_in_eight_bytes_is_no_wire_format() -> None:
    decoded = decode(struct.pack(">q", 5), lookup(SENSOR))
    assert (decoded.format, decoded.note) == ("hex", None)


@pytest.mark.parametrize("payload", [b"", b"\x02", b"\xff" * 12, avro("string", "x") + b"rest"])
def test_broken_avro_is_shown_in_hexadecimal_with_the_reason(payload: bytes) -> None:
    decoded = decode(wire(7, payload), lookup(SENSOR))
    assert decoded.format == "hex"
    assert decoded.note is not None
    assert decoded.note.startswith("not decodable with schema 7")


def test_bytes_left_over_after_the_datum_are_not_passed_over() -> None:
    decoded = decode(wire(7, avro("string", "x") + b"rest"), lookup("string"))
    assert decoded.note == "not decodable with schema 7: 4 bytes are left over"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": "null"},
        {"type": "array", "items": {"type": "record", "name": "Empty", "fields": []}},
        {"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}},
        {
            "type": "record",
            "name": "R",
            "fields": [{"name": "a", "type": {"type": "array", "items": "null"}}],
        },
        {
            "type": "map",
            "values": {
                "type": "record",
                "name": "Wide",
                "fields": [{"name": f"f{number}", "type": "null"} for number in range(400_000 // 8)],
            },
        },
    ],
)
def test_data_that_unfold_without_bound_are_cut(schema: Any) -> None:
    count = avro("long", 2**40)
    decoded = decode(wire(1, count + b"\x00" * 20), lookup(schema))
    assert (decoded.format, decoded.note, decoded.truncated) == ("avro", None, True)
    assert len(decoded.text) == MAX_TEXT


def test_records_that_double_at_each_level_are_cut() -> None:
    schema: Any = {"type": "record", "name": "L0", "fields": []}
    for level in range(1, 60):
        fields = [{"name": "a", "type": schema}, {"name": "b", "type": f"L{level - 1}"}]
        schema = {"type": "record", "name": f"L{level}", "fields": fields}
    decoded = decode(wire(1, b""), lookup(schema))
    assert (decoded.format, decoded.truncated) == ("avro", True)


def test_a_list_as_deep_as_it_is_long_is_shown_as_far_as_there_is_room() -> None:
    shallow = decode(wire(1, b"\x02" * 20 + b"\x00"), lookup(NODE))
    assert (shallow.format, shallow.truncated) == ("avro", False)
    deep = decode(wire(1, b"\x02" * 100_000 + b"\x00"), lookup(NODE))
    assert (deep.format, deep.truncated, len(deep.text)) == ("avro", True, MAX_TEXT)
    assert UNREAD not in deep.text


def test_records_that_hold_themselves_are_decoded_however_many_there_are() -> None:
    tree = {
        "type": "record",
        "name": "Tree",
        "fields": [{"name": "children", "type": {"type": "array", "items": "Tree"}}],
    }
    leaves: dict[str, Any] = {"children": [{"children": []}] * 600}
    decoded = decode(wire(1, avro(tree, leaves)), lookup(tree))
    assert (decoded.format, decoded.note) == ("avro", None)


def test_a_text_can_be_shortened_and_says_so() -> None:
    whole = decode(b"abc")
    assert whole.shortened(3) is whole
    assert (whole.shortened(2).text, whole.shortened(2).truncated, whole.shortened(2).size) == ("ab", True, 3)


def test_an_array_of_records_that_hold_themselves_is_decoded() -> None:
    tree = {
        "type": "record",
        "name": "Tree",
        "fields": [{"name": "children", "type": {"type": "array", "items": "Tree"}}],
    }
    decoded = decode(wire(1, avro(tree, {"children": [{"children": []}]})), lookup(tree))
    assert json.loads(decoded.text) == {"children": [{"children": []}]}


def test_indentation_of_deep_json_is_bounded() -> None:
    decoded = decode(b"[" * 900 + b"1,1" + b"]" * 900)
    assert decoded.truncated
    assert len(decoded.text) == MAX_TEXT


def test_json_nested_beyond_the_parser_is_shown_as_text() -> None:
    assert decode(b"[" * 100_000).format == "text"


def test_half_of_a_character_stays_the_escape_that_it_was() -> None:
    decoded = decode(rb'{"a": "\ud800", "b": "\ud83d\ude00"}')

    assert decoded.text == '{\n  "a": "\\ud800",\n  "b": "\U0001f600"\n}'


def test_long_text_and_long_bytes_are_cut_and_said_to_be() -> None:
    for data in (b"x" * 1_000_000, b"\xff" * 1_000_000):
        decoded = decode(data)
        assert decoded.truncated
        assert decoded.size == 1_000_000
        assert len(decoded.text) <= MAX_TEXT


def test_the_preview_is_one_line() -> None:
    assert decode(b'{"a": 1,\n"b": 2}').preview == '{ "a": 1, "b": 2 }'


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    for schemas in (None, lookup(SENSOR), lookup(NODE)):
        assert len(decode(data, schemas).text) <= MAX_TEXT


@given(st.binary(max_size=60))
def test_no_payload_under_a_schema_makes_it_fail(payload: bytes) -> None:
    for schema in (SENSOR, NODE, {"type": "map", "values": ["null", "bytes", "string"]}):
        assert decode(wire(1, payload), lookup(schema)).format in ("avro", "hex")
