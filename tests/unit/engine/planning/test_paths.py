"""Property paths, and putting old values back at them."""

from __future__ import annotations

from typing import Any

import pytest

from engine.planning import paths
from engine.values import Secret


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ('a["x.y"].z', ("a", "x.y", "z")),
        (r'["a \"b\""]', ('a "b"',)),
        ("a[*].b", ("a", "*", "b")),
        ("*", ("*",)),
        ("__meta", ("__meta",)),
    ],
)
def test_a_path_is_split(text: str, expected: tuple[str | int, ...]) -> None:
    assert paths.parse(text) == expected


@pytest.mark.parametrize("text", ["a[", "a[b]", "a..b", '["x', "a]"])
def test_what_is_no_path_is_refused_with_the_place(text: str) -> None:
    with pytest.raises(ValueError, match="is not a property path"):
        paths.parse(text)


@pytest.mark.parametrize(
    ("path", "other", "expected"),
    [
        ("a", "a", True),
        ("a", "a.b[0]", True),
        ("a.b", "a", False),
        ("*", "a.b", True),
        ("a[*].c", "a[3].c", True),
        ("a[*].c", "a[3].d", False),
    ],
)
def test_a_path_covers_what_lies_below_it(path: str, other: str, expected: bool) -> None:
    assert paths.covers(paths.parse(path), paths.parse(other)) is expected


@pytest.mark.parametrize(
    ("selector", "old", "new", "expected"),
    [
        ("a", {"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 1, "b": 2}),
        ("a", {}, {"a": 2}, {}),
        ("a", {"a": 1}, {}, {"a": 1}),
        ("a.b", {"a": {"b": 1}}, {"a": {"b": 2, "c": 2}}, {"a": {"b": 1, "c": 2}}),
        ("a[1]", {"a": [1, 1]}, {"a": [2, 2]}, {"a": [2, 1]}),
        ("a[*].b", {"a": [{"b": 1}, {"b": 1}]}, {"a": [{"b": 2}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 1}]}),
        ("a[9]", {"a": [1]}, {"a": [2]}, {"a": [2]}),
        ("*", {"a": 1}, {"b": 2}, {"a": 1}),
        ("a.b", {"a": Secret({"b": 1})}, {"a": Secret({"b": 2, "c": 2})}, {"a": Secret({"b": 1, "c": 2})}),
        ("a.b", {"a": Secret({"b": 1})}, {"a": {"b": 2, "c": 2}}, {"a": {"b": Secret(1), "c": 2}}),
        ("a[0].b", {"a": Secret([{"b": 1}])}, {"a": [{"b": 2, "c": 2}]}, {"a": [{"b": Secret(1), "c": 2}]}),
        ("a.b", {"a": {"b": Secret(1)}}, {"a": Secret({"b": 2, "c": 2})}, {"a": Secret({"b": 1, "c": 2})}),
        ("a", {"a": Secret(1)}, {"a": Secret(2)}, {"a": Secret(1)}),
        ("x.y", {}, {"a": 1}, {"a": 1}),
    ],
)
def test_old_values_are_put_back(selector: str, old: Any, new: Any, expected: Any) -> None:
    assert paths.restore(new, old, [selector]) == (expected, [])


@pytest.mark.parametrize(
    ("selector", "old", "new"),
    [
        ("a[1]", {"a": [1]}, {"a": [1, 2]}),
        ("a[*]", {"a": [1, 2]}, {"a": [1]}),
        ("a.b", {}, {"a": {"b": 1}}),
        ("a.b", {"a": 1}, {"a": {"b": 1}}),
    ],
)
def test_where_elements_came_or_went_nothing_is_changed_and_the_selector_is_returned(
    selector: str, old: Any, new: Any
) -> None:
    assert paths.restore(new, old, [selector]) == (new, [selector])
