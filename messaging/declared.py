"""What a state says that Kafka and the Schema Registry hold, and what of it goes with a volume. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from messaging.availability import NO_BROKER
from messaging.naming import data_volume

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from messaging.availability import Partition
    from messaging.cluster import View

_IN_KAFKA = "kafka:index/"
_TOPIC = "kafka:index/topic:Topic"
_DYNAMIC = "pulumi-python:dynamic/messaging:"
SCHEMAS_TOPIC = "_schemas"
"""Where the platform's own Schema Registry keeps everything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """What there must be; all of it is empty for a state that says nothing."""

    topics: Mapping[str, int]
    """Those that were made, with the number of their copies."""
    wanted_topics: frozenset[str]
    """Those that the last update was to make or keep: a refresh does not forget them."""
    subjects: frozenset[str]
    wanted_subjects: frozenset[str]
    registry: str
    """The address of the Schema Registry; empty if no schema is registered."""
    registry_user: str
    """Who it lets in; empty for everyone."""
    brokers: Mapping[int, str]
    """Names of the brokers' containers by Kafka's ids."""
    voters: frozenset[str]
    """Names of the controllers' containers."""
    complete: bool
    """Whether the cluster was complete once, so that it may hold more than is declared."""
    urns: tuple[str, ...]
    """Of everything that Kafka or the registry holds."""
    docker_host: str = ""
    """The address of its Docker engine; empty for what the environment says."""
    engine: str = ""
    """The id of that engine; empty if nobody looked."""
    of_nodes: frozenset[tuple[str, str]] = frozenset()
    """Kind and name of the containers and volumes of Kafka's nodes, made or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """What had its only copy on volumes that are gone."""

    volumes: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    everything: bool = False
    """Whether the cluster forgets all that it knew, what nobody declared included."""
    unsure: bool = False
    """Whether it may be more: no broker says who had what."""
    partitions: frozenset[tuple[str, int]] = frozenset()
    """Those that are known to be lost; internal ones, too."""
    brokers: frozenset[int] = frozenset()
    """Whose volumes are gone."""

    def __bool__(self) -> bool:
        """Whether anything is lost, or may be."""
        return bool(self.everything or self.unsure or self.partitions or self.topics or self.subjects)


@dataclass(frozen=True, kw_only=True, slots=True)
class Remains:
    """What is not served or not there though no volume is missing: an earlier loss, not yet mended."""

    unled: frozenset[tuple[str, int]] = frozenset()
    """Partitions that nobody may lead, though all brokers with a replica are there."""
    topics: tuple[str, ...] = ()
    """Not there any more, or not yet."""
    subjects: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.unled or self.topics or self.subjects)

    @property
    def unled_topics(self) -> tuple[str, ...]:
        """What the partitions that nobody leads belong to."""
        return tuple(sorted({topic for topic, _ in self.unled}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a broker and the Schema Registry say."""

    view: View
    eligible: Mapping[tuple[str, int], tuple[int, ...]] = field(default_factory=dict)
    """Brokers that have everything of a partition though none of them is in sync, as far as Kafka knows."""
    subjects: frozenset[str] | None = None
    """Those that are registered; None if nobody says."""


def read(resources: Iterable[Mapping[str, Any]]) -> Declared:
    """What a state declares.

    Args:
        resources: as the state holds them.
    """
    topics: dict[str, int] = {}
    subjects: set[str] = set()
    urns = []
    registries: list[Mapping[str, Any]] = []
    identity: Mapping[str, Any] = {}
    claim: Mapping[str, Any] = {}
    wanted: set[str] = set()
    complete = False
    for found in resources:
        kind, inputs = str(found.get("type")), _mapping(found.get("inputs"))
        if found.get("delete"):
            continue
        complete |= kind == f"{_DYNAMIC}ClusterReady"
        if kind.startswith(_IN_KAFKA) or kind == f"{_DYNAMIC}Subject":
            urns.append(str(found.get("urn")))
        if kind == _TOPIC:
            topics[str(inputs.get("name"))] = _number(inputs.get("replicationFactor"))
        elif kind == f"{_DYNAMIC}Subject":
            subjects.add(str(inputs.get("subject")))
            registries.append(inputs)
        elif kind == f"{_DYNAMIC}CatalogueCheck":
            wanted |= _mapping(inputs.get("subjects")).keys()
            registries.append(inputs)
        elif kind == f"{_DYNAMIC}ClusterIdentity":
            identity = inputs
        elif kind == f"{_DYNAMIC}Preflight":
            claim = inputs
    registry = registries[0] if registries and subjects | wanted else {}
    brokers = {int(one): str(name) for one, name in _mapping(identity.get("brokers")).items()}
    voters = frozenset(_host(voter) for voter in identity.get("voters") or ())
    nodes = {*brokers.values(), *voters}
    volumes = {data_volume(node) for node in nodes}
    return Declared(
        topics=topics,
        wanted_topics=frozenset(topics) | _mapping(identity.get("topics")).keys(),
        subjects=frozenset(subjects),
        wanted_subjects=frozenset(subjects | wanted),
        registry=str(registry.get("registryUrl") or ""),
        registry_user=str(registry.get("registryUser") or ""),
        brokers=brokers,
        voters=voters,
        complete=complete,
        urns=tuple(urns),
        docker_host=str(claim.get("dockerHost") or ""),
        engine=str(claim.get("engine") or ""),
        of_nodes=frozenset(
            [("container", one) for one in claim.get("containers") or () if one in nodes]
            + [("volume", one) for one in claim.get("volumes") or () if one in volumes]
        ),
    )


