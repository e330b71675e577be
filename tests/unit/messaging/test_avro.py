"""Avro schemas: valid records pass unchanged, everything else is refused with its place."""

from __future__ import annotations

import json
import math

import pytest

from messaging import avro
from messaging.avro_types import walk


def record(**changes: object) -> str:
    fields = [{"name": "id", "type": "string", "doc": "who"}]
    return json.dumps(
        {"type": "record", "name": "Event", "namespace": "com.example", "fields": fields} | changes
    )


FIXED = {"type": "fixed", "name": "F", "logicalType": "decimal", "precision": 4}


def test_a_record_keeps_its_documentation_and_order() -> None:
    schema = avro.parse(json.dumps(json.loads(record()), indent=4))

    assert schema.name == "com.example.Event"
    assert json.loads(schema.text) == json.loads(record())
    assert "\n" not in schema.text


def test_parsing_what_was_parsed_changes_nothing() -> None:
    once = avro.parse(record())

    assert avro.parse(once.text) == once


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{\n "type": "record",\n oops }', ("line 3", "column 2", "JSON")),
        ("", ("JSON",)),
        ('"string"', ("record",)),
        ("[]", ("record",)),
        ('{"type": "record", "name": "Event"}', ("Event", "no list of fields")),
        (record(fields=[{"name": "a", "type": "nonsense"}]), ("nonsense",)),
        (record(fields=[{"name": "a", "type": "int", "default": "x"}]), ("field a", "'x'", "no int")),
        (record(fields=[{"name": "a", "type": "double", "default": math.nan}]), ("NaN",)),
        (record(fields=[{"name": "a", "type": "double", "default": 10**310}]), ("field a", "no double")),
        (
            record(fields=[{"name": "a", "type": ["float", "null"], "default": -(10**310)}]),
            ("first type float",),
        ),
        (record(fields=[{"name": "a", "type": FIXED | {"size": 10**400}}]), ("field a", "0 to 2147483647")),
        (record(fields=[{"name": "a", "type": FIXED | {"size": 2**31}}]), ("field a", "0 to 2147483647")),
        (record(fields=[{"name": "a", "type": FIXED | {"size": -1}}]), ("field a", "0 to 2147483647")),
        (record(doc="half \ud83d"), ("line 1", "half a character")),
        (record(fields=[{"name": "a", "type": "int", "order": []}]), ("field a", "order []", "ignore")),
        (record(fields=[{"name": "a"}]), ("type",)),
        (record(fields=[{"name": "9a", "type": "int"}]), ("field named '9a'", "must be a word")),
        (record(fields=[{"name": "a", "type": "int"}] * 2), ("'a'", "twice")),
        (record(fields=[{"name": "a", "type": ["null", "null"]}]), ("'null'", "twice", "field a")),
        (record(fields=["a"]), ("Avro",)),
        (record(name="not a name"), ("not a name",)),
        (record(fields=[{"name": "a", "type": {"type": "record", "name": "B"}}]), ("field a", "'B'")),
        (record(fields=[{"name": "a", "type": {"type": "array"}}]), ("Avro",)),
        (record(fields=[{"name": "a", "type": {"type": "enum", "name": "E"}}]), ("Avro",)),
    ],
)
def test_what_is_no_record_is_refused_with_its_place(text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(avro.SchemaError) as refused:
        avro.parse(text)

    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize("default", [10**308, -(10**308), 1.5, 3])
def test_a_default_of_a_double_may_be_any_number_that_it_holds(default: float) -> None:
    assert avro.parse(record(fields=[{"name": "a", "type": "double", "default": default}]))


def test_a_default_that_is_refused_is_quoted_in_short() -> None:
    with pytest.raises(avro.SchemaError) as refused:
        avro.parse(record(fields=[{"name": "a", "type": "double", "default": 10**310}]))

    assert len(str(refused.value)) < 200


def test_layout_makes_no_difference_and_documentation_does() -> None:
    assert avro.same(record(), json.dumps(json.loads(record()), indent=2))
    assert not avro.same(record(), record(doc="another word"))
    assert not avro.same("not json", record())


UNIT = avro.parse('{"type": "enum", "name": "Unit", "symbols": ["K"]}', kinds=("enum",))
RANGE = avro.parse(
    json.dumps(
        {
            "type": "record",
            "name": "com.example.Range",
            "fields": [{"name": "least", "type": {"type": "fixed", "name": "Least", "size": 8}}],
        }
    )
)


def test_a_whole_schema_has_what_it_names_inside_once_and_under_its_own_name() -> None:
    fields = [
        {"name": "ranges", "type": {"type": "array", "items": ["null", "Range"]}},
        {"name": "other", "type": "com.example.Range"},
        {"name": "unit", "type": {"type": "map", "values": "Unit"}},
    ]

    whole = avro.parse_whole(record(fields=fields), {"com.example.Range": RANGE, "Unit": UNIT})

    assert whole.references == ()
    assert avro.parse(whole.text) == whole
    named = {type_.name for type_ in walk(whole.type) if type_.name}
    assert named == {"com.example.Event", "com.example.Range", "com.example.Least", "Unit"}
    assert whole.text.count('"Least"') == 1


def test_a_whole_schema_takes_from_others_what_it_does_not_define_itself() -> None:
    own = {"type": "record", "name": "com.example.Range", "fields": []}

    whole = avro.parse_whole(
        record(fields=[{"name": "range", "type": own}]), {"com.example.Range": RANGE, "Unit": UNIT}
    )

    assert "least" not in whole.text


def test_two_types_may_have_the_same_one_inside_a_whole_schema() -> None:
    least = avro.parse('{"type": "fixed", "name": "com.example.Least", "size": 8}', kinds=("fixed",))
    fields = [{"name": "range", "type": "Range"}, {"name": "least", "type": "Least"}]

    whole = avro.parse_whole(record(fields=fields), {"com.example.Range": RANGE, "com.example.Least": least})

    assert whole.text.count('"size":8') == 1


def test_what_is_wrong_with_a_whole_schema_is_told_with_its_line() -> None:
    text = json.dumps(json.loads(record(fields=[{"name": "a", "type": "Gone"}])), indent=1)

    with pytest.raises(avro.SchemaError) as refused:
        avro.parse_whole(text, {"com.example.Range": RANGE})

    assert refused.value.faults == [(6, "not Avro: field a has the type 'Gone', which is not defined")]
