"""The source of a policy pack, a program that it judges, and what it said."""

from __future__ import annotations

from typing import Any

from engine.events import PolicyViolation

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
