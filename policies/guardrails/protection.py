"""What holds data cannot be deleted or replaced by accident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.reading import NETWORK, SUBJECT, TOPIC, VOLUME
from guardrails.rule import ResourceRule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_policy import ResourceValidationArgs

_KINDS = {TOPIC: "topic", VOLUME: "volume", NETWORK: "network", SUBJECT: "subject"}


def _protected(args: ResourceValidationArgs) -> Iterable[str]:
    rebuilt = args.get_config()["rebuilt"]
    if any(f"{component}$" in args.urn for component in rebuilt):
        args.not_applicable("an update brings back what is in it")
    if not args.opts.protect:
        kind = _KINDS[args.resource_type]
        name = args.props.get("subject") if args.resource_type == SUBJECT else args.props.get("name")
        yield (
            f"The {kind} {name or args.name} is not protected; protect=True is the only value allowed, for a "
            "change may otherwise delete or replace it."
        )


RULES = (
    ResourceRule(
        name="data-protected",
        what="Topics, volumes, networks and schemas are protected.",
        why="A renamed topic or a changed label deletes what is in it; a protected one refuses at preview.",
        fix="Set protect=True where the resource is made (protect_data of the environment).",
        types=(TOPIC, VOLUME, NETWORK, SUBJECT),
        settings={
            "rebuilt": {
                "type": "array",
                "items": {"type": "string"},
                "default": ["messaging:index:LoadBalancer"],
                "description": "Types of components whose volumes hold nothing but configuration.",
            }
        },
        judge=_protected,
    ),
)
