"""Policies of the SDK's own making, asked by the engine about what a program registers."""

from __future__ import annotations

from typing import Any

import pytest

from engine import urn as urns
from engine.events import PolicyPacksLoad, PolicySummary, PolicyViolation, Summary
from engine.values import UNKNOWN, Secret
from tests.unit.engine.run.judges import JUDGES, big, said


@pytest.mark.parametrize("preview", [True, False])
def test_a_secret_that_a_policy_quotes_is_hidden(preview: bool, stack: Any, packed: Any) -> None:
    packed("""
    def quote(args, report):
        if "key" in args.props:
            report(f"{args.props['key']} is no key")

    PolicyPack("loud", [ResourceValidationPolicy("quote", "Speaks.", quote, MANDATORY)])
    """)

    def program(program: Any) -> None:
        program.thing("a", {"key": Secret("hunter2secret")})

    done = stack.preview(program) if preview else stack.up(program)
    shown = done.shown(PolicyViolation)
    assert [message.partition("\n")[2] for message in shown] == ["[secret] is no key"]


def test_a_preview_shows_every_violation_and_fails(stack: Any, packed: Any) -> None:
    packed(JUDGES)
    done = stack.preview(big)
    assert said(done) == [
        ("size", "mandatory", "a has 9, at most 5 is allowed"),
        ("size", "mandatory", "c has 7, at most 5 is allowed"),
    ]
    assert done.steps == ["create a", "create b", "create c"]
    assert done.errors == []
    assert done.result.exit_code == 1
    (first, _) = [event for event in done.events if isinstance(event, PolicyViolation)]
    assert (first.pack, first.version, first.severity) == ("house-rules", "1.2.3", "high")
    assert first.message.startswith("Things are small.\n")
    assert urns.name_of(first.urn) == "a"


def test_an_update_stops_before_the_resource_that_a_mandatory_policy_forbids(stack: Any, packed: Any) -> None:
    packed(JUDGES)

    def program(program: Any) -> None:
        program.thing("z", {"x": 1})
        big(program)

    done = stack.up(program)
    assert said(done) == [("size", "mandatory", "a has 9, at most 5 is allowed")]
    assert done.calls == [("create", "z")]
    assert [error.message for error in done.errors] == [
        "a mandatory policy forbids it; its message stands under Policies"
    ]
    assert done.result.exit_code == 1


def test_an_advisory_violation_is_told_and_stops_nothing(stack: Any, packed: Any) -> None:
    packed(JUDGES, {"size": "advisory"})
    done = stack.up(big)
    assert [(policy, level) for policy, level, _ in said(done)] == [("size", "advisory")] * 2
    assert stack.names == ["a", "b", "c"]
    assert done.result.exit_code == 0


@pytest.mark.parametrize(
    ("config", "violations"),
    [
        ({"size": "disabled"}, []),
        ({"all": "disabled"}, []),
        ({"all": "disabled", "size": "advisory"}, ["a", "c"]),
        ({"size": {"most": 8}}, ["a"]),
        ({"size": {"enforcementLevel": "advisory", "most": 20}}, []),
    ],
)
def test_the_configuration_decides_levels_and_thresholds(
    stack: Any, packed: Any, config: object, violations: list[str]
) -> None:
    packed(JUDGES, config)
    assert [message[0] for _, _, message in said(stack.preview(big))] == violations


def test_a_stack_policy_sees_who_depends_on_whom_and_through_which_property(stack: Any, packed: Any) -> None:
    packed(JUDGES)

    def program(program: Any) -> None:
        a = program.thing("a")
        program.thing("b", {}, from_={"image": a})
        program.thing("c", {}, after=[a])
        program.thing("d")

    done = stack.preview(program)
    assert said(done) == [
        ("crowd", "advisory", "b.image comes from a"),
        ("crowd", "advisory", "b stands behind a"),
        ("crowd", "advisory", "c stands behind a"),
        ("crowd", "advisory", "4 things"),
    ]
    last = [event for event in done.events if isinstance(event, PolicyViolation)][-1]
    assert urns.type_of(last.urn) == urns.STACK_TYPE
    assert done.result.exit_code == 0


