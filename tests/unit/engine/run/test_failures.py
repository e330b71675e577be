"""A failed run says so once and keeps what was done, and the next one finishes it."""

from __future__ import annotations

from typing import Any

from engine import values
from tests.unit.engine.run.programs import nothing, one
from tests.unit.engine.run.stack import reference


def test_a_failed_step_stops_the_run_keeps_what_was_done_and_says_so_once(stack: Any) -> None:
    stack.up(one({"x": 1}))

    def program(program: Any) -> None:
        program.thing("b", {"x": 1})
        program.thing("c", {"fail": "the disk is full"})
        program.thing("d")

    done = stack.up(program)
    assert done.result.exit_code == 1
    assert done.calls == [("create", "b"), ("create", "c")]
    assert stack.names == ["b", "a"]
    (error,) = done.errors
    assert error.urn.endswith("::c")
    assert error.message.count("the disk is full") == 1
    assert stack.state.pending == []


def test_inputs_that_the_provider_refuses_are_named_all_at_once_and_change_nothing(stack: Any) -> None:
    for outcome in (stack.preview(one({"refuse": "too big"})), stack.up(one({"refuse": "too big"}))):
        assert outcome.result.failed
        assert outcome.calls == []
        (error,) = outcome.errors
        assert error.message == "refuse: too big\nand more"


def test_a_thing_that_exists_but_is_not_ready_is_kept_and_tried_again(stack: Any) -> None:
    done = stack.up(one({"half": "no heartbeat"}))
    assert done.result.failed
    assert "no heartbeat" in done.errors[0].message
    kept = stack.find("a")
    assert kept.id == "a-1"
    assert kept.init_errors == ["no heartbeat"]

    again = stack.preview(one({"half": "no heartbeat"}))
    assert again.steps == ["same default", "update a"][-1:]
    mended = stack.up(one({"x": 1}))
    assert mended.calls == [("update", "a")]
    assert stack.find("a").init_errors == []


def test_an_update_that_leaves_a_thing_not_ready_keeps_its_new_inputs(stack: Any) -> None:
    stack.up(one({"x": 1}))
    done = stack.up(one({"x": 2, "half": "slow"}))
    assert done.result.failed
    kept = stack.find("a")
    assert kept.inputs["x"] == 2
    assert kept.init_errors == ["slow"]


def test_a_thing_that_never_became_ready_is_replaced_if_the_program_wants_that(stack: Any) -> None:
    stack.up(one({"half": "slow"}))
    planned = stack.preview(one({"half": "slow"}, replace_on_changes=("#initerror",)))
    assert planned.steps == ["create-replacement a", "replace a", "delete-replaced a"]


def test_a_failed_replacement_that_deleted_first_is_finished_by_the_next_run(stack: Any) -> None:
    def program(force: int, **inputs: Any) -> Any:
        def register(program: Any) -> None:
            a = program.thing("a", {"force": force, "first": 1, **inputs})
            program.thing("b", {}, from_={"force": a})

        return register

    stack.up(program(1))
    broken = stack.up(program(2, fail="no image"))
    assert broken.calls == [("delete", "b"), ("delete", "a"), ("create", "a")]
    assert stack.find("a").pending_replacement
    assert stack.find("b").pending_replacement

    planned = stack.preview(program(2))
    mended = stack.up(program(2))
    assert (
        planned.steps
        == mended.steps
        == [
            "replace a",
            "create-replacement a",
            "replace b",
            "create-replacement b",
        ]
    )
    assert mended.calls == [("create", "a"), ("create", "b")]
    assert not stack.find("a").pending_replacement


def test_what_was_deleted_for_a_replacement_and_is_gone_from_the_program_is_not_deleted_again(
    stack: Any,
) -> None:
    stack.up(one({"force": 1, "first": 1}))
    stack.up(one({"force": 2, "first": 1, "fail": "no image"}))
    done = stack.up(nothing)
    assert done.steps == ["remove-pending-replace a"] or done.steps[-1] == "remove-pending-replace a"
    assert done.calls == []
    assert stack.names == []


def behind(host: int, root: int = 1, **inputs: Any) -> Any:
    """A thing behind a provider that goes before its replacement, made from what another thing puts out."""

    def register(program: Any) -> None:
        r = program.thing("r", {"force": root, "first": 1})
        p = program.provider("p", {"force": str(host)}, delete_before_replace=True)
        program.thing("a", {"x": 1, **inputs}, from_={"force": r}, provider=reference(p))

    return register


def test_what_went_with_its_provider_and_failed_to_come_back_is_made_by_the_next_run(stack: Any) -> None:
    stack.up(behind(1))
    assert stack.up(behind(2, fail="no image")).result.failed
    assert stack.find("a").pending_replacement

    planned = stack.preview(behind(2))
    mended = stack.up(behind(2))
    assert planned.steps == mended.steps == ["same r", "same p", "replace a", "create-replacement a"]
    assert mended.calls == [("create", "a")]
    assert not stack.find("a").pending_replacement


def test_what_went_with_its_provider_is_no_obstacle_to_the_replacement_of_what_it_needs(stack: Any) -> None:
    stack.up(behind(1))
    assert stack.up(behind(2, fail="no image")).result.failed

    planned = stack.preview(behind(2, root=2))
    mended = stack.up(behind(2, root=2))
    assert not mended.result.failed, mended.messages
    assert planned.steps == mended.steps
    assert mended.calls == [("delete", "r"), ("create", "r"), ("create", "a")]


def test_what_is_made_again_is_checked_without_what_it_was(stack: Any, world: Any) -> None:
    stack.up(one({"force": 1, "first": 1, "named": 1}))
    stack.up(one({"force": 2, "first": 1, "named": 1, "fail": "no image"}))
    world.requests.clear()
    stack.preview(one({"force": 3, "first": 1, "named": 1}))
    olds = [set(values.from_struct(request.olds)) for method, request in world.requests if method == "check"]
    assert olds
    assert all(known <= {"name", "__defaults"} for known in olds)


def test_a_replaced_thing_whose_deletion_failed_is_deleted_by_the_next_run(stack: Any, world: Any) -> None:
    stack.up(one({"force": 1, "undeletable": 1}))
    failed = stack.up(one({"force": 2}))
    assert failed.result.failed
    assert [one.delete for one in stack.state.resources if one.urn.endswith("::a")] == [False, True]

    planned = stack.preview(one({"force": 2}))
    assert planned.steps == ["same a", "delete-replaced a"]
    for thing in stack.state.resources:
        thing.outputs.pop("undeletable", None)
    done = stack.up(one({"force": 2}))
    assert done.calls == [("delete", "a")]
    assert stack.names == ["a"]
