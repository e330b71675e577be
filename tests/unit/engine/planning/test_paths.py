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
    ("path", "expected"),
    [
        (("a",), "a"),
        (("a", "b", 0, "c"), "a.b[0].c"),
        (("a.b",), '["a.b"]'),
        (("a", "x[", "*"), 'a["x["]["*"]'),
        (('a "b"', "c\\d"), r'["a \"b\""]["c\\d"]'),
        (("",), '[""]'),
    ],
)
def test_a_written_path_is_read_as_the_same(path: paths.Path, expected: str) -> None:
    assert paths.text(path) == expected
    assert paths.parse(expected) == path


def test_what_a_provider_names_is_a_property_where_it_is_no_path() -> None:
    assert paths.named("a.b") == ("a", "b")
    assert paths.named("m[x") == ("m[x",)
    assert paths.get({"m[x": 1}, "m[x") == 1


def test_what_is_no_path_is_left_out_of_what_a_state_holds() -> None:
    assert paths.sound(["a.b", "s[", "*"]) == ["a.b", "*"]


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
        (
            "s.*.v",
            {"s": {"a": {"v": 1}}},
            {"s": {"a": {"v": 2}, "b": {"v": 9}}},
            {"s": {"a": {"v": 1}, "b": {"v": 9}}},
        ),
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


@pytest.mark.parametrize(
    ("selector", "old", "new", "expected"),
    [
        ("s[*].v", [{"v": 1}], [{"v": 2}, {"v": 9}], [{"v": 1}, {"v": 9}]),
        ("s[*].v", [{"v": 1}, {"v": 1}], [{"v": 2}], [{"v": 1}]),
        ("s[*]", [1, 2], [9], [1]),
        ("s[*].v", [{"v": 1}, 1, {"v": 1}], [{"v": 2}, {"v": 2}, {"v": 2}], [{"v": 1}, {"v": 2}, {"v": 1}]),
        ("s.*.v", {"a": {"v": 1}, "b": {"v": 1}}, {"b": {"v": 2}}, {"b": {"v": 1}}),
        ("s[*].v", Secret([{"v": 1}]), Secret([{"v": 2}, {"v": 9}]), Secret([{"v": 1}, {"v": 9}])),
    ],
)
def test_below_a_star_elements_that_stayed_have_their_old_values_although_others_came_or_went(
    selector: str, old: Any, new: Any, expected: Any
) -> None:
    assert paths.restore({"s": new}, {"s": old}, [selector]) == ({"s": expected}, [selector])
