"""Whenever the engine is killed, its state loads, and the next update finishes with nothing left over."""

from __future__ import annotations

from typing import Any

import pytest

from engine import values
from engine.program.goal import Alias
from tests.unit.engine.run.stack import reference


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


def interrupted_deletion(stack: Any) -> str:
    """A kill after the provider deleted `e` and before anybody recorded it: give the id that it had."""
    stack.up(before)
    first = len(stack.saves)
    stack.up(after)
    save = next(
        index
        for index in range(first, len(stack.saves))
        if any(
            one.kind == "deleting" and one.resource.urn.endswith("::e") for one in stack.saves[index].pending
        )
    )
    stack.rewind(save, len(stack.saves) - 1)
    return str(stack.find("e").id)


def test_a_deletion_of_unknown_outcome_is_looked_into_again_where_the_provider_could_not_say(
    stack: Any, world: Any
) -> None:
    gone = interrupted_deletion(stack)
    assert gone not in world.things
    world.unreadable = {"e": 1}
    done = stack.up(before)
    assert not done.result.failed, done.messages
    assert stack.find("e").id in world.things
    assert stack.state.pending == []


def test_a_run_stops_at_a_deletion_of_unknown_outcome_and_a_later_one_goes_on(stack: Any, world: Any) -> None:
    interrupted_deletion(stack)
    world.unreadable = {"e": 2}
    stopped = stack.up(before)
    assert stopped.result.failed
    assert "an earlier run was cut off at it, and what has become of it is unknown" in stopped.messages[-1]

    done = stack.up(before)
    assert not done.result.failed, done.messages
    assert stack.find("e").id in world.things


def test_a_preview_says_that_the_outcome_of_a_deletion_is_unknown(stack: Any, world: Any) -> None:
    interrupted_deletion(stack)
    world.unreadable = {"e": 2}
    planned = stack.preview(before)
    assert not planned.result.failed
    assert any("what has become of it is unknown" in message for message in planned.messages)


# --- an update whose end nobody recorded ---


def one(inputs: dict[str, Any], name: str = "a", **options: Any) -> Any:
    return lambda program: program.thing(name, inputs, **options)


def interrupted_update(stack: Any, program: Any) -> None:
    """A kill after the provider updated the one thing and before anybody recorded it."""
    first = len(stack.saves)
    stack.up(program)
    save = next(
        index
        for index in range(first, len(stack.saves))
        if any(one.kind == "updating" for one in stack.saves[index].pending)
    )
    stack.rewind(save, len(stack.saves) - 1)


@pytest.mark.parametrize("repeats", [False, True], ids=["by a provider that reads", "by one that cannot"])
def test_an_interrupted_update_is_taken_back_if_the_program_is(repeats: bool, stack: Any, world: Any) -> None:
    stack.up(one({"x": 1, "same": 1}))
    interrupted_update(stack, one({"x": 2, "same": 1}))
    world.repeats = repeats
    planned = stack.preview(one({"x": 1, "same": 1}))
    done = stack.up(one({"x": 1, "same": 1}))

    assert planned.steps == done.steps == ["update a"]
    assert world.things[stack.find("a").id]["x"] == 1
    assert stack.state.pending == []
    assert stack.find("a").init_errors == []


def test_an_interrupted_update_is_done_once_more_even_where_it_seems_to_have_taken_place(stack: Any) -> None:
    stack.up(one({"x": 1}))
    interrupted_update(stack, one({"x": 2}))
    assert stack.up(one({"x": 2})).steps == ["update a"]
    assert (stack.find("a").inputs["x"], stack.find("a").outputs["x"]) == (2, 2)
    assert stack.up(one({"x": 2})).steps == ["same a"]


def test_the_provider_is_told_what_an_interrupted_update_has_left(stack: Any, world: Any) -> None:
    stack.up(one({"x": 1}))
    interrupted_update(stack, one({"x": 2, "y": 1}))
    stack.up(one({"x": 1}))
    (*_, request) = [request for method, request in world.requests if method == "update"]
    olds = values.from_struct(request.olds)
    assert (olds["x"], olds["y"]) == (2, 1)


def test_an_interrupted_update_is_looked_into_under_the_old_name_of_a_renamed_thing(
    stack: Any, world: Any
) -> None:
    stack.up(one({"x": 1}))
    renamed = one({"x": 2}, "z", aliases=(Alias(name="a"),))
    interrupted_update(stack, renamed)
    assert stack.up(one({"x": 1})).steps == ["update a"]
    assert world.things[stack.find("a").id]["x"] == 1
    assert stack.state.pending == []

    interrupted_update(stack, renamed)
    assert stack.up(renamed).steps == ["update z"]
    assert stack.state.pending == []


def test_what_vanished_after_an_interrupted_update_is_made_again(stack: Any, world: Any) -> None:
    stack.up(one({"x": 1}))
    interrupted_update(stack, one({"x": 2}))
    world.things.clear()
    done = stack.up(one({"x": 2}))
    assert done.calls == [("read", "a"), ("create", "a")]
    assert set(world.things) == {stack.find("a").id}


def test_after_a_refresh_the_next_run_does_an_interrupted_update_again_too(stack: Any, world: Any) -> None:
    stack.up(one({"x": 1}))
    interrupted_update(stack, one({"x": 2}))
    world.repeats = True
    stack.refresh()
    assert stack.state.pending == []
    assert stack.up(one({"x": 1})).steps == ["update a"]
    assert world.things[stack.find("a").id]["x"] == 1


