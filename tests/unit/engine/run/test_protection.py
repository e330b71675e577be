"""What is protected is neither replaced nor deleted, and all that stands in the way of a run is named."""

from __future__ import annotations

from typing import Any

from tests.unit.engine.run.programs import nothing


def test_a_protected_thing_is_not_replaced_and_preview_goes_on_to_show_the_rest(stack: Any) -> None:
    def program(force: int) -> Any:
        def register(program: Any) -> None:
            program.thing("a", {"force": force}, protect=True)
            program.thing("b", {"x": force})

        return register

    stack.up(program(1))
    planned = stack.preview(program(2))
    done = stack.up(program(2))

    assert planned.result.failed
    assert "update b" in planned.steps
    assert done.result.failed
    assert done.calls == []
    (error,) = done.errors
    assert error.urn.endswith("::a")
    assert "protected" in error.message
    assert "pulumi state unprotect" in error.message


def test_protected_things_that_are_gone_are_all_named_and_nothing_is_deleted(stack: Any) -> None:
    def both(program: Any) -> None:
        program.thing("a", protect=True)
        program.thing("b", protect=True)
        program.thing("c")

    stack.up(both)
    planned = stack.preview(nothing)
    done = stack.up(nothing)

    assert planned.result.failed
    assert done.result.failed
    assert done.calls == []
    assert stack.names == ["a", "b", "c"]
    for outcome in (planned, done):
        (error,) = outcome.errors
        assert "::a" in error.message
        assert "::b" in error.message
        assert "::c" not in error.message


def test_a_protected_dependent_stops_the_replacement_of_what_it_needs(stack: Any) -> None:
    def program(force: int) -> Any:
        def register(program: Any) -> None:
            a = program.thing("a", {"force": force, "first": 1})
            program.thing("b", {}, from_={"force": a}, protect=True)

        return register

    stack.up(program(1))
    done = stack.up(program(2))
    assert done.result.failed
    assert done.calls == []
    assert "::b" in done.errors[0].message


def test_destroy_names_every_protected_thing_before_it_deletes_anything(stack: Any) -> None:
    def both(program: Any) -> None:
        program.thing("a", protect=True)
        program.thing("b", protect=True)
        program.thing("c")

    stack.up(both)
    done = stack.destroy()
    assert done.result.exit_code == 1
    assert done.calls == []
    assert stack.names == ["a", "b", "c"]
    (error,) = done.errors
    assert "::a" in error.message
    assert "::b" in error.message


def test_excluded_from_destroy_what_is_protected_stays_with_all_it_needs(stack: Any) -> None:
    def program(program: Any) -> None:
        a = program.thing("a")
        program.thing("b", protect=True, from_={"x": a})
        program.thing("c", after=[a])

    stack.up(program)
    done = stack.destroy(exclude_protected=True)
    assert not done.result.failed
    assert done.calls == [("delete", "c")]
    assert stack.names == ["a", "b"]
