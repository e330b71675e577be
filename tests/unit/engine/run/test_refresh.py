"""A refresh records what is really there and changes nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import BadInput
from engine.events import StepEvent, Summary
from engine.values import Secret


def program(program: Any) -> None:
    group = program.component("g")
    a = program.thing("a", {"x": 1}, parent=group.urn)
    b = program.thing("b", {"key": Secret("k")}, from_={"from": a})
    program.thing("c", {}, after=[b], deleted_with=a.urn)


def test_without_drift_nothing_changes(stack: Any) -> None:
    stack.up(program)
    before = stack.state
    done = stack.refresh()
    assert sorted(done.steps) == ["same a", "same b", "same c"]
    assert [one.outputs for one in stack.state.resources] == [one.outputs for one in before.resources]
    assert stack.find("b").inputs["key"] == Secret("k")


def test_what_vanished_is_dropped_and_nobody_names_it_any_more(stack: Any, world: Any) -> None:
    stack.up(program)
    gone = stack.find("a")
    del world.things[gone.id]
    planned = stack.refresh(preview=True)
    assert "delete a" in planned.steps
    assert "a" in stack.names

    done = stack.refresh()
    assert "delete a" in done.steps
    assert stack.names == ["g", "b", "c"]
    assert gone.urn not in str(stack.state)
    again = stack.up(program)
    assert ("create", "a") in again.calls


def test_what_changed_is_recorded_and_the_next_update_mends_it(stack: Any, world: Any) -> None:
    stack.up(program)
    world.things[stack.find("a").id]["x"] = 9
    planned = stack.refresh(preview=True)
    assert planned.result.changes["update"] == 1
    assert stack.find("a").inputs["x"] == 1
    (event,) = [
        event for event in planned.events if isinstance(event, StepEvent) and event.operation == "update"
    ]
    assert event.detail == {"x": ("update", 1, 9)}

    stack.refresh()
    assert stack.find("a").inputs["x"] == 9
    assert stack.find("a").outputs["x"] == 9
    mended = stack.up(program)
    assert ("update", "a") in mended.calls


def test_a_target_is_a_pattern_and_leaves_the_rest_unread(stack: Any) -> None:
    stack.up(program)
    done = stack.refresh("**::b")
    assert done.calls == [("read", "b")]


def test_a_target_that_matches_nothing_is_refused_by_name(stack: Any) -> None:
    stack.up(program)
    with pytest.raises(BadInput, match="nowhere"):
        stack.refresh("**::nowhere")


def test_a_failed_read_is_reported_and_changes_nothing(stack: Any, world: Any) -> None:
    stack.up(program)
    world.things[stack.find("b").id]["unreadable"] = 1
    done = stack.refresh()
    assert done.result.failed
    assert "nobody answers" in done.errors[0].message
    assert stack.names == ["g", "a", "b", "c"]


def test_what_is_no_path_in_a_state_ignores_nothing(stack: Any, world: Any) -> None:
    def shrugs(program: Any) -> None:
        program.thing("a", {"x": {"y": 1}, "shrug": 1})

    stack.up(shrugs)
    stack.find("a").ignore_changes = ["x["]
    world.things[stack.find("a").id]["x"] = {"y": 2}
    done = stack.refresh()
    (event,) = [event for event in done.events if isinstance(event, StepEvent)]
    assert (event.operation, event.detail) == ("update", {"x.y": ("update", 1, 2)})


def test_a_preview_can_start_from_what_really_exists(stack: Any, world: Any) -> None:
    stack.up(program)
    before = stack.state
    world.things[stack.find("b").id]["key"] = "other"
    del world.things[stack.find("c").id]
    planned = stack.refreshed_up(program, preview=True)
    assert sorted(planned.steps) == [
        "create c",
        "refresh a",
        "refresh b",
        "refresh c",
        "same a",
        "same g",
        "update b",
    ]
    read = {
        event.urn.rpartition("::")[2]: event
        for event in planned.events
        if isinstance(event, StepEvent) and event.operation == "refresh"
    }
    assert (read["a"].changed, read["b"].changed, read["c"].new) == ((), ("key",), None)
    assert planned.result.changes == {"create": 1, "same": 3, "update": 1}
    assert stack.state is before


def test_a_preview_of_what_really_exists_fails_where_it_cannot_be_read(stack: Any, world: Any) -> None:
    stack.up(program)
    world.things[stack.find("a").id]["unreadable"] = True
    planned = stack.refreshed_up(program, preview=True)
    assert planned.result.exit_code == 1
    assert "same g" not in planned.steps
    assert any("nobody answers" in message for message in planned.messages)


def test_an_update_can_start_from_what_really_exists(stack: Any, world: Any) -> None:
    stack.up(program)
    world.things[stack.find("b").id]["key"] = "other"
    del world.things[stack.find("c").id]

    done = stack.refreshed_up(program)

    assert done.result.exit_code == 0
    assert done.result.changes == {"create": 1, "same": 3, "update": 1}
    assert sum(step.startswith("refresh ") for step in done.steps) == 3
    assert stack.find("c").id in world.things
    assert stack.preview(program).result.changes == {"same": 5}


def test_an_update_that_cannot_read_what_exists_changes_nothing(stack: Any, world: Any) -> None:
    stack.up(program)
    world.things[stack.find("a").id]["unreadable"] = True
    world.things[stack.find("b").id]["key"] = "other"

    done = stack.refreshed_up(program)

    assert done.result.exit_code == 1
    assert done.result.changes == {}
    assert [event.changes for event in done.events if isinstance(event, Summary)] == [{}]
    assert not [call for call in done.calls if call[0] in ("create", "update", "delete")]


def test_a_destroy_after_a_refresh_does_not_ask_for_what_is_gone(stack: Any, world: Any) -> None:
    stack.up(program)
    del world.things[stack.find("c").id]

    done = stack.refreshed_destroy()

    assert done.result.exit_code == 0
    assert not stack.names
    assert {name for method, name in done.calls if method == "delete"} == {"a", "b"}
