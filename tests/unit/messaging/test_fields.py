"""Checked reading: what a key may be, what is said about it, and that nothing is said one at a time."""

from __future__ import annotations

import re

import pytest

from messaging.fields import Fault, Fields


def read(values: object) -> tuple[Fields, list[Fault]]:
    faults: list[Fault] = []
    return Fields(values, faults), faults


def test_a_missing_key_has_its_default() -> None:
    fields, faults = read({})

    assert fields.text("name", "kafka") == "kafka"
    assert fields.whole("count", 3, least=1, most=9) == 3
    assert fields.duration_ms("wait", "2m") == 120_000
    assert fields.size_mib("memory", "1g") == 1024
    assert faults == []


def test_a_missing_key_without_a_default_is_a_fault_with_an_example() -> None:
    fields, faults = read({})

    fields.duration_ms("retention")

    assert faults[0].path == ("retention",)
    assert "is missing" in faults[0].problem
    assert faults[0].example == "7d"


@pytest.mark.parametrize(("text", "milliseconds"), [("30s", 30_000), ("1h", 3_600_000), ("7d", 604_800_000)])
def test_durations_are_milliseconds(text: str, milliseconds: int) -> None:
    fields, faults = read({"retention": text})

    assert fields.duration_ms("retention") == milliseconds
    assert faults == []


@pytest.mark.parametrize("value", ["", "7", "d", "-1d", "0d", "7 d", "1.5d", "7w", 7, True, None, ["7d"]])
def test_what_is_no_duration_is_quoted(value: object) -> None:
    fields, faults = read({"retention": value})

    fields.duration_ms("retention", "7d")

    assert len(faults) == 1
    assert ("empty" if value is None else repr(value)) in faults[0].problem


@pytest.mark.parametrize(("value", "number"), [(5, 5), ("5", 5), (5.0, 5)])
def test_a_whole_number_may_come_as_text_or_float(value: object, number: int) -> None:
    fields, faults = read({"count": value})

    assert fields.whole("count", least=1, most=9) == number
    assert faults == []


@pytest.mark.parametrize("value", [0, 10, "ten", "1e3", 1.5, float("inf"), float("nan"), True, [], None])
def test_what_is_no_whole_number_in_range_is_refused_with_the_range(value: object) -> None:
    fields, faults = read({"count": value})

    fields.whole("count", 3, least=1, most=9)

    assert "from 1 to 9" in faults[0].problem


def test_an_unknown_key_is_refused_with_the_valid_ones_and_the_one_that_was_meant() -> None:
    fields, faults = read({"memroy": "1g"})
    fields.size_mib("memory", "2g")
    fields.size_mib("heap", "1g")

    fields.done()

    (fault,) = faults
    assert fault.path == ("memroy",)
    assert "Did you mean memory?" in fault.problem
    assert "heap, memory" in fault.problem


def test_what_should_be_a_mapping_and_is_not_is_one_fault() -> None:
    fields, faults = read({"cluster": "three brokers"})

    section = fields.section("cluster")
    section.size_mib("memory", "1g")
    section.done()

    assert [fault.path for fault in faults] == [("cluster",)]
    assert "'three brokers'" in faults[0].problem


def test_a_text_must_match_the_whole_rule() -> None:
    fields, faults = read({"name": "a b"})

    fields.text("name", "", rule=re.compile("[a-z]"), says="one letter, such as a")

    assert faults[0].problem == "is 'a b'. It must be one letter, such as a"
    assert faults[0].example == "a"


def test_all_faults_are_kept_in_order() -> None:
    fields, faults = read({"one": 0, "two": "x", "three": 1})
    fields.whole("one", least=1, most=2)
    fields.choice("two", ("a", "b"))

    fields.done()

    assert [fault.path[-1] for fault in faults] == ["one", "two", "three"]


def test_a_very_long_value_is_shown_short() -> None:
    fields, faults = read({"name": "x" * 500})

    fields.choice("name", ("a",))

    assert len(faults[0].problem) < 150
