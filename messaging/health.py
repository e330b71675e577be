"""How a Kafka cluster is, put together from what its nodes say: what is wrong, and how bad it is. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from messaging.availability import NO_BROKER
from messaging.cluster import METADATA_VERSION, Features, View
from messaging.declared import NOTHING, SCHEMAS_TOPIC, Declared
from messaging.listing import some
from messaging.quorum import NO_LEADER, Quorum
from messaging.readiness import CAUGHT_UP_WITHIN_MS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from messaging.availability import Partition
    from messaging.roll import Fact


class Status(enum.IntEnum):
    """How bad it is."""

    HEALTHY = 0
    DEGRADED = 1
    """Everything is served, with less in reserve than there should be."""
    CRITICAL = 2
    """Something is not served."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is not as it should be."""

    status: Status
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Schemas:
    """What the Schema Registry said."""

    subjects: frozenset[str] = frozenset()
    silence: str = ""
    """Why there is no answer; empty if there is one."""
    keepers: tuple[str, ...] = ()
    """Names of the containers of registries that keep their subjects in this cluster."""

    @property
    def answers(self) -> bool:
        """Whether it said something."""
        return not self.silence


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The cluster at one moment."""

    problems: tuple[Problem, ...]
    nodes: tuple[Mapping[str, Any], ...]
    leader: int | None
    partitions: int
    offline: tuple[str, ...] = ()
    under_min: tuple[str, ...] = ()
    at_min: tuple[str, ...] = ()
    under_replicated: tuple[str, ...] = ()
    moving: tuple[str, ...] = ()
    """Partitions whose replicas are being moved."""
    missing_topics: tuple[str, ...] = ()
    """Those that the stack has made and that are not there."""
    missing_subjects: tuple[str, ...] = ()
    metadata_version: int | None = None
    supported_metadata_version: int | None = None

    @property
    def status(self) -> Status:
        """The worst of the problems."""
        return max((problem.status for problem in self.problems), default=Status.HEALTHY)

    def plain(self) -> dict[str, Any]:
        """For machines."""
        return {
            "status": self.status.name.lower(),
            "problems": [
                {"status": problem.status.name.lower(), "text": problem.text} for problem in self.problems
            ],
            "nodes": [dict(node) for node in self.nodes],
            "quorumLeader": self.leader,
            "partitions": {
                "total": self.partitions,
                "offline": list(self.offline),
                "underMinInSync": list(self.under_min),
                "atMinInSync": list(self.at_min),
                "underReplicated": list(self.under_replicated),
                "moving": list(self.moving),
            },
            "missing": {"topics": list(self.missing_topics), "subjects": list(self.missing_subjects)},
            "metadataVersion": {
                "finalized": self.metadata_version,
                "supported": self.supported_metadata_version,
            },
        }


def judge(
    facts: Mapping[str, Fact],
    brokers: Mapping[str, int],
    *,
    features: Sequence[Features] = (),
    moving: Sequence[str] = (),
    declared: Declared = NOTHING,
    schemas: Schemas | None = None,
) -> Report:
    """The report of a cluster.

    Args:
        facts: of each node, by name.
        brokers: ids of the nodes that are brokers, by name.
        features: of each broker that answers.
        moving: partitions whose replicas are being moved.
        declared: what the stack says that there is.
        schemas: what the Schema Registry says, if it was asked.
    """
    problems = list(_nodes(facts, brokers))
    quorums = [fact.quorum for fact in facts.values() if isinstance(fact.quorum, Quorum)]
    problems += _quorum(quorums)
    leader = next((quorum.leader_id for quorum in quorums if quorum.leader_id != NO_LEADER), None)
    views = {name: fact.view for name, fact in facts.items() if isinstance(fact.view, View)}
    # The leader of the controllers is the first to know; the others hear of it.
    best = next((view for name, view in views.items() if brokers.get(name) == leader), None)
    view = best or next(iter(views.values()), None)
    partitions: tuple[Partition, ...] = view.partitions if view else ()
    offline = [one for one in partitions if one.leader == NO_BROKER]
    under_min = [one for one in partitions if one.is_under_min]
    at_min = [one for one in partitions if one.can_lose_one and len(one.in_sync) == one.min_in_sync]
    few = [one for one in partitions if len(one.replicas) < one.min_in_sync]
    behind = [one for one in partitions if one.missing]
    if not view:
        problems.append(Problem(status=Status.CRITICAL, text="no broker answers"))
    else:
        problems += _absent(brokers, view)
        problems += _missing_topics(declared, view)
    problems += _missing_subjects(declared, schemas, view)
    problems += _listed(offline, Status.CRITICAL, "without a leader")
    problems += _listed(under_min, Status.CRITICAL, "below min ISR: acks=all is refused")
    problems += _listed(at_min, Status.DEGRADED, "at min ISR: no broker with them may stop")
    problems += _listed(few, Status.DEGRADED, "with fewer replicas than min ISR: each of them is needed")
    problems += _listed(behind, Status.DEGRADED, "with replicas out of sync")
    if moving:
        problems.append(Problem(status=Status.DEGRADED, text=f"{len(moving)} partitions are being moved"))
    finalized, supported = _upgrade(features)
    if finalized is not None and supported is not None and finalized < supported:
        text = (
            f"the upgrade is not finished: {METADATA_VERSION} is {finalized}, and all brokers know "
            f"{supported}. Finish it: `messaging upgrade-metadata`"
        )
        problems.append(Problem(status=Status.DEGRADED, text=text))
    return Report(
        problems=tuple(sorted(problems, key=lambda problem: -problem.status)),
        nodes=tuple(
            {
                "name": name,
                "broker": brokers.get(name),
                "container": fact.container.state if fact.container else None,
                "answers": fact.answers,
            }
            for name, fact in facts.items()
        ),
        leader=leader,
        partitions=len(partitions),
        offline=_names(offline),
        under_min=_names(under_min),
        at_min=_names(at_min),
        under_replicated=_names(behind),
        moving=tuple(moving),
        missing_topics=_lacking(declared.topics, _topics(view)) if view else (),
        missing_subjects=_lacking(declared.subjects, schemas.subjects) if schemas and schemas.answers else (),
        metadata_version=finalized,
        supported_metadata_version=supported,
    )


def _nodes(facts: Mapping[str, Fact], brokers: Mapping[str, int]) -> Iterable[Problem]:
    for name, fact in facts.items():
        if not fact.runs:
            state = fact.container.state if fact.container else "silent"
            yield Problem(
                status=Status.DEGRADED, text=f"{name} is {state}: `messaging repair` brings it back"
            )
        elif name in brokers and not fact.answers:
            yield Problem(status=Status.DEGRADED, text=f"{name} runs but does not answer: {fact.view}")


def _quorum(quorums: Sequence[Quorum]) -> Iterable[Problem]:
    if not quorums or all(quorum.leader_id == NO_LEADER for quorum in quorums):
        yield Problem(status=Status.CRITICAL, text="the controllers have no leader: nothing can be changed")
        return
    quorum = next(quorum for quorum in quorums if quorum.leader_id != NO_LEADER)
    latest = max(voter.caught_up_ms for voter in quorum.voters)
    for voter in quorum.voters:
        if latest - voter.caught_up_ms > CAUGHT_UP_WITHIN_MS:
            yield Problem(status=Status.DEGRADED, text=f"controller {voter.id} is behind the leader")


def _absent(brokers: Mapping[str, int], view: View) -> Iterable[Problem]:
    for name, broker in brokers.items():
        if broker not in view.broker_ids:
            yield Problem(status=Status.DEGRADED, text=f"{name} is not let in as a broker")


def _missing_topics(declared: Declared, view: View) -> Iterable[Problem]:
    there = _topics(view)
    lost = _lacking(declared.topics, there)
    if lost:
        yield Problem(
            status=Status.CRITICAL,
            text=f"{len(lost)} topics are missing that the stack has made: {some(lost)}. {_AFRESH}, empty",
        )
    unmade = _lacking(declared.wanted_topics, {*there, *declared.topics})
    if unmade:
        yield Problem(
            status=Status.DEGRADED,
            text=f"{len(unmade)} topics of the stack are not made: {some(unmade)}. `pulumi up` makes them",
        )


def _missing_subjects(declared: Declared, schemas: Schemas | None, view: View | None) -> Iterable[Problem]:
    if schemas is None:
        return
    if not schemas.answers:
        yield Problem(status=Status.CRITICAL, text=f"no schema can be had: {schemas.silence}")
        return
    if schemas.keepers and view and SCHEMAS_TOPIC not in _topics(view):
        yield Problem(
            status=Status.CRITICAL,
            text=f"the topic {SCHEMAS_TOPIC} is missing: the Schema Registry answers from memory and takes "
            f"nothing new. `docker restart {' '.join(schemas.keepers)}` first",
        )
    lost = _lacking(declared.subjects, schemas.subjects)
    if lost:
        yield Problem(
            status=Status.CRITICAL,
            text=f"{len(lost)} subjects are missing that the stack has registered: {some(lost)}. {_AFRESH}",
        )
    unmade = _lacking(declared.wanted_subjects, {*schemas.subjects, *declared.subjects})
    if unmade:
        yield Problem(
            status=Status.DEGRADED,
            text=f"{len(unmade)} subjects of the stack are not registered: {some(unmade)}. "
            "`pulumi up` registers them",
        )


_AFRESH = "`pulumi refresh`, then `pulumi up`, makes them again"


def _topics(view: View) -> set[str]:
    return {partition.topic for partition in view.partitions}


def _lacking(wanted: Iterable[str], there: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(set(wanted).difference(there)))


def _listed(partitions: Sequence[Partition], status: Status, what: str) -> Iterable[Problem]:
    if not partitions:
        return
    names = _names(partitions)
    yield Problem(status=status, text=f"{len(names)} partitions {what}: {some(names)}")


def _names(partitions: Iterable[Partition]) -> tuple[str, ...]:
    return tuple(partition.name for partition in partitions)


def _upgrade(features: Sequence[Features]) -> tuple[int | None, int | None]:
    """The level that is agreed, and the one that all brokers know."""
    known = [one.supported[METADATA_VERSION] for one in features if METADATA_VERSION in one.supported]
    agreed = [one.finalized[METADATA_VERSION] for one in features if METADATA_VERSION in one.finalized]
    return max(agreed, default=None), min(known, default=None)
