"""What counts as a difference between what a resource is and what the program wants, by kinds of property."""

from __future__ import annotations

from typing import Any

import pytest

from engine.providers.diff import Kind, diff
from engine.providers.schema import Property
from engine.values import UNKNOWN

KINDS = {
    "map": Property("map", replace=True),
    "object": Property("object", properties={"text": Property("string"), "map": Property("map")}),
}


def changed(name: str, old: Any, new: Any) -> list[tuple[str, Kind]]:
    olds, news = ({} if value is None else {name: value} for value in (old, new))
    return [(change.path, change.kind) for change in diff(KINDS, olds, news)]


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        (None, {"/run": ""}, ("map", Kind.ADD)),
        ({}, {"/run": ""}, ('map["/run"]', Kind.ADD)),
        ({"/run": ""}, None, ("map", Kind.DELETE)),
        ({"/run": ""}, {}, ('map["/run"]', Kind.DELETE)),
        ({"a": "1"}, {"a": "1", "b": ""}, ("map.b", Kind.ADD)),
        ({"a": "1", "b": ""}, {"a": "1"}, ("map.b", Kind.DELETE)),
        ({"a": ""}, {"a": "1"}, ("map.a", Kind.UPDATE)),
        ({"a": "1"}, {"a": ""}, ("map.a", Kind.UPDATE)),
        ({}, {"a": UNKNOWN}, ("map.a", Kind.ADD)),
        ({"a": ""}, {"a": UNKNOWN}, ("map.a", Kind.UPDATE)),
    ],
)
def test_a_name_in_a_map_is_a_difference_also_with_an_empty_value(
    old: Any, new: Any, difference: tuple[str, Kind]
) -> None:
    assert changed("map", old, new) == [difference]


@pytest.mark.parametrize(("old", "new"), [(None, {}), ({}, None), ({"a": ""}, {"a": ""})])
def test_an_empty_map_is_none_and_the_same_names_are_the_same(old: Any, new: Any) -> None:
    assert changed("map", old, new) == []


@pytest.mark.parametrize("value", [{"text": ""}, {"map": {}}, {"text": "", "map": {}}, {}])
def test_an_object_of_nothing_is_none(value: Any) -> None:
    assert changed("object", None, value) == []
    assert changed("object", value, None) == []


def test_an_object_with_a_name_in_its_map_is_something() -> None:
    assert changed("object", None, {"map": {"a": ""}}) == [("object", Kind.ADD)]
