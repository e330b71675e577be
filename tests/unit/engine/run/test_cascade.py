"""What goes along with a replaced resource is made again, or kept, however the program changed meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.program.goal import Alias
from engine.rpc import Aborted

RENAMED = {"aliases": (Alias(name="d"),)}


def needing(program: Any) -> None:
    a = program.thing("a", {"force": 1, "first": 1})
    program.thing("d", {}, from_={"force": a})


def meanwhile(world: Any, name: str, options: dict[str, Any], seen: list[Any]) -> Any:
    """A program in which `d` needs `a` no more, and comes while it is being deleted because of it."""
    world.reached["d"], world.hold["d"] = threading.Event(), threading.Event()

    def register(program: Any) -> None:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(program.thing, "a", {"force": 2, "first": 1})
            assert world.reached["d"].wait(30)
            second = pool.submit(program.thing, name, {"force": "x"}, **options)
            threading.Event().wait(0.5)
            seen.extend(world.calls)
            world.hold["d"].set()
        for one in (first, second):
            one.result()

    return register


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize(("name", "options"), [("d", {}), ("z", RENAMED)], ids=["as it was", "renamed"])
def test_what_no_longer_needs_a_replaced_thing_is_made_again_only_once_it_is_gone(
    parallel: int, name: str, options: dict[str, Any], stack: Any, world: Any
) -> None:
    stack.up(needing)
    stack.parallel = parallel
    seen: list[Any] = []
    done = stack.up(meanwhile(world, name, options, seen))

    assert not done.result.failed, done.messages
    assert seen[-1] == ("delete", "d")
    assert sorted(done.calls) == [("create", "a"), ("create", name), ("delete", "a"), ("delete", "d")]
    assert sorted(stack.names) == sorted(["a", name])
    assert set(world.things) == {stack.find("a").id, stack.find(name).id}


def test_what_waits_for_a_deletion_ends_when_that_fails(stack: Any, world: Any) -> None:
    stack.up(needing)
    stack.find("d").outputs["undeletable"] = 1
    done = stack.up(meanwhile(world, "d", {}, []))

    assert done.result.failed
    assert done.calls == [("delete", "d")]
    (error,) = done.errors
    assert "still in use" in error.message


def test_what_waits_for_a_deletion_ends_with_an_interrupt(stack: Any, world: Any) -> None:
    stack.up(needing)
    world.reached["d"], world.hold["d"] = threading.Event(), threading.Event()

    def program(program: Any) -> None:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(program.thing, "a", {"force": 2, "first": 1})
            assert world.reached["d"].wait(30)
            second = pool.submit(program.thing, "d", {"force": "x"})
            threading.Event().wait(0.2)
            stack.cancellation.request()
            with pytest.raises(Aborted):
                second.result(30)
            world.hold["d"].set()
        first.result()

    done = stack.up(program)
    assert done.result.cancelled
    assert done.calls == [("delete", "d")]
    assert stack.find("d").pending_replacement


# --- what an earlier run left of a replaced thing ---


def deletable(stack: Any) -> None:
    """What an earlier run could not delete, because something still used it, is free now."""
    for thing in stack.state.resources:
        thing.outputs.pop("undeletable", None)


def test_what_was_deleted_with_a_leftover_is_not_forgotten_where_it_belongs_to_the_new_one(
    stack: Any, world: Any
) -> None:
    def program(inputs: dict[str, Any], *names: str) -> Any:
        def register(program: Any) -> None:
            a = program.thing("a", inputs)
            for name in names:
                program.thing(name, {}, deleted_with=a.urn, after=[a])

        return register

    stack.up(program({"force": 1, "undeletable": 1}))
    stack.up(program({"force": 2}, "x"))
    assert [one.delete for one in stack.state.resources if one.urn.endswith("::a")] == [False, True]
    deletable(stack)
    done = stack.up(program({"force": 2}))

    assert not done.result.failed, done.messages
    assert sorted(done.calls) == [("delete", "a"), ("delete", "x")]
    assert set(world.things) == {stack.find("a").id}


def test_what_is_deleted_with_a_thing_that_this_run_replaced_needs_no_call(stack: Any) -> None:
    def program(force: int, *names: str) -> Any:
        def register(program: Any) -> None:
            a = program.thing("a", {"force": force})
            for name in names:
                program.thing(name, {}, deleted_with=a.urn, after=[a])

        return register

    stack.up(program(1, "x"))
    done = stack.up(program(2))
    assert done.calls == [("create", "a"), ("delete", "a")]
    assert stack.names == ["a"]


def test_a_leftover_that_goes_along_with_a_replaced_thing_leaves_the_one_in_its_place_alone(
    stack: Any, world: Any
) -> None:
    def program(source: int, *, needed: bool, **inputs: Any) -> Any:
        def register(program: Any) -> None:
            p = program.thing("p", {"force": source, "first": 1})
            a = program.thing("a", inputs, from_={"force": p} if needed else {})
            program.thing("x", {}, deleted_with=a.urn, after=[a])

        return register

    stack.up(program(1, needed=True, undeletable=1))
    stack.up(program(1, needed=False, force="x"))
    deletable(stack)
    done = stack.up(program(2, needed=False, force="x"))

    assert not done.result.failed, done.messages
    assert {"same a", "same x"} <= set(done.steps)
    assert done.calls == [("delete", "a"), ("delete", "p"), ("create", "p")]
    assert sorted(stack.names) == ["a", "p", "x"]
    assert {stack.find(name).id for name in stack.names} <= set(world.things)
