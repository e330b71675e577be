"""What a change does to a running platform: classes of steps, and steps between two plans. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from messaging.report import retention
from messaging.report.preview import CONTAINER, CREATE, DELETE, REFRESH, REPLACE, SAME, UPDATE, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from messaging.report.preview import Message, Preview

VOLUME = "docker:index/volume:Volume"
NETWORK = "docker:index/network:Network"
TOPIC = "kafka:index/topic:Topic"
SUBJECT = "pulumi-python:dynamic/messaging:Subject"
CLUSTER_SETTINGS = "pulumi-python:dynamic/messaging:ClusterSettings"
LOAD_BALANCER_CONFIG = "pulumi-python:dynamic/messaging:LoadBalancerConfig"
DOCKER, KAFKA = "pulumi:providers:docker", "pulumi:providers:kafka"
PREFLIGHT = "pulumi-python:dynamic/messaging:Preflight"
STAND_IN = "unix:///nowhere/docker.sock"
"""What `.ci/preview` says where no Docker engine is in reach: nowhere that a stack could go."""
_NODE = "messaging:index:KafkaNode$"
_DATA = frozenset({TOPIC, VOLUME, NETWORK, SUBJECT})
"""What takes data, or the way to it, along when it goes."""
_STEP_ASIDE = ("messaging:index:", "pulumi:providers:", "pulumi:pulumi:Stack", "pulumi-python:dynamic/")
"""Types of what only groups, checks or waits."""
_CONTAINER_IN_PLACE = frozenset(
    {
        *("memory", "memorySwap", "memoryReservation", "cpuShares", "cpuSet"),
        *("restart", "maxRetryCount", "mustRun", "destroyGraceSeconds"),
    }
)
"""What Docker changes in a running container, or keeps beside it."""


class Kind(StrEnum):
    """What a change means for whoever uses the platform, the gravest last."""

    CHECK = "check"
    """Nothing that runs is touched: a check, a gate, a grouping."""
    NEW = "new"
    DYNAMIC = "dynamic"
    """Takes effect while everything runs."""
    REPLACE = "replace"
    """A container is replaced: what it serves is away for a moment."""
    ROLLING = "rolling restart"
    """Kafka nodes are replaced one after another, each behind its gate."""
    SHORTEN = "shorter retention"
    """Messages go that would have been kept."""
    ELSEWHERE = "elsewhere"
    """The platform is looked for on another Docker engine; what runs on the one before stays behind."""
    DESTROY = "destroy"
    """Something goes, with what is in it."""


SAYS = {
    Kind.DESTROY: "goes, with what is in it",
    Kind.ELSEWHERE: "is looked for on another Docker engine",
    Kind.SHORTEN: "deletes messages that would have been kept",
    Kind.ROLLING: "Kafka nodes, one after another",
    Kind.REPLACE: "is away for a moment",
    Kind.DYNAMIC: "takes effect while everything runs",
    Kind.NEW: "is added",
    Kind.CHECK: "checks and gates only",
}
"""Each class in a few words, the gravest first."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource's change."""

    kind: Kind
    step: Step
    told: str = ""
    """What was said of it, where that is graver than what its values show."""


def changes(steps: Iterable[Step], messages: Sequence[Message] = ()) -> list[Change]:
    """What the steps of a preview do, the gravest first, by name within a class.

    Args:
        steps: the preview's.
        messages: what was said in it. The state does not hold what somebody else gave the brokers, so that
            no value of a step shows what taking it back deletes.
    """
    grave = "; ".join(one.text.strip() for one in messages if one.text.lstrip().startswith(retention.TOLD))
    found = [_change(step, grave) for step in steps if step.operation not in {SAME, REFRESH}]
    order = list(SAYS)
    return sorted(found, key=lambda change: (order.index(change.kind), change.step.type, change.step.name))


def _change(step: Step, grave: str) -> Change:
    if grave and step.type == CLUSTER_SETTINGS and step.operation == UPDATE:
        return Change(kind=Kind.SHORTEN, step=step, told=grave)
    return Change(kind=classify(step), step=step)


def classify(step: Step) -> Kind:
    """The class of one step."""
    match step.operation:
        case "update" | "replace" if _moves(step):
            return Kind.ELSEWHERE
        case "delete":
            return Kind.CHECK if _only_steps_aside(step.type) else Kind.DESTROY
        case "create":
            return Kind.CHECK if _only_steps_aside(step.type) else Kind.NEW
        case "replace" if step.type in _DATA:
            return Kind.DESTROY
        case "replace" if step.type == CONTAINER and _NODE in step.urn:
            return Kind.ROLLING
        case "replace":
            return Kind.REPLACE
    if _keeps_less(step):
        return Kind.SHORTEN
    dynamic = step.type in {LOAD_BALANCER_CONFIG, KAFKA} or not _only_steps_aside(step.type)
    return Kind.DYNAMIC if dynamic else Kind.CHECK


def _keeps_less(step: Step) -> bool:
    if step.type == TOPIC:
        return retention.keeps_less(step.old.get("config") or {}, step.new.get("config") or {})
    if step.type == CLUSTER_SETTINGS:
        return retention.brokers_keep_less(step.old.get("settings") or {}, step.new.get("settings") or {})
    return False


def _moves(step: Step) -> bool:
    if step.type == PREFLIGHT:  # it is given what the configuration says, whatever the environment says
        return bool(step.old.get("dockerHost") != step.new.get("dockerHost"))
    host = step.new.get("host")
    return step.type == DOCKER and host not in {step.old.get("host"), STAND_IN}


def _only_steps_aside(type_: str) -> bool:
    # Some dynamic resources change something that runs.
    acts = type_ in {SUBJECT, CLUSTER_SETTINGS}
    return not acts and type_.startswith(_STEP_ASIDE)


def between(base: Preview, branch: Preview) -> list[Step]:
    """The steps that would lead from one plan to the other, where no state says what is deployed.

    Args:
        base: a preview of what is deployed, or is to be.
        branch: a preview of the change.
    """
    before = {step.urn: step for step in base.steps if step.operation == CREATE}
    after = {step.urn: step for step in branch.steps if step.operation == CREATE}
    added = [step for urn, step in after.items() if urn not in before]
    removed = [
        Step(operation=DELETE, urn=urn, type=step.type, old=step.new)
        for urn, step in before.items()
        if urn not in after
    ]
    both = [_changed(before[urn], step) for urn, step in after.items() if urn in before]
    return [*added, *removed, *(step for step in both if step is not None)]


def _changed(before: Step, after: Step) -> Step | None:
    keys = tuple(
        sorted(key for key in {*before.new, *after.new} if before.new.get(key) != after.new.get(key))
    )
    if not keys:
        return None
    operation = REPLACE if _replaces(after.type, before.new, after.new, keys) else UPDATE
    return Step(
        operation=operation, urn=after.urn, type=after.type, old=before.new, new=after.new, changed=keys
    )


def _replaces(type_: str, old: Mapping[str, Any], new: Mapping[str, Any], keys: Iterable[str]) -> bool:
    if type_ == CONTAINER:
        return not _CONTAINER_IN_PLACE.issuperset(keys)
    if type_ in {VOLUME, NETWORK}:
        return True
    if type_ == TOPIC:
        fewer = int(new.get("partitions") or 0) < int(old.get("partitions") or 0)
        return fewer or "name" in keys
    return type_ == SUBJECT and "subject" in keys
