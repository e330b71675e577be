"""Destroy leaves nothing, and what cannot be deleted keeps what it needs."""

from __future__ import annotations

from typing import Any

from engine import urn as urns
from engine.resource import Resource
from tests.unit.engine.run.programs import nothing, one
from tests.unit.engine.run.stack import reference


def test_destroy_leaves_nothing_and_goes_in_reverse_order(stack: Any) -> None:
    def program(program: Any) -> None:
        group = program.component("g")
        a = program.thing("a", parent=group.urn)
        b = program.thing("b", from_={"x": a})
        program.thing("c", deleted_with=b.urn, after=[b])
        program.thing("d", retain_on_delete=True)

    stack.up(program)
    planned = stack.destroy(preview=True)
    done = stack.destroy()
    assert done.calls == [("delete", "b"), ("delete", "a")]
    assert sorted(planned.steps) == sorted(done.steps)
    assert stack.state.resources == []


def test_a_failed_deletion_keeps_what_is_needed_by_it(stack: Any) -> None:
    def program(program: Any) -> None:
        a = program.thing("a")
        program.thing("b", {"undeletable": 1}, from_={"x": a})

    stack.up(program)
    done = stack.destroy()
    assert done.result.failed
    assert stack.names == ["a", "b"]
    (error,) = done.errors
    assert error.urn.endswith("::b")
    assert "still in use" in error.message
    assert stack.state.pending == []


def with_another_package(stack: Any, **options: Any) -> None:
    """Let the state have a resource of a package that this engine does not serve, as the CLI may write it."""
    stack.up(one({"x": 1}))
    (root,) = [found for found in stack.state.resources if found.type == urns.STACK_TYPE]
    kind = "pulumi:providers:random"
    provider = Resource(urns.create("dev", "tiny", root.urn, kind, "default"), kind, id="1", parent=root.urn)
    kind = "random:index/randomId:RandomId"
    other = Resource(
        urns.create("dev", "tiny", root.urn, kind, "r"),
        kind,
        id="r-1",
        parent=root.urn,
        provider=reference(provider),
        **options,
    )
    stack.state.resources += [provider, other]


def test_nothing_is_deleted_where_something_has_no_provider_here(stack: Any) -> None:
    with_another_package(stack)
    outcomes = [
        stack.preview(nothing),
        stack.up(nothing),
        stack.destroy(preview=True),
        stack.destroy(),
    ]
    for outcome in outcomes:
        assert outcome.result.exit_code == 1
        assert outcome.calls == []
        (error,) = outcome.errors
        assert "no provider for random, so it cannot delete:" in error.message
        assert "::r\n" in error.message
        assert "pulumi state delete" in error.message
    assert stack.names == ["a", "r"]


def test_what_is_to_be_kept_needs_no_provider_to_go_from_the_state(stack: Any) -> None:
    with_another_package(stack, retain_on_delete=True)
    done = stack.destroy()
    assert not done.result.failed, done.messages
    assert stack.state.resources == []
