"""A policy's remedy changes what is made and is told, and what it does not mend is mandatory."""

from __future__ import annotations

from typing import Any

from engine.events import PolicyRemediation
from engine.values import Secret
from tests.unit.engine.run.judges import said

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
