"""Policy packs of the SDK's own making, asked by the engine about what a program registers."""

from __future__ import annotations

import json
import os
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from engine import urn as urns
from engine.errors import BadInput, Unsupported
from engine.events import PolicyPacksLoad, PolicyRemediation, PolicySummary, PolicyViolation, Summary
from engine.policy import pack as policy_pack
from engine.policy.pack import Policy, PolicySettings
from engine.values import UNKNOWN, Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = """
from pulumi_policy import (
    EnforcementLevel, PolicyConfigSchema, PolicyPack, ResourceValidationPolicy, Severity,
    StackValidationPolicy,
)
MANDATORY, ADVISORY, REMEDIATE = (
    EnforcementLevel.MANDATORY, EnforcementLevel.ADVISORY, EnforcementLevel.REMEDIATE
)
"""

JUDGES = """
def size(args, report):
    if args.resource_type != "docker:index:Thing":
        args.not_applicable("no thing")
    if args.props.get("x", 0) > args.get_config()["most"]:
        report(f"{args.name} has {args.props['x']:g}, at most {args.get_config()['most']:g} is allowed")

def crowd(args, report):
    things = [one for one in args.resources if one.resource_type == "docker:index:Thing"]
    for thing in things:
        for key, sources in thing.property_dependencies.items():
            report(f"{thing.name}.{key} comes from {sources[0].name}", thing.urn)
        for one in thing.dependencies:
            report(f"{thing.name} stands behind {one.name}", thing.urn)
    if len(things) > 3:
        report(f"{len(things)} things")

PolicyPack("house-rules", [
    ResourceValidationPolicy("size", "Things are small.", size, MANDATORY, PolicyConfigSchema(
        properties={"most": {"type": "integer", "minimum": 1, "default": 5}}), severity=Severity.HIGH),
    StackValidationPolicy("crowd", "Few things.", crowd, ADVISORY),
])
"""


@pytest.fixture
def packed(stack: Any, tmp_path: Path) -> Callable[..., None]:
    """Gives the stack a policy pack of some source text, with a configuration."""

    def use(
        source: str, config: object = None, *, project: str = "runtime: python\nversion: 1.2.3\n"
    ) -> None:
        folder = tmp_path / "rules"
        folder.mkdir()
        (folder / "PulumiPolicy.yaml").write_text(project)
        (folder / "__main__.py").write_text(HEAD + textwrap.dedent(source))
        configs = []
        if config is not None:
            (tmp_path / "rules.json").write_text(json.dumps(config))
            configs = [str(tmp_path / "rules.json")]
        stack.packs = tuple(policy_pack.packs([str(folder)], configs))

    return use


def said(outcome: Any) -> list[tuple[str, str, str]]:
    return [
        (event.policy, event.level, event.message.partition("\n")[2])
        for event in outcome.events
        if isinstance(event, PolicyViolation)
    ]


def big(program: Any) -> None:
    program.thing("a", {"x": 9})
    program.thing("b", {"x": 1})
    program.thing("c", {"x": 7})


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


REMEDY = """
def shrink(args):
    if args.props.get("x", 0) > 5:
        return {**args.props, "x": 5}

def twice(args):
    if "y" in args.props:
        props = args.props
        props["y"] = props["y"] * 2
        return props

PolicyPack("medicine", [
    ResourceValidationPolicy("shrink", "Things are small.", remediate=shrink, enforcement_level=REMEDIATE),
    ResourceValidationPolicy("twice", "Double.", remediate=twice, enforcement_level=REMEDIATE),
    ResourceValidationPolicy("off", "Never.", remediate=lambda args: {}, enforcement_level=ADVISORY),
])
"""


def test_a_remedy_changes_what_is_created_and_is_told(stack: Any, packed: Any, world: Any) -> None:
    packed(REMEDY)
    done = stack.up(lambda program: program.thing("a", {"x": 9, "y": 1, "key": Secret("hidden")}))
    assert done.result.exit_code == 0
    assert stack.find("a").inputs == {"default": "here", "x": 5, "y": 2, "key": Secret("hidden")}
    assert world.things[stack.find("a").id]["x"] == 5
    told = [event for event in done.events if isinstance(event, PolicyRemediation)]
    assert [(event.policy, event.before.get("x"), event.after.get("x")) for event in told] == [
        ("shrink", 9, 5),
        ("twice", 5, 5),
    ]


def test_a_remedy_holds_for_a_replacement_too(stack: Any, packed: Any) -> None:
    packed(REMEDY)
    stack.up(lambda program: program.thing("a", {"x": 9, "force": 1}))
    done = stack.up(lambda program: program.thing("a", {"x": 9, "force": 2}))
    assert "replace a" in done.steps
    assert stack.find("a").inputs["x"] == 5
    assert len([event for event in done.events if isinstance(event, PolicyRemediation)]) == 1
    assert stack.up(lambda program: program.thing("a", {"x": 9, "force": 2})).steps == ["same a"]


