"""The rules of schema resolution, row by row, and what the levels make of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from messaging import avro
from messaging import avro_compatibility as compatibility
from messaging.avro_compatibility import LEVELS, Rule, Version
from tests.evolution import DECIMAL_ROW, ID, INNER, NO_DEFAULT, ROWS, Row, field, of, record

if TYPE_CHECKING:
    from messaging.avro_types import Type


def typed(document: object) -> Type:
    return avro.parse(json.dumps(document)).type


def rules(reader: Type, writer: Type) -> set[Rule]:
    return {reason.rule for reason in compatibility.unreadable(reader, writer)}


@pytest.mark.parametrize("row", [*ROWS, DECIMAL_ROW], ids=lambda row: row.name)
def test_a_change_breaks_the_rule_that_it_breaks_in_each_direction(row: Row) -> None:
    old, new = typed(row.old), typed(row.new)

    assert rules(new, old) == ({row.backward} if row.backward else set())
    assert rules(old, new) == ({row.forward} if row.forward else set())


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("row", [*ROWS, DECIMAL_ROW], ids=lambda row: row.name)
def test_a_level_asks_for_its_direction_or_both(row: Row, level: str) -> None:
    found = compatibility.breaches(level, typed(row.new), [Version(1, typed(row.old))])

    assert (not found) == row.compatible(level)


V1 = record(ID, field("unit", "string"))
V2 = record(ID)
V3 = record(ID, field("unit", "int", default=0))
"""Each can read the one before; the third cannot read the first."""


@pytest.mark.parametrize(
    ("level", "against"), [("BACKWARD", []), ("BACKWARD_TRANSITIVE", ["version 1"]), ("NONE", [])]
)
def test_only_a_transitive_level_looks_at_all_versions(level: str, against: list[str]) -> None:
    versions = [Version(1, typed(V1)), Version(2, typed(V2))]

    assert [breach.writer for breach in compatibility.breaches(level, typed(V3), versions)] == against


def test_a_breach_names_field_rule_and_versions() -> None:
    (breach,) = compatibility.breaches(
        "BACKWARD", typed(record(ID, field("unit", "string"))), [Version(4, typed(record(ID)))]
    )

    assert str(breach).startswith("the new schema cannot read what version 4 wrote: field unit is not in")
    assert NO_DEFAULT in str(breach)


def test_all_breaches_of_a_change_are_found() -> None:
    old = record(ID, field("a", "long"), field("b", ["null", "string"], default=None))
    new = record(field("id", "int"), field("a", "int"), field("b", "int"), field("c", "int"))

    found = compatibility.breaches("BACKWARD", typed(new), [Version(1, typed(old))])

    assert {(one.reason.place, one.reason.rule) for one in found} == {
        ("field id", Rule.TYPE_MISMATCH),
        ("field a", Rule.TYPE_MISMATCH),
        ("field b", Rule.TYPE_MISMATCH),
        ("field c", NO_DEFAULT),
    }


def test_a_place_inside_arrays_maps_and_records_is_named() -> None:
    def nested(kind: str) -> dict[str, object]:
        inner = {"type": "record", "name": "Inner", "fields": [field("x", kind)]}
        return of({"type": "array", "items": {"type": "map", "values": inner}})

    (reason,) = compatibility.unreadable(typed(nested("int")), typed(nested("string")))

    assert reason.place == "field value[]{}.x"


def test_a_change_inside_a_referenced_type_is_found() -> None:
    unit = avro.parse(
        json.dumps({"type": "enum", "name": "com.example.Unit", "symbols": ["K"]}), kinds=("enum",)
    )
    fewer = avro.parse(
        json.dumps({"type": "enum", "name": "com.example.Unit", "symbols": ["C"]}), kinds=("enum",)
    )
    text = json.dumps(of("com.example.Unit"))

    old, new = (avro.parse(text, {"com.example.Unit": one}).type for one in (unit, fewer))

    assert rules(new, old) == {Rule.MISSING_ENUM_SYMBOLS}


TEMP, TEMPERATURE = field("temp", "int"), field("temperature", "int")
RENAMED = field("temperature", "int", aliases=["temp"])


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (record(TEMP, TEMPERATURE), record(RENAMED), "field temperature"),
        (record(TEMP, TEMPERATURE), record(field("t", "int", aliases=["temp", "temperature"])), "field t"),
        (
            of(record(TEMP, TEMPERATURE, name="Inner")),
            of(record(RENAMED, name="Inner")),
            "field value.temperature",
        ),
    ],
)
def test_a_field_cannot_be_read_from_two_that_the_writer_has_side_by_side(
    old: dict[str, Any], new: dict[str, Any], place: str
) -> None:
    (reason,) = compatibility.unreadable(typed(new), typed(old))

    assert (reason.place, reason.rule) == (place, Rule.AMBIGUOUS_FIELD)
    assert "'temp'" in reason.problem
    assert "'temperature'" in reason.problem


def test_a_field_that_was_written_under_both_names_for_a_while_cannot_drop_the_old_one_by_an_alias() -> None:
    versions = [
        Version(1, typed(record(TEMP))),
        Version(2, typed(record(TEMP, field("temperature", "int", default=0)))),
    ]

    found = compatibility.breaches("BACKWARD_TRANSITIVE", typed(record(RENAMED)), versions)

    assert [(one.writer, one.reason.rule) for one in found] == [("version 2", Rule.AMBIGUOUS_FIELD)]


def moved(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**record(*fields, **more), "namespace": "com.example.other"}


@pytest.mark.parametrize("default", [{}, {"default": 0}], ids=["no default", "default"])
def test_the_aliases_of_fields_are_followed_only_from_a_record_that_is_known_by_its_full_name(
    default: dict[str, Any],
) -> None:
    renamed = field("temperature", "int", aliases=["temp"], **default)
    old = typed(record(TEMP))

    (reason,) = compatibility.unreadable(typed(moved(renamed)), old)

    assert (reason.place, reason.rule) == ("field temperature", Rule.NAME_MISMATCH)
    assert "add 'com.example.Reading' to the record's aliases" in reason.problem
    assert not rules(typed(moved(renamed, aliases=["com.example.Reading"])), old)
    assert not rules(typed(record(renamed)), old), "the record kept its name"
    assert not rules(typed(moved(field("temp", "int", aliases=["t"]))), old), "the field kept its name"


def expression(operators: int, value: str) -> dict[str, object]:
    """Operators that have any of them on either side: each path through them is a place of its own."""
    names = [f"Operator{number}" for number in range(operators)]
    defined: set[str] = set()

    def operand() -> list[object]:
        return ["null", value, *map(operator, names)]

    def operator(name: str) -> object:
        if name in defined:
            return name
        defined.add(name)
        fields = [field("left", operand()), field("right", operand())]
        return {"type": "record", "name": name, "fields": fields}

    return record(field("expression", operand()))


def test_records_that_contain_each_other_in_many_ways_are_judged_pair_by_pair() -> None:
    old, same, narrower = (typed(expression(12, value)) for value in ("long", "long", "int"))

    assert compatibility.unreadable(same, old) == []
    assert compatibility.unreadable(old, narrower) == []
    assert rules(narrower, old) == {Rule.MISSING_UNION_BRANCH}


def test_what_is_wrong_inside_a_record_is_told_once_where_it_is_nearest() -> None:
    found = compatibility.unreadable(typed(expression(3, "int")), typed(expression(3, "long")))

    assert [reason.place for reason in found] == [
        "field expression",
        *(f"field expression.{side}" for side in ("left", "right")),
    ]


def test_records_that_rely_on_one_that_cannot_be_read_cannot_be_read_either() -> None:
    """The second field is read through the record that the first one has another way to read."""

    def document(changed: str, *others: dict[str, Any]) -> dict[str, Any]:
        around = {"type": "record", "name": "Around", "fields": [field("inner", "Inner")]}
        inner = {**INNER, "fields": [field("around", around), field("changed", changed)]}
        return record(field("first", [inner, *others]), field("second", "Around"))

    other = {"type": "record", "name": "Other", "aliases": ["com.example.Inner"], "fields": []}

    found = compatibility.unreadable(typed(document("int", other)), typed(document("string")))

    assert [(one.place, one.rule) for one in found] == [("field second.inner.changed", Rule.TYPE_MISMATCH)]
