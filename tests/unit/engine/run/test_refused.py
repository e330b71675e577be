"""What a program asks for that cannot be: names and aliases twice, paths that are none, foreign packages."""

from __future__ import annotations

from typing import Any

import pytest

from engine.program.goal import Alias
from tests.unit.engine.run.programs import one


def test_two_things_with_one_name_are_refused(stack: Any) -> None:
    def program(program: Any) -> None:
        program.thing("a")
        program.thing("a")

    done = stack.up(program)
    assert done.result.failed
    assert "two resources" in done.errors[0].message


def test_an_alias_that_two_things_claim_is_refused(stack: Any) -> None:
    stack.up(one({"x": 1}))

    def program(program: Any) -> None:
        program.thing("b", {"x": 1}, aliases=(Alias(name="a"),))
        program.thing("c", {"x": 1}, aliases=(Alias(name="a"),))

    done = stack.up(program)
    assert done.result.failed
    assert "alias" in done.errors[0].message
    assert "::b" in done.errors[0].message


@pytest.mark.parametrize("option", ["ignore_changes", "replace_on_changes"])
def test_a_path_that_is_none_is_refused(option: str, stack: Any) -> None:
    stack.up(one({"x": 1}))
    done = stack.up(one({"x": 2}, **{option: ("x[",)}))
    assert done.result.failed
    assert option in done.errors[0].message


@pytest.mark.parametrize("option", ["ignore_changes", "replace_on_changes"])
def test_with_a_path_that_is_none_nothing_is_made(option: str, stack: Any) -> None:
    planned = stack.preview(one({"x": 1}, **{option: ("x[",)}))
    done = stack.up(one({"x": 1}, **{option: ("x[",)}))
    for outcome in (planned, done):
        assert outcome.result.failed
        assert outcome.calls == []
        assert f"{option}: 'x[' is not a property path" in outcome.errors[0].message


def test_a_path_that_is_none_is_passed_over_in_a_dependent_of_what_is_replaced(stack: Any) -> None:
    def program(force: int) -> Any:
        def register(program: Any) -> None:
            a = program.thing("a", {"force": force, "first": 1})
            program.thing("b", {"shrug": 1}, from_={"from": a})

        return register

    stack.up(program(1))
    stack.find("b").ignore_changes = stack.find("b").replace_on_changes = ["x["]
    done = stack.up(program(2))
    assert not done.result.failed, done.messages
    assert stack.find("b").ignore_changes == []


def test_changes_ignored_in_all_elements_are_ignored_where_one_came(stack: Any) -> None:
    stack.up(one({"s": [{"v": 1}]}))
    program = one({"s": [{"v": 2}, {"v": 9}]}, ignore_changes=("s[*].v",))
    done = stack.up(program)
    assert stack.find("a").inputs["s"] == [{"v": 1}, {"v": 9}]
    assert "cannot ignore changes in added or removed elements of s[*].v" in done.messages[0]
    assert stack.preview(program).steps == ["same a"]


def test_a_package_without_a_provider_is_refused_by_name(stack: Any) -> None:
    done = stack.preview(lambda program: program.thing("a", type="aws:s3/bucket:Bucket"))
    assert done.result.failed
    assert "no provider for aws" in done.errors[0].message
    assert "MESSAGING_ENGINE=cli" in done.errors[0].message