def test_what_a_remedy_does_not_mend_is_mandatory(stack: Any, packed: Any) -> None:
    packed(
        """
        PolicyPack("p", [ResourceValidationPolicy(
            "never", "Never.", lambda args, report: report(args.name), remediate=lambda args: None,
            enforcement_level=REMEDIATE)])
        """
    )
    done = stack.preview(lambda program: program.thing("a"))
    assert ("never", "mandatory", "a") in said(done)
    assert done.result.exit_code == 1


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


def test_a_pack_that_does_not_start_stops_the_run_before_anything_is_made(stack: Any, packed: Any) -> None:
    packed("raise ValueError('half written')")
    done = stack.up(big)
    assert done.calls == []
    assert "half written" in "\n".join(done.messages)
    (error,) = done.errors
    assert error.message.startswith(f'policy pack "{stack.packs[0].folder}" failed to start: ')
    assert "ended with exit code 1 before it was ready" in error.message


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


def test_a_pack_may_have_an_interpreter_of_its_own(stack: Any, packed: Any, tmp_path: Path) -> None:
    import sys

    folder = tmp_path / "own" / "bin"
    folder.mkdir(parents=True)
    mark = tmp_path / "used"
    script = folder / "python"
    script.write_text(f'#!/bin/sh\necho "$@" > {mark}\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    packed(
        JUDGES, project="runtime: {name: python, options: {virtualenv: ../own}}\ndescription: of its own\n"
    )
    done = stack.preview(big)
    assert len(said(done)) == 2
    assert mark.read_text().startswith("-u -m pulumi.policy 127.0.0.1:")


def test_the_engines_own_virtual_environment_is_no_other_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "PulumiPolicy.yaml").write_text("runtime: {name: python, options: {virtualenv: own}}\n")
    python = tmp_path / "own" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    (pack,) = policy_pack.packs([str(tmp_path)], [])
    assert pack.python == python

    monkeypatch.setattr("sys.executable", str(python))

    (pack,) = policy_pack.packs([str(tmp_path)], [])
    assert pack.python is None


def test_no_pack_process_is_left_behind(stack: Any, packed: Any) -> None:
    packed(
        """
        import os
        PolicyPack("p", [StackValidationPolicy("pid", "Pid.", lambda args, report: report(str(os.getpid())))])
        """
    )
    ((_, _, pid),) = said(stack.preview(big))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


# --- on disk ---


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nonsense", "is not JSON"),
        ("[1]", "must be an object of policy names"),
        ('{"size": 3}', 'parsing "size": 3 is not a valid value; must be a string or object'),
        ('{"size": "mandatori"}', "'mandatori' is not a valid enforcement level; allowed are advisory,"),
        ('{"size": {"enforcementLevel": 1}}', "1 is not a valid enforcement level"),
        ('{"environments": ["a"]}', "ESC `environments`"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused_with_its_file(
    tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)
    with pytest.raises(BadInput) as refused:
        policy_pack.load_config(file)
    assert complaint in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_missing_configuration_is_refused_and_an_empty_one_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        policy_pack.load_config(tmp_path / "none.json")
    (tmp_path / "empty.json").write_text(" \n")
    assert policy_pack.load_config(tmp_path / "empty.json") == {}


def test_a_pack_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="failed to load Pulumi policy project located at"):
        policy_pack.packs([str(tmp_path)], [])
    (tmp_path / "PulumiPolicy.yaml").write_text("runtime: nodejs\n")
    with pytest.raises(Unsupported, match="policy packs in Python alone"):
        policy_pack.packs([str(tmp_path)], [])
    (tmp_path / "PulumiPolicy.yaml").write_text("runtime: {name: python, options: {virtualenv: .venv}}\n")
    with pytest.raises(BadInput, match=r"names the virtual environment '\.venv'"):
        policy_pack.packs([str(tmp_path)], [])
    with pytest.raises(BadInput, match='the number of "--policy-pack-config" flags must match'):
        policy_pack.packs([str(tmp_path)], ["a.json", "b.json"])


def test_settings_lie_over_the_packs_own_which_lie_over_the_policies_defaults() -> None:
    policies = [
        Policy(name="a", level="advisory", schema={"n": {"type": "integer", "default": 1}, "m": {}}),
        Policy(name="b", level="mandatory", required=("given",)),
    ]
    own = {"all": PolicySettings(level="remediate"), "a": PolicySettings(properties={"m": 2})}
    given = {"a": PolicySettings(level="disabled", properties={"n": 3})}
    result, faults = policy_pack.reconcile(policies, own, given)
    assert result["a"] == PolicySettings(level="disabled", properties={"n": 3, "m": 2})
    assert result["b"] == PolicySettings(level="remediate")
    assert faults == ["b: 'given' is a required property"]
