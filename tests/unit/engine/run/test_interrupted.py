"""An interrupt starts nothing more, and what a killed run left behind is settled by the next one."""

from __future__ import annotations

import threading
from typing import Any

from engine.resource import PendingOperation
from tests.unit.engine.run.programs import nothing, one

# --- interrupts ---


def test_an_interrupt_lets_what_runs_finish_and_starts_nothing_more(stack: Any, world: Any) -> None:
    world.reached["a"], world.hold["a"] = threading.Event(), threading.Event()

    def program(program: Any) -> None:
        program.thing("a")
        program.thing("b")

    def interrupt() -> None:
        world.reached["a"].wait(30)
        stack.cancellation.request()
        world.hold["a"].set()

    thread = threading.Thread(target=interrupt)
    thread.start()
    done = stack.up(program)
    thread.join()
    assert done.result.cancelled
    assert done.result.exit_code == 1
    assert done.calls == [("create", "a")]
    assert stack.names == ["a"]
    assert stack.state.pending == []
    assert done.errors == []


# --- what a killed run left behind ---


def test_a_creation_of_unknown_outcome_is_offered_for_adoption_until_one_succeeds(
    stack: Any, world: Any
) -> None:
    stack.up(one({"x": 1}))
    (created,) = world.metadata
    (first,) = created["messaging-step"]
    begun = next(save for save in stack.saves if save.pending)
    stack.state = begun  # what a kill after the provider's call leaves

    stack.up(one({"x": 1, "fail": "not now"}))
    assert world.metadata[-1]["messaging-adopt"] == [first]
    assert stack.state.pending[0].kind == "creating"

    stack.up(one({"x": 1}))
    assert world.metadata[-1]["messaging-adopt"] == [first]
    assert world.metadata[-1]["messaging-step"] != [first]
    assert stack.state.pending == []


def test_each_call_is_recorded_before_it_is_made(stack: Any) -> None:
    stack.up(one({"x": 1}))
    stack.up(one({"x": 2}))
    stack.up(nothing)
    kinds = [operation.kind for save in stack.saves for operation in save.pending]
    assert list(dict.fromkeys(kinds)) == ["creating", "updating", "deleting"]


def test_an_interrupted_update_is_done_again(stack: Any) -> None:
    stack.up(one({"x": 1}))
    stack.state.pending.append(PendingOperation(stack.find("a"), "updating"))
    done = stack.up(one({"x": 2}))
    assert done.calls == [("read", "a"), ("update", "a")]
    assert stack.state.pending == []
    (warning,) = done.messages
    assert "updating" in warning
    assert "::a" in warning