def lost(declared: Declared, volumes: Collection[str], seen: Seen | None, *, keeps_schemas: bool) -> Loss:
    """What had its only copy on these volumes.

    Args:
        declared: what there must be.
        volumes: those that are gone.
        seen: the cluster, if a broker answers. If none does, a topic counts as lost that may have had all of
            its copies on the brokers whose volumes are gone, and there may be more.
        keeps_schemas: whether the Schema Registry keeps the subjects in this cluster.
    """
    of_nodes = {data_volume(name): name for name in {*declared.brokers.values(), *declared.voters}}
    nodes = {of_nodes[volume] for volume in volumes if volume in of_nodes}
    brokers = frozenset(broker for broker, name in declared.brokers.items() if name in nodes)
    # Without most of its memory the quorum knows of no topic, whatever is left of the records.
    everything = declared.complete and len(declared.voters & nodes) > (len(declared.voters) - 1) // 2
    partitions: frozenset[tuple[str, int]] = frozenset()
    if everything:
        topics = {*declared.topics, SCHEMAS_TOPIC}
    elif seen is not None:
        partitions = frozenset(
            (one.topic, one.number)
            for one in seen.view.partitions
            if _is_lost(one, brokers, seen.eligible.get((one.topic, one.number), ()))
        )
        topics = {topic for topic, _ in partitions}
    else:
        topics = {name for name, copies in declared.topics.items() if copies <= len(brokers)}
        topics |= {SCHEMAS_TOPIC} if topics else set()
    return Loss(
        volumes=tuple(sorted(of_nodes.keys() & set(volumes))),
        topics=tuple(sorted(topics - {SCHEMAS_TOPIC})),
        subjects=tuple(sorted(declared.subjects)) if keeps_schemas and SCHEMAS_TOPIC in topics else (),
        everything=everything,
        unsure=declared.complete and bool(brokers) and seen is None and not everything,
        partitions=partitions,
        brokers=brokers,
    )


def _is_lost(partition: Partition, brokers: Collection[int], eligible: Collection[int]) -> bool:
    """Whether no other broker has everything that was acknowledged."""
    if holders := {*(partition.in_sync or eligible)}:
        return holders.issubset(brokers)
    # Kafka counts nobody as in sync once the last one is gone. So it may be this one that had everything.
    return not set(brokers).isdisjoint(partition.replicas)


def unled_in(view: View) -> frozenset[tuple[str, int]]:
    """Partitions that nobody may lead, though all brokers with a replica are there."""
    return frozenset(
        (one.topic, one.number)
        for one in view.partitions
        if one.leader == NO_BROKER and not one.in_sync and view.broker_ids.issuperset(one.replicas)
    )


def remains(declared: Declared, seen: Seen, *, keeps_schemas: bool) -> Remains:
    """What is not served or not there, though nothing is missing that could bring it back.

    Args:
        declared: what there must be.
        seen: the cluster as it is.
        keeps_schemas: whether the Schema Registry keeps the subjects in this cluster.
    """
    there = {one.topic for one in seen.view.partitions}
    unled = unled_in(seen.view)
    subjects = declared.wanted_subjects - (
        declared.wanted_subjects if seen.subjects is None else seen.subjects
    )
    # Without its topic the registry answers from memory.
    if keeps_schemas and (SCHEMAS_TOPIC not in there or any(topic == SCHEMAS_TOPIC for topic, _ in unled)):
        subjects = declared.wanted_subjects
    return Remains(
        unled=unled,
        topics=tuple(sorted(declared.wanted_topics - there)),
        subjects=tuple(sorted(subjects)),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 1


def _host(voter: object) -> str:
    return str(voter).partition("@")[2].rpartition(":")[0]


NOTHING = read(())
"""What a state declares that says nothing."""
