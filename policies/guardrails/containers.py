"""Containers that start again, stop in time, stay within their memory and say how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import reading
from guardrails.reading import CONTAINER
from guardrails.rule import ResourceRule, whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_policy import ResourceValidationArgs

_RESTARTING = ("unless-stopped", "always")
_NO_CHECK = ("NONE",)


def _split(image: str) -> tuple[str, str]:
    """An image's tag and digest, each empty where there is none."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag, digest


def _pinned(args: ResourceValidationArgs) -> Iterable[str]:
    image = args.props["image"]
    tag, digest = _split(image)
    if not digest and tag in {"", "latest"} and not image.startswith("sha256:"):
        yield (
            f"The container {reading.container_name(args)} runs {image}; an image with a fixed tag other "
            "than latest, or with a digest, is allowed."
        )


def _digest(args: ResourceValidationArgs) -> Iterable[str]:
    image = args.props["image"]
    if not _split(image)[1] and not image.startswith("sha256:"):
        yield (
            f"The container {reading.container_name(args)} runs {image}, whose tag may be moved; with a "
            "digest it cannot."
        )


def _grace(args: ResourceValidationArgs) -> Iterable[str]:
    if not reading.is_node(args.props):
        args.not_applicable("no Kafka node")
    least = int(args.get_config()["seconds"])
    for key in ("destroyGraceSeconds", "stopTimeout"):
        value = reading.number(args.props.get(key))
        if value is None or value < least:
            has = f"does not set {key}, so it is killed at once" if value is None else f"has {key} {value}"
            yield f"The node {reading.container_name(args)} {has}; at least {least} s are allowed."


def _memory(args: ResourceValidationArgs) -> Iterable[str]:
    for key in ("memory", "memorySwap"):
        value = reading.number(args.props.get(key))
        if value is None or value <= 0:
            has = f"does not set {key}" if value is None else f"has {key} {value}"
            yield f"The container {reading.container_name(args)} {has}; a limit in MiB above 0 is allowed."


def _restart(args: ResourceValidationArgs) -> Iterable[str]:
    policy = args.props.get("restart") or "no"
    if policy not in _RESTARTING:
        yield (
            f"The container {reading.container_name(args)} has restart {policy}; {' or '.join(_RESTARTING)} "
            "is allowed."
        )


def _health(args: ResourceValidationArgs) -> Iterable[str]:
    check = args.props.get("healthcheck") or {}
    tests = tuple(check.get("tests") or ())
    if not tests or tests[:1] == _NO_CHECK:
        has = "no health check" if not tests else "its health check switched off"
        yield f"The container {reading.container_name(args)} has {has}; a command that asks it is allowed."


RULES = (
    ResourceRule(
        name="image-pinned",
        what="A container's image has a fixed tag.",
        why="What runs must be what was reviewed; latest is another image tomorrow.",
        fix="Name a tag or a digest in images/registry.yaml or messaging:images.",
        types=(CONTAINER,),
        judge=_pinned,
    ),
    ResourceRule(
        name="image-digest",
        what="A container's image is named by its digest.",
        why="A tag can be moved to another image.",
        fix="Append @sha256:... to the reference.",
        types=(CONTAINER,),
        judge=_digest,
    ),
    ResourceRule(
        name="grace-period",
        what="A Kafka node gets time to stop.",
        why="A broker that is killed recovers its logs for minutes and drops out of every in-sync set.",
        fix="Set destroy_grace_seconds and stop_timeout; a roll uses those of the deployment before.",
        types=(CONTAINER,),
        settings={"seconds": whole(60, "The shortest grace period in seconds.")},
        judge=_grace,
    ),
    ResourceRule(
        name="memory-limit",
        what="A container has a memory limit, swap included.",
        why="One that grows without a limit takes the brokers down with it.",
        fix="Set memory and memory_swap; the same value means no swap.",
        types=(CONTAINER,),
        judge=_memory,
    ),
    ResourceRule(
        name="restart-policy",
        what="A container starts again by itself.",
        why="After a crash or a reboot nobody is there to start it.",
        fix="Set restart to unless-stopped.",
        types=(CONTAINER,),
        judge=_restart,
    ),
    ResourceRule(
        name="health-check",
        what="A container says whether it works.",
        why="Rolls, alerts and people look at it.",
        fix="Give it a healthcheck with tests.",
        types=(CONTAINER,),
        judge=_health,
    ),
)
