"""Avro schemas: valid records pass unchanged, everything else is refused with its place."""

from __future__ import annotations

import json

import pytest

from messaging import avro


def record(**changes: object) -> str:
    fields = [{"name": "id", "type": "string", "doc": "who"}]
    return json.dumps(
        {"type": "record", "name": "Event", "namespace": "com.example", "fields": fields} | changes
    )


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


def test_layout_makes_no_difference_and_documentation_does() -> None:
    assert avro.same(record(), json.dumps(json.loads(record()), indent=2))
    assert not avro.same(record(), record(doc="another word"))
    assert not avro.same("not json", record())
