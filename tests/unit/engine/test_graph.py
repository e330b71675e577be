"""Who needs whom, and in which order things may go."""

from __future__ import annotations

from typing import Any

from engine import graph
from engine.resource import Resource


def urn(name: str) -> str:
    return f"urn:pulumi:dev::tiny::docker:index:Thing::{name}"


def one(name: str, *needed: str, **fields: Any) -> Resource:
    return Resource(
        urn=urn(name), type="docker:index:Thing", dependencies=[urn(other) for other in needed], **fields
    )


def names(resources: list[Resource]) -> list[str]:
    return [resource.urn.rpartition("::")[2] for resource in resources]


def test_a_resource_needs_its_dependencies_provider_container_and_parent() -> None:
    resource = one(
        "a",
        "b",
        property_dependencies={"x": [urn("c")]},
        provider=f"{urn('p')}::id",
        deleted_with=urn("d"),
        parent=urn("g"),
    )
    assert graph.needs(resource) == {urn(name) for name in "bcpdg"}
    assert graph.needs(resource, parent=False) == {urn(name) for name in "bcpd"}


def test_dependents_are_found_through_others_and_children_are_none() -> None:
    state = [one("a"), one("b", "a"), one("child", parent=urn("a")), one("c", "b"), one("d")]
    assert names(graph.Dependents(state).of(state[0], set())) == ["b", "c"]
    assert names(graph.Dependents(state).of(state[0], {urn("b")})) == []


def test_a_closure_holds_all_that_is_needed() -> None:
    state = [one("g"), one("a"), one("b", "a"), one("c", "b", parent=urn("g")), one("d", "c")]
    assert graph.closure(state, [state[3]]) == {urn(name) for name in "gabc"}


def test_deletions_go_in_groups_dependents_first() -> None:
    state = [one("a"), one("b", "a"), one("c", "a"), one("d", "b"), one("e")]
    groups = graph.deletion_order(state, state)
    assert [names(group) for group in groups] == [["d"], ["b", "c"], ["a", "e"]]


def test_what_needs_a_component_goes_before_what_the_component_is_made_of() -> None:
    group = Resource(urn=urn("g"), type="my:index:Group", custom=False)
    state = [group, one("inner", parent=urn("g")), one("user", "g")]
    assert [names(group) for group in graph.deletion_order(state, state)] == [["user"], ["inner"], ["g"]]


def test_a_replaced_one_and_its_successor_are_told_apart() -> None:
    state = [one("a"), one("b", "a"), one("a", delete=True)]
    assert [names(group) for group in graph.deletion_order(state, [state[2]])] == [["a"]]
