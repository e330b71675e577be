"""The rules of schema resolution, row by row, and what the levels make of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from messaging import avro
from messaging import avro_compatibility as compatibility
from messaging.avro_compatibility import LEVELS, Rule, Version
from tests.evolution import DECIMAL_ROW, ID, NO_DEFAULT, ROWS, Row, field, of, record

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
