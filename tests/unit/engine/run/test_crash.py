"""Whenever the engine is killed, its state loads, and the next update finishes with nothing left over."""

from __future__ import annotations

from typing import Any


def before(program: Any) -> None:
    a = program.thing("a", {"force": 1, "first": 1})
    program.thing("b", {}, from_={"force": a})
    program.thing("c", {"x": 1}, after=[a])
    program.thing("d", {"force": 1})
    program.thing("e", {"x": 1})


def after(program: Any) -> None:
    a = program.thing("a", {"force": 2, "first": 1})
    program.thing("b", {}, from_={"force": a})
    program.thing("c", {"x": 2}, after=[a])
    program.thing("d", {"force": 2})
    program.thing("f", {"x": 1})


def nothing(_: Any) -> None:
    pass


def converges(stack: Any, program: Any, expected: list[str]) -> None:
    done = stack.up(program)
    assert not done.result.failed, done.messages
    assert sorted(stack.names) == expected
    assert stack.state.pending == []
    kept = {one.id for one in stack.state.resources if one.type == "docker:index:Thing"}
    assert set(stack.world.things) == kept
    settled = stack.preview(program)
    assert {step.partition(" ")[0] for step in settled.steps} <= {"same"}


def test_killed_between_any_two_moments_of_an_update_the_next_one_finishes_it(stack: Any) -> None:
    stack.up(before)
    first = len(stack.saves)
    stack.up(after)
    last = len(stack.saves)
    assert last - first > 12
    for save in range(first, last):
        # Killed right after a save, and after the provider's call that followed it.
        for world in {save, min(save + 1, last - 1)}:
            stack.rewind(save, world)
            converges(stack, after, ["a", "b", "c", "d", "f"])


def test_killed_between_any_two_moments_of_a_destroy_the_next_one_finishes_it(stack: Any) -> None:
    stack.up(before)
    first = len(stack.saves)
    stack.destroy()
    last = len(stack.saves)
    for save in range(first, last):
        for world in {save, min(save + 1, last - 1)}:
            stack.rewind(save, world)
            stack.destroy()
            assert stack.state.resources == []
            assert stack.world.things == {}


def test_killed_in_an_update_a_destroy_leaves_nothing(stack: Any) -> None:
    stack.up(before)
    first = len(stack.saves)
    stack.up(after)
    last = len(stack.saves)
    for save in range(first, last):
        for world in {save, min(save + 1, last - 1)}:
            stack.rewind(save, world)
            stack.destroy()
            assert stack.state.resources == []
            assert stack.state.pending == []
            assert stack.world.things == {}


def test_killed_in_an_update_one_back_to_the_old_program_works_too(stack: Any) -> None:
    stack.up(before)
    first = len(stack.saves)
    stack.up(after)
    last = len(stack.saves)
    for save in range(first, last):
        stack.rewind(save, min(save + 1, last - 1))
        converges(stack, before, ["a", "b", "c", "d", "e"])