def test_a_run_stops_at_an_update_of_unknown_outcome_that_nobody_can_look_into(
    stack: Any, world: Any
) -> None:
    stack.up(one({"x": 1}))
    interrupted_update(stack, one({"x": 2}))
    world.unreadable = {"a": 2}
    stopped = stack.up(one({"x": 1}))
    assert stopped.result.failed
    assert [pending.kind for pending in stack.state.pending] == ["updating"]
    assert stack.up(one({"x": 1})).steps == ["update a"]


# --- a creation whose end nobody recorded ---


def interrupted_creation(stack: Any, program: Any) -> None:
    """A kill after the provider made the one thing and before anybody recorded it."""
    first = len(stack.saves)
    stack.up(program)
    save = next(index for index in range(first, len(stack.saves)) if stack.saves[index].pending)
    stack.rewind(save, len(stack.saves) - 1)


def test_a_name_that_was_made_up_for_an_interrupted_creation_is_kept(stack: Any, world: Any) -> None:
    interrupted_creation(stack, one({"named": 1}))
    (left,) = world.things.values()
    stack.up(one({"named": 1, "x": 2}))
    assert stack.find("a").inputs["name"] == left["name"]
    assert stack.state.pending == []


def test_a_name_that_was_made_up_once_is_not_used_again_where_it_is_taken(stack: Any) -> None:
    stack.up(one({"named": 1, "force": 1}))
    interrupted_creation(stack, one({"named": 1, "force": 2}))
    (pending,) = stack.state.pending
    done = stack.up(one({"named": 1, "force": 2}))
    assert not done.result.failed, done.messages
    assert stack.find("a").inputs["name"] != pending.resource.inputs["name"]


def test_what_an_interrupted_creation_left_is_removed_if_the_program_wants_another_thing_by_then(
    stack: Any, world: Any
) -> None:
    interrupted_creation(stack, one({"name": "before"}))
    stack.up(one({"name": "after", "fail": "not now"}))
    assert [one.resource.inputs["name"] for one in stack.state.pending] == ["before"]
    made = stack.up(one({"name": "after"}))
    assert made.calls == [("create", "a"), ("delete", "a")]
    assert set(world.things) == {stack.find("a").id}
    assert stack.state.pending == []


def test_what_an_interrupted_creation_left_stays_if_the_program_has_it_under_another_name(
    stack: Any, world: Any
) -> None:
    rule = {"aclPrincipal": "User:orders", "aclOperation": "Read"}
    interrupted_creation(stack, one(rule, "before"))
    done = stack.up(one(rule, "after"))
    assert not done.result.failed, done.messages
    assert done.calls == [("create", "after")]
    assert stack.state.pending == []


def served_by(provider: str, inputs: dict[str, Any], name: str = "a") -> Any:
    """One thing behind an explicit provider."""

    def register(program: Any) -> None:
        made = program.provider(provider, {"host": "h"})
        program.thing(name, inputs, provider=reference(made))

    return register


@pytest.mark.parametrize("inputs", [{"name": "n", "x": 1}, {"x": 1}], ids=["with a name", "without"])
@pytest.mark.parametrize("fails", [False, True], ids=["at once", "after a run that failed"])
def test_what_an_interrupted_creation_left_stays_if_the_state_has_it_by_another_provider(
    fails: bool, inputs: dict[str, Any], stack: Any, world: Any
) -> None:
    interrupted_creation(stack, served_by("p", inputs))
    if fails:
        stack.up(served_by("q", {**inputs, "fail": "not now"}))
    planned = stack.preview(served_by("q", inputs))
    done = stack.up(served_by("q", inputs))

    assert not done.result.failed, done.messages
    assert planned.steps == done.steps
    assert ("delete", "a") not in done.calls
    assert set(world.things) == {stack.find("a").id}
    assert stack.state.pending == []


def test_what_an_interrupted_replacement_left_is_removed_if_the_state_has_the_one_before(
    stack: Any, world: Any
) -> None:
    def behind(force: int) -> Any:
        def register(program: Any) -> None:
            provider = program.provider("p", {"force": str(force)})
            program.thing("a", {"x": 1}, provider=reference(provider))

        return register

    stack.up(behind(1))
    stack.up(behind(2))
    save = next(index for index, saved in enumerate(stack.saves) if "a-1" in str(saved) and saved.pending)
    stack.rewind(save, save + 1)
    assert len(world.things) == 2
    done = stack.up(behind(1))
    assert not done.result.failed, done.messages
    assert set(world.things) == {stack.find("a").id}
    assert stack.state.pending == []


def test_what_an_interrupted_creation_left_stays_if_the_program_has_it_under_another_name_and_provider(
    stack: Any,
) -> None:
    rule = {"aclPrincipal": "User:orders", "aclOperation": "Read"}
    interrupted_creation(stack, served_by("p", rule, "before"))
    done = stack.up(served_by("q", rule, "after"))
    assert not done.result.failed, done.messages
    assert done.calls == [("create", "after")]
    assert stack.state.pending == []


def test_what_only_is_in_the_state_until_it_is_made_again_keeps_nothing_from_being_removed(
    stack: Any, world: Any
) -> None:
    stack.up(one({"name": "n", "force": 1, "first": 1}))
    first = len(stack.saves)
    stack.up(one({"name": "n", "force": 2, "first": 1}))
    save = next(
        index
        for index in range(first, len(stack.saves))
        if any(pending.kind == "creating" for pending in stack.saves[index].pending)
    )
    stack.rewind(save, len(stack.saves) - 1)
    stack.up(nothing)
    assert world.things == {}
    assert stack.state.pending == []
