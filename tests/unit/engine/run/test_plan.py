"""What the engine decides to do, row by row, and that preview decides the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from engine.program.goal import Alias
from engine.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

Registrations = "Callable[[Any], object]"


@dataclass(frozen=True)
class Row:
    """One change of a program.

    Attributes:
        before: The program that is deployed already.
        after: The one that is deployed now.
        steps: What is to happen, ``operation name``, in this order.
        calls: What the provider is to be asked, ``method name``.
    """

    before: Callable[[Any], object]
    after: Callable[[Any], object]
    steps: list[str]
    calls: list[str]


def nothing(_: Any) -> None:
    """Register nothing but the stack."""


def one(inputs: dict[str, Any], **options: Any) -> Callable[[Any], object]:
    """A program with one thing, ``a``."""
    return lambda program: program.thing("a", inputs, **options)


def two(
    inputs: dict[str, Any], *, b: dict[str, Any] | None = None, **options: Any
) -> Callable[[Any], object]:
    """A program with ``a``, and ``b`` that is made from ``a``'s output under ``from``."""

    def register(program: Any) -> None:
        a = program.thing("a", inputs)
        program.thing("b", b or {}, from_={"from": a}, **options)

    return register


def forced(inputs: dict[str, Any], *, after: bool = False, **options: Any) -> Callable[[Any], object]:
    """``a``, and ``b`` that a change of ``a``'s output would replace; ``after``: it only waits for it."""

    def register(program: Any) -> None:
        a = program.thing("a", inputs)
        sources = {"after": [a]} if after else {"from_": {"force": a}}
        program.thing("b", {"x": 1}, **sources, **options)

    return register


def deleted_with(inputs: dict[str, Any], *, keep_b: bool = True) -> Callable[[Any], object]:
    """``a``, and ``b`` that goes with it."""

    def register(program: Any) -> None:
        a = program.thing("a", inputs)
        if keep_b:
            program.thing("b", {"x": 1}, deleted_with=a.urn, after=[a])

    return register


def behind_provider(config: dict[str, Any]) -> Callable[[Any], object]:
    """``a`` behind an explicit provider ``p``."""

    def register(program: Any) -> None:
        p = program.provider("p", config)
        program.thing("a", {"x": 1}, provider=f"{p.urn}::{p.id}")

    return register


def grouped(name: str, *, alias: str = "", child: str = "") -> Callable[[Any], object]:
    """A component with a child that is named after it, and a thing that needs the child."""

    def register(program: Any) -> None:
        aliases = (Alias(name=alias),) if alias else ()
        group = program.component(name, aliases=aliases)
        inner = program.thing(child or f"{name}-part", {"x": 1}, parent=group.urn)
        program.thing("user", {}, from_={"from": inner})

    return register


def three(inputs: dict[str, Any]) -> Callable[[Any], object]:
    """A chain of three in which each one's output forces the next."""

    def register(program: Any) -> None:
        a = program.thing("a", inputs)
        b = program.thing("b", {}, from_={"force": a})
        program.thing("c", {}, from_={"force": b})

    return register


