"""What differs between inputs where no provider says so."""

from __future__ import annotations

from typing import Any

import pytest

from engine.planning import comparison
from engine.values import UNKNOWN, Secret


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, {}),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 2}]}}, {}),
        ({"a": Secret({"b": 1})}, {"a": {"b": Secret(1)}}, {}),
        ({}, {"a": {"b": 1}}, {"a": "add"}),
        ({"a": [1]}, {}, {"a": "delete"}),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "d": 1}}, {"a.b": "update", "a.c": "delete", "a.d": "add"}),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, {"a[1]": "update", "a[2]": "add"}),
        ({"a": [1, 2]}, {"a": [1]}, {"a[1]": "delete"}),
        ({"a": [1]}, {"a": {"0": 1}}, {"a": "update"}),
        ({"a": {"b": 1}}, {"a": UNKNOWN}, {"a": "update"}),
        ({"a": Secret({"b": 1, "c": 1})}, {"a": Secret({"b": 2, "c": 1})}, {"a.b": "update"}),
        (
            {"m[x": 1, "a.b": {"*": 1}},
            {"m[x": 2, "a.b": {"*": 2}},
            {'["m[x"]': "update", '["a.b"]["*"]': "update"},
        ),
    ],
)
def test_a_difference_is_told_with_its_path(old: Any, new: Any, expected: dict[str, str]) -> None:
    diff = comparison.inputs(old, new)
    assert diff.detail == expected
    assert diff.changes == bool(expected)


@pytest.mark.parametrize(
    ("number", "truth"), [(1, True), (0, False), ([1], [True]), ({"b": 0}, {"b": False})]
)
def test_a_number_is_no_truth_value(number: Any, truth: Any) -> None:
    assert comparison.inputs({"a": number}, {"a": truth}).changed == ("a",)
    assert comparison.inputs({"a": truth}, {"a": number}).changed == ("a",)
    assert not comparison.inputs({"a": truth}, {"a": truth}).changes


def test_changed_are_the_properties_themselves() -> None:
    diff = comparison.inputs({"a": {"b": 1, "c": 1}, "m[x": 1}, {"a": {"b": 2, "c": 2}, "m[x": 2})
    assert sorted(diff.changed) == ["a", "m[x"]


def test_a_nested_selector_replaces_for_what_lies_below_it_alone() -> None:
    diff = comparison.inputs({"s": {"a": 1, "b": 1}}, {"s": {"a": 2, "b": 2}})
    assert comparison.replace_on_changes(diff, ["s.a"], init_errors=False).detail == {
        "s.a": "update-replace",
        "s.b": "update",
    }
    assert not comparison.replace_on_changes(diff, ["s.c"], init_errors=False).replace
