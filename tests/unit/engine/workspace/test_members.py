"""Members of nested values: found, set and taken out by their path."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import BadInput
from engine.workspace.members import get_path, parse_value, set_path, without_path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("0", 0),
        ("-12", -12),
        ("007", "007"),
        ("-0", "-0"),
        ("18446744073709551616", "18446744073709551616"),
        ("--5", "--5"),
        ("1.5", "1.5"),
        ("", ""),
    ],
)
def test_numbers_and_booleans_are_recognised_inside_objects(text: str, value: Any) -> None:
    parsed = parse_value(text)

    assert (parsed, type(parsed)) == (value, type(value))


def test_a_path_sets_a_member_and_makes_what_is_missing() -> None:
    assert set_path({"a": {"b": 1}}, ["a", "c", 0], "x") == {"a": {"b": 1, "c": ["x"]}}
    assert set_path([1, 2], [1], 3) == [1, 3]
    assert get_path({"a": [{"b": 7}]}, ["a", 0, "b"]) == 7


@pytest.mark.parametrize(
    ("value", "path"),
    [("text", ["a"]), ([1], [3]), ({"a": 1}, [0]), ({"secure": "v1:x:y"}, ["a"])],
)
def test_a_path_through_something_else_is_refused(value: Any, path: list[str | int]) -> None:
    with pytest.raises(BadInput, match="cannot be set"):
        set_path(value, path, 1)


@pytest.mark.parametrize(
    "path", [["b"], ["a", "b"], ["l", 5], ["l", -1], ["l", "x"], ["text", 0], ["sealed", "secure"]]
)
def test_a_path_to_nothing_is_told(path: list[str | int]) -> None:
    value = {"a": 1, "l": [7], "text": "abc", "sealed": {"secure": "v1:x:y"}}

    with pytest.raises(KeyError):
        get_path(value, path)
    with pytest.raises(KeyError):
        without_path(value, path)


def test_a_member_is_taken_out_and_the_rest_of_a_list_moves_up() -> None:
    assert without_path({"l": [1, 2, 3], "b": 1}, ["l", 1]) == {"l": [1, 3], "b": 1}
    assert without_path({"a": {"b": 1, "c": 2}}, ["a", "b"]) == {"a": {"c": 2}}


def test_an_object_is_never_made_to_look_like_a_secret() -> None:
    with pytest.raises(BadInput, match="taken for a secret"):
        set_path({}, ["a", "secure"], "x")
    with pytest.raises(BadInput, match="taken for a secret"):
        without_path({"a": {"secure": "x", "b": 1}}, ["a", "b"])
