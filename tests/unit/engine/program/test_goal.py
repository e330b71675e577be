"""Registration requests become goals; names of the past become aliases."""

from __future__ import annotations

import pytest

from engine import urn
from engine.program import goal as goals
from engine.program.goal import Alias, Goal, Names

STACK = urn.create("dev", "tiny", None, urn.STACK_TYPE, "tiny-dev")


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("90s", 90), ("1h30m", 5400), ("1.5m", 90), ("250ms", 0.25), ("0", 0)]
)
def test_a_duration_is_read(text: str, expected: float) -> None:
    assert goals.seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["10", "5 minutes", "1d", "-"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        goals.seconds(text)


def thing(name: str, *aliases: Alias, parent: str = STACK, type_: str = "docker:index:Thing") -> Goal:
    return Goal(type=type_, name=name, custom=True, inputs={}, parent=parent, aliases=aliases)


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        (Alias(name="old"), "urn:pulumi:dev::tiny::docker:index:Thing::old"),
        (Alias(type="docker:index:Other"), "urn:pulumi:dev::tiny::docker:index:Other::a"),
        (Alias(stack="before"), "urn:pulumi:before::tiny::docker:index:Thing::a"),
        (Alias(project="before"), "urn:pulumi:dev::before::docker:index:Thing::a"),
        (Alias(urn="urn:pulumi:x::y::z::w"), "urn:pulumi:x::y::z::w"),
        (
            Alias(parent="urn:pulumi:dev::tiny::my:index:Group::g"),
            "urn:pulumi:dev::tiny::my:index:Group$docker:index:Thing::a",
        ),
    ],
)
def test_an_alias_says_what_differed(alias: Alias, expected: str) -> None:
    assert Names("dev", "tiny").aliases(thing("a", alias)) == [expected]


def test_a_child_out_of_a_component_had_no_parent() -> None:
    group = urn.create("dev", "tiny", STACK, "my:index:Group", "g")
    found = Names("dev", "tiny").aliases(thing("a", Alias(no_parent=True), parent=group))
    assert found == ["urn:pulumi:dev::tiny::docker:index:Thing::a"]


def test_children_of_a_renamed_component_inherit_its_alias_and_their_own() -> None:
    names = Names("dev", "tiny")
    group = urn.create("dev", "tiny", STACK, "my:index:Group", "new")
    names.before[group] = urn.create("dev", "tiny", STACK, "my:index:Group", "old")
    found = names.aliases(thing("new-disk", Alias(name="new-drive"), parent=group))
    prefix = "urn:pulumi:dev::tiny::my:index:Group$docker:index:Thing::"
    assert found == [f"{prefix}new-drive", f"{prefix}old-disk", f"{prefix}old-drive"]


def test_everything_unsupported_in_a_request_is_named_at_once() -> None:
    from pulumi.runtime.proto import resource_pb2

    from engine.errors import Unsupported

    request = resource_pb2.RegisterResourceRequest(
        type="docker:index:Thing", name="a", importId="x", replace_with=["y"], hideDiffs=["z"], remote=True
    )
    with pytest.raises(Unsupported, match="import, remote components, replace_with, hide_diffs"):
        goals.read(request)