ROWS = {
    "a new thing": Row(nothing, one({"x": 1}), ["create a"], ["create a"]),
    "nothing changed": Row(one({"x": 1}), one({"x": 1}), ["same a"], []),
    "an input changed": Row(one({"x": 1}), one({"x": 2}), ["update a"], ["update a"]),
    "a provider that does not know": Row(
        one({"x": 1, "shrug": 1}), one({"x": 2, "shrug": 1}), ["update a"], ["update a"]
    ),
    "a provider that does not know of equal inputs": Row(
        one({"shrug": 1}), one({"shrug": Secret(1)}), ["same a"], []
    ),
    "an input that forces": Row(
        one({"force": 1}),
        one({"force": 2}),
        ["create-replacement a", "replace a", "delete-replaced a"],
        ["create a", "delete a"],
    ),
    "an input that forces, old one first": Row(
        one({"force": 1, "first": 1}),
        one({"force": 2, "first": 1}),
        ["delete-replaced a", "replace a", "create-replacement a"],
        ["delete a", "create a"],
    ),
    "the program wants the old one first": Row(
        one({"force": 1}),
        one({"force": 2}, delete_before_replace=True),
        ["delete-replaced a", "replace a", "create-replacement a"],
        ["delete a", "create a"],
    ),
    "the program does not want the old one first": Row(
        one({"force": 1, "first": 1}),
        one({"force": 2, "first": 1}, delete_before_replace=False),
        ["create-replacement a", "replace a", "delete-replaced a"],
        ["create a", "delete a"],
    ),
    "a replaced one that is to be kept": Row(
        one({"force": 1}, retain_on_delete=True),
        one({"force": 2}, retain_on_delete=True),
        ["create-replacement a", "replace a", "delete-replaced a"],
        ["create a"],
    ),
    "a change that the program calls a replacement": Row(
        one({"x": 1}),
        one({"x": 2}, replace_on_changes=("x",)),
        ["create-replacement a", "replace a", "delete-replaced a"],
        ["create a", "delete a"],
    ),
    "every change is a replacement": Row(
        one({"x": 1}),
        one({"x": 2}, replace_on_changes=("*",)),
        ["create-replacement a", "replace a", "delete-replaced a"],
        ["create a", "delete a"],
    ),
    "another change than the one that replaces": Row(
        one({"x": 1, "y": 1}), one({"x": 2, "y": 1}, replace_on_changes=("y",)), ["update a"], ["update a"]
    ),
    "a nested change that the program calls a replacement, of a provider that does not know": Row(
        one({"s": {"a": 1, "b": 1}, "shrug": 1}),
        one({"s": {"a": 2, "b": 1}, "shrug": 1}, replace_on_changes=("s.a",)),
        ["create-replacement a", "replace a", "delete-replaced a"],
        ["create a", "delete a"],
    ),
    "another nested change than the one that replaces, of a provider that does not know": Row(
        one({"s": {"a": 1, "b": 1}, "shrug": 1}),
        one({"s": {"a": 1, "b": 2}, "shrug": 1}, replace_on_changes=("s.a",)),
        ["update a"],
        ["update a"],
    ),
    "a number that becomes a truth value, of a provider that does not know": Row(
        one({"x": 1, "shrug": 1}), one({"x": True, "shrug": 1}), ["update a"], ["update a"]
    ),
    "a property whose name is no path is changed, of a provider that does not know": Row(
        one({"m[x": 1, "shrug": 1}), one({"m[x": 2, "shrug": 1}), ["update a"], ["update a"]
    ),
    "a property whose name is no path is removed, of a provider that does not know": Row(
        one({"m[x": 1, "shrug": 1}), one({"shrug": 1}), ["update a"], ["update a"]
    ),
    "a property whose name is no path is changed, of a provider that says so": Row(
        one({"m[x": 1}), one({"m[x": 2}, replace_on_changes=("y",)), ["update a"], ["update a"]
    ),
    "a change that is ignored": Row(one({"x": 1}), one({"x": 2}, ignore_changes=("x",)), ["same a"], []),
    "a nested change that is ignored": Row(
        one({"x": {"y": [{"z": 1}, 2]}}),
        one({"x": {"y": [{"z": 9}, 2]}}, ignore_changes=("x.y[0].z",)),
        ["same a"],
        [],
    ),
    "a nested change beside the ignored one": Row(
        one({"x": {"y": [{"z": 1}, 2]}}),
        one({"x": {"y": [{"z": 9}, 3]}}, ignore_changes=("x.y[0].z",)),
        ["update a"],
        ["update a"],
    ),
    "a thing that is gone from the program": Row(one({"x": 1}), nothing, ["delete a"], ["delete a"]),
    "a thing that is to be kept is gone": Row(
        one({"x": 1}, retain_on_delete=True), nothing, ["delete a"], []
    ),
    "things go in reverse order": Row(
        two({"x": 1}), nothing, ["delete b", "delete a"], ["delete b", "delete a"]
    ),
    "an update reaches who uses its output only if the output changes": Row(
        two({"x": 1}), two({"x": 2}), ["update a", "same b"], ["update a"]
    ),
    "a replacement reaches who uses its output": Row(
        two({"force": 1}),
        two({"force": 2}),
        ["create-replacement a", "replace a", "update b", "delete-replaced a"],
        ["create a", "update b", "delete a"],
    ),
    "deleted first, what it would replace goes before it": Row(
        forced({"force": 1, "first": 1}),
        forced({"force": 2, "first": 1}),
        [
            "delete-replaced b",
            "delete-replaced a",
            "replace a",
            "create-replacement a",
            "replace b",
            "create-replacement b",
        ],
        ["delete b", "delete a", "create a", "create b"],
    ),
    "deleted first, what merely uses it stays": Row(
        two({"force": 1, "first": 1}),
        two({"force": 2, "first": 1}),
        ["delete-replaced a", "replace a", "create-replacement a", "update b"],
        ["delete a", "create a", "update b"],
    ),
    "deleted first, what merely waits for it stays": Row(
        forced({"force": 1, "first": 1}, after=True),
        forced({"force": 2, "first": 1}, after=True),
        ["delete-replaced a", "replace a", "create-replacement a", "same b"],
        ["delete a", "create a"],
    ),
    "deleted first, through a chain": Row(
        three({"force": 1, "first": 1}),
        three({"force": 2, "first": 1}),
        [
            "delete-replaced c",
            "delete-replaced b",
            "delete-replaced a",
            "replace a",
            "create-replacement a",
            "replace b",
            "create-replacement b",
            "replace c",
            "create-replacement c",
        ],
        ["delete c", "delete b", "delete a", "create a", "create b", "create c"],
    ),
    "deleted first, and its dependent is gone from the program": Row(
        forced({"force": 1, "first": 1}),
        one({"force": 2, "first": 1}),
        [
            "delete-replaced b",
            "delete-replaced a",
            "replace a",
            "create-replacement a",
            "remove-pending-replace b",
        ],
        ["delete b", "delete a", "create a"],
    ),
    "deleted first, with what is deleted with it": Row(
        deleted_with({"force": 1, "first": 1}),
        deleted_with({"force": 2, "first": 1}),
        [
            "delete-replaced b",
            "delete-replaced a",
            "replace a",
            "create-replacement a",
            "replace b",
            "create-replacement b",
        ],
        ["delete a", "create a", "create b"],
    ),
    "replaced, with what is deleted with it": Row(
        deleted_with({"force": 1}),
        deleted_with({"force": 2}),
        [
            "create-replacement a",
            "replace a",
            "create-replacement b",
            "replace b",
            "delete-replaced b",
            "delete-replaced a",
        ],
        ["create a", "create b", "delete a"],
    ),
    "gone with what it is deleted with": Row(
        deleted_with({"x": 1}), nothing, ["delete b", "delete a"], ["delete a"]
    ),
    "gone without what it is deleted with": Row(
        deleted_with({"x": 1}), deleted_with({"x": 1}, keep_b=False), ["same a", "delete b"], ["delete b"]
    ),
    "unprotected and replaced at once": Row(
        one({"force": 1}, protect=True),
        one({"force": 2}, protect=False),
        ["create-replacement a", "replace a", "delete-replaced a"],
        ["create a", "delete a"],
    ),
    "protected from now on": Row(one({"x": 1}), one({"x": 1}, protect=True), ["same a"], []),
    "a provider's harmless change": Row(
        behind_provider({"host": "h"}), behind_provider({"host": "i"}), ["update p", "same a"], []
    ),
    "a provider's change that replaces it": Row(
        behind_provider({"force": "1"}),
        behind_provider({"force": "2"}),
        [
            "create-replacement p",
            "replace p",
            "create-replacement a",
            "replace a",
            "delete-replaced a",
            "delete-replaced p",
        ],
        ["create a", "delete a"],
    ),
    "from the default provider to an explicit one": Row(
        one({"x": 1}), behind_provider({"host": "h"}), ["create p", "same a"], []
    ),
    "a renamed thing": Row(
        one({"x": 1}),
        lambda program: program.thing("z", {"x": 1}, aliases=(Alias(name="a"),)),
        ["same z"],
        [],
    ),
    "a renamed thing that is replaced, old one first": Row(
        forced({"force": 1, "first": 1}, after=True),
        lambda program: program.thing("z", {"force": 2, "first": 1}, aliases=(Alias(name="a"),)),
        ["delete-replaced a", "replace z", "create-replacement z", "delete b"],
        ["delete a", "create z", "delete b"],
    ),
    "a component renamed, children follow": Row(
        grouped("old"), grouped("new", alias="old"), ["same new", "same new-part", "same user"], []
    ),
    "a component renamed, a child with a name of its own follows": Row(
        grouped("old", child="disk"),
        grouped("new", alias="old", child="disk"),
        ["same new", "same disk", "same user"],
        [],
    ),
    "a new stack configuration of the default provider": Row(one({"x": 1}), one({"x": 1}), ["same a"], []),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_change_takes_these_steps_and_preview_says_so(row: Row, stack: Any) -> None:
    assert not stack.up(row.before).result.failed

    planned = stack.preview(row.after)
    assert planned.calls == []
    done = stack.up(row.after)

    assert not done.result.failed, done.messages
    assert done.steps == row.steps
    assert sorted(planned.steps) == sorted(row.steps)
    assert planned.result.changes == done.result.changes
    assert [f"{method} {name}" for method, name in done.calls] == row.calls

    settled = stack.preview(row.after)
    assert {step.partition(" ")[0] for step in settled.steps} <= {"same"}
