"""Outputs of components and the stack are kept, and options and calls reach those that they are meant for."""

from __future__ import annotations

from typing import Any

from engine.values import Secret
from tests.unit.engine.run.programs import nothing, one


def test_outputs_of_components_and_the_stack_are_kept(stack: Any) -> None:
    def program(program: Any) -> None:
        group = program.component("g")
        program.run.register_outputs(group.urn, {"count": 2})
        program.run.register_outputs(program.stack.urn, {"url": "u", "key": Secret("k")})

    done = stack.up(program)
    assert stack.find("g").outputs == {"count": 2}
    assert stack.find("tiny-dev").outputs == {"url": "u", "key": Secret("k")}
    assert done.result.outputs == {"url": "u", "key": Secret("k")}


def test_a_failed_run_keeps_the_stacks_outputs_that_it_did_not_get_to(stack: Any) -> None:
    def good(program: Any) -> None:
        program.run.register_outputs(program.stack.urn, {"url": "u", "old": "o"})

    def bad(program: Any) -> None:
        program.run.register_outputs(program.stack.urn, {"url": "v"})
        program.thing("a", {"fail": "no"})

    stack.up(good)
    stack.up(bad)
    assert stack.find("tiny-dev").outputs == {"url": "v", "old": "o"}
    stack.up(lambda program: program.run.register_outputs(program.stack.urn, {"url": "w"}))
    assert stack.find("tiny-dev").outputs == {"url": "w"}


def test_children_inherit_what_their_parent_sets(stack: Any) -> None:
    def program(program: Any) -> None:
        anchor = program.thing("anchor")
        group = program.component("g", protect=True, retain_on_delete=True, deleted_with=anchor.urn)
        program.thing("a", parent=group.urn)
        program.thing("b", parent=group.urn, protect=False)

    stack.up(program)
    a, b = stack.find("a"), stack.find("b")
    assert (a.protect, a.retain_on_delete) == (True, True)
    assert a.deleted_with == stack.find("anchor").urn
    assert b.protect is False


def test_custom_timeouts_reach_the_provider(stack: Any, world: Any) -> None:
    from engine.resource import Timeouts

    stack.up(one({"x": 1}, timeouts=Timeouts(create=11, update=22, delete=33)))
    stack.up(one({"x": 2}, timeouts=Timeouts(create=11, update=22, delete=33)))
    stack.up(nothing)
    found = {
        method: request.timeout
        for method, request in world.requests
        if method in ("create", "update", "delete")
    }
    assert found == {"create": 11, "update": 22, "delete": 33}


def test_a_function_of_a_provider_can_be_called(stack: Any) -> None:
    found: dict[str, Any] = {}

    def program(program: Any) -> None:
        found.update(program.run.invoke("docker:index:echo", {"x": 1}, provider="", version=""))

    stack.preview(program)
    assert found == {"x": 1}