def test_a_mandatory_stack_policy_fails_the_run_at_its_end(stack: Any, packed: Any) -> None:
    packed(JUDGES, {"crowd": "mandatory"})
    done = stack.up(lambda program: [program.thing(name) for name in "abcd"])
    assert said(done) == [("crowd", "mandatory", "4 things")]
    assert len(done.calls) == 4
    assert done.result.exit_code == 1


def test_the_stack_is_not_judged_when_the_program_did_not_get_to_its_end(stack: Any, packed: Any) -> None:
    packed(JUDGES, {"crowd": "mandatory"})

    def program(program: Any) -> None:
        for name in "abcd":
            program.thing(name)
        raise ValueError("no more")

    done = stack.preview(program)
    assert said(done) == []
    assert [error.message for error in done.errors] == ["no more"]


def test_a_value_that_preview_cannot_know_is_judged_when_it_is_known(stack: Any, packed: Any) -> None:
    packed(JUDGES)

    def program(program: Any) -> None:
        program.thing("a", {"x": UNKNOWN if program.run.settings.preview else 9})

    planned = stack.preview(program)
    (event,) = [event for event in planned.events if isinstance(event, PolicyViolation)]
    assert event.level == "advisory"
    assert "can't run policy 'size'" in event.message
    assert "string value at .x can't be known during preview" in event.message
    assert planned.result.exit_code == 0
    assert stack.up(program).result.exit_code == 1


def test_what_passed_and_what_failed_is_summed_up_for_each_resource_and_the_stack(
    stack: Any, packed: Any
) -> None:
    packed(JUDGES)
    done = stack.preview(lambda program: program.thing("a", {"x": 9}))
    assert [event for event in done.events if isinstance(event, PolicyPacksLoad)] == [PolicyPacksLoad()]
    sums = [
        (urns.name_of(event.urn) if event.urn else "", event.passed, event.failed)
        for event in done.events
        if isinstance(event, PolicySummary)
    ]
    assert sums == [
        ("tiny-dev", (), ()),
        ("default", (), ()),
        ("a", (), ("size",)),
        ("", ("crowd",), ()),
    ]
    (end,) = [event for event in done.events if isinstance(event, Summary)]
    assert end.policy_packs == {f"house-rules|local|{stack.packs[0].given}": "1.2.3"}


def test_a_pack_knows_the_stack_its_configuration_and_whether_this_is_a_preview(
    stack: Any, packed: Any
) -> None:
    packed(
        """
        import pulumi
        def tell(args, report):
            config = pulumi.Config("tiny").get("who")
            report(f"{pulumi.get_project()} {pulumi.get_stack()} {pulumi.runtime.is_dry_run()} {config}")
        PolicyPack("p", [StackValidationPolicy("tell", "Tells.", tell, ADVISORY)])
        """
    )
    stack.config = {"tiny:who": "me"}
    assert said(stack.preview(big)) == [("tell", "advisory", "tiny dev True me")]
    assert said(stack.up(big)) == [("tell", "advisory", "tiny dev False me")]


def test_a_policy_that_breaks_fails_the_resource_with_its_words(stack: Any, packed: Any) -> None:
    packed(
        """
        def broken(args, report):
            raise KeyError("no such key")
        PolicyPack("p", [ResourceValidationPolicy("broken", "Broken.", broken)])
        """
    )
    done = stack.up(big)
    assert done.calls == []
    assert "failed to run policy: " in done.errors[0].message
    assert "no such key" in done.errors[0].message


def test_a_setting_that_the_policy_does_not_take_stops_the_run(stack: Any, packed: Any) -> None:
    packed(JUDGES, {"size": {"most": 0}})
    done = stack.up(big)
    assert done.calls == []
    assert done.errors[0].message == (
        "validating policy config: house-rules 1.2.3\n  size: most: 0 is less than the minimum of 1"
    )


def test_a_policy_that_the_pack_does_not_have_is_mentioned(stack: Any, packed: Any) -> None:
    packed(JUDGES, {"sise": "disabled"})
    assert any("names policies that it does not have: sise" in one for one in stack.preview(big).messages)
