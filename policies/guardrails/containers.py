"""Containers that start again, stop in time, stay within their memory and say how they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from guardrails import reading
from guardrails.reading import CONTAINER
from guardrails.rule import ResourceRule, whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_policy import ResourceValidationArgs

_RESTARTING = ("unless-stopped", "always")
_KEPT = {"rm": False, "mustRun": True, "start": True}
"""What else decides whether a container is there after it stopped, and whether anybody minds."""
_CHECKING = ("CMD", "CMD-SHELL")
"""What a health check's test begins with; by any other word, Docker asks nothing."""
_SHELL = re.compile(
    r"\s*(\S*/)?(ba|da|a)?sh(?P<flags>(\s+-\w+(\s+(errexit|nounset|pipefail))?)+)\s+(?P<script>.*)", re.DOTALL
)
"""``sh -c SCRIPT``."""
_STOPPING = re.compile(r"-\w*e|\berrexit\b")
"""Among a shell's flags: it ends at the first command that fails."""
_FAILING = re.compile(r"(^|[;&|({\n]|\b(then|else|do)\s)\s*exit\b(?!\s+0\b)")
"""The end of a script, with something else than a yes."""
_NESTED = re.compile(r"\s*((then|else|do)\s|[({])")
_HANDLED = re.compile(r"\s*((if|elif|while|until|!|set)\s.*|then|else|do|fi|done|[(){}])?\s*", re.DOTALL)
"""What ends no script by failing."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_INTERVAL, _TIMEOUT, _RETRIES = 30.0, 30.0, 3
"""Docker's own, which count where nothing or 0 is said."""
_ALWAYS_WELL = re.compile(r"\s*((\S*/)?true|:|exit\s+0|((\S*/)?(echo|printf)\b[^&]*))?\s*")


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
    signal = args.props.get("stopSignal") or "SIGTERM"
    if signal != "SIGTERM":
        yield (
            f"The node {reading.container_name(args)} is stopped by {signal}; only SIGTERM is allowed, at "
            "which a broker hands over what it leads."
        )


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
    for key, wanted in _KEPT.items():
        value = args.props.get(key)
        if value is not None and value != wanted:
            yield (
                f"The container {reading.container_name(args)} has {key} {str(value).lower()}; only "
                f"{str(wanted).lower()} is allowed."
            )


def _health(args: ResourceValidationArgs) -> Iterable[str]:
    check = args.props.get("healthcheck") or {}
    tests = [str(word) for word in check.get("tests") or ()]
    has = ""
    if not tests:
        has = "no health check"
    elif tests[0] not in _CHECKING:
        has = "its health check switched off"
    elif _always_well(tests):
        has = f"a health check that says yes to everything, {' '.join(tests)!r}"
    if has:
        yield f"The container {reading.container_name(args)} has {has}; a command that asks it is allowed."
        return
    config = args.get_config()
    interval = _seconds(check.get("interval")) or _INTERVAL
    timeout = _seconds(check.get("timeout")) or _TIMEOUT
    late = (interval + timeout) * (reading.number(check.get("retries")) or _RETRIES)
    for said, seconds, allowed in (
        ("notices only after", late, config["minutes"]),
        ("lets failures not count for", _seconds(check.get("startPeriod")), config["startMinutes"]),
    ):
        if seconds > allowed * 60:
            yield (
                f"The container {reading.container_name(args)} has a health check that {said} {seconds:.0f} "
                f"s; at most {allowed:.0f} minutes are allowed."
            )


def _always_well(tests: list[str]) -> bool:
    """Whether a health check's command says yes whatever the container does: no failure is the script's."""
    script, flags = " ".join(tests[1:]), ""
    if shell := _SHELL.fullmatch(script):
        script, flags = shell["script"].strip("'\" "), shell["flags"]
    if _FAILING.search(script):
        return False
    steps = [step for step in re.split(r"[;\n]", script) if step.strip()] or [""]
    stops = bool(_STOPPING.search(flags))
    for step in steps[:-1]:
        stops = stops or bool(re.match(r"\s*set\s", step) and _STOPPING.search(step))
        # Of commands joined by && and ||, a shell ends at the last alone.
        last = _last_of(_NESTED.sub("", step, count=1)).rpartition("&&")[2]
        if stops and not _HANDLED.fullmatch(step) and not _ALWAYS_WELL.fullmatch(last):
            return False
    return all(_ALWAYS_WELL.fullmatch(part) for part in _last_of(steps[-1]).split("&&"))


def _last_of(step: str) -> str:
    """The last of commands that are asked one for another, or that read one from another."""
    return ([part for part in re.split(r"\|\|?", step) if part.strip()] or [""])[-1]


def _seconds(duration: str | None) -> float:
    """Go's spelling of a duration, such as ``1m30s``, in seconds; 0 where there is none."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(duration or ""))


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
        fix=(
            "Set destroy_grace_seconds and stop_timeout, and no stop_signal; a roll uses those of the "
            "deployment before."
        ),
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
        what="A container starts again by itself, and stays there for it.",
        why="After a crash or a reboot nobody is there to start it.",
        fix="Set restart to unless-stopped; leave rm, must_run and start as they are by default.",
        types=(CONTAINER,),
        judge=_restart,
    ),
    ResourceRule(
        name="health-check",
        what="A container says whether it works, and says it in time.",
        why="Rolls, alerts and people look at it.",
        fix="Give it a healthcheck with tests that can fail, and short times.",
        types=(CONTAINER,),
        settings={
            "minutes": whole(10, "The longest time in which failures are noticed, in minutes."),
            "startMinutes": whole(60, "The longest time in which failures do not count, in minutes."),
        },
        judge=_health,
    ),
)
