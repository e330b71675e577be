"""What a state says that Kafka and the Schema Registry hold, and what of it goes with a volume. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from messaging.cluster import View

_IN_KAFKA = "kafka:index/"
_TOPIC = "kafka:index/topic:Topic"
_DYNAMIC = "pulumi-python:dynamic/messaging:"
DATA_ENDING = "-data"
"""What a node's volume is called behind the node's own name."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """What had its only copy on volumes that are gone."""

    volumes: tuple[str, ...]
    topics: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    everything: bool = False
    """Whether the cluster forgets all that it knew, what nobody declared included."""

    def __bool__(self) -> bool:
        """Whether anything is lost."""
        return bool(self.everything or self.topics or self.subjects)


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
    registry = registries[0] if registries and subjects | wanted else {}
    return Declared(
        topics=topics,
        wanted_topics=frozenset(topics) | _mapping(identity.get("topics")).keys(),
        subjects=frozenset(subjects),
        wanted_subjects=frozenset(subjects | wanted),
        registry=str(registry.get("registryUrl") or ""),
        registry_user=str(registry.get("registryUser") or ""),
        brokers={int(one): str(name) for one, name in _mapping(identity.get("brokers")).items()},
        voters=frozenset(_host(voter) for voter in identity.get("voters") or ()),
        complete=complete,
        urns=tuple(urns),
    )


def lost(declared: Declared, volumes: Collection[str], view: View | None, *, keeps_schemas: bool) -> Loss:
    """What had its only copy on these volumes.

    Args:
        declared: what there must be.
        volumes: those that are gone.
        view: the cluster, if a broker answers. If none does, a topic counts as lost that may have had all of
            its copies on the brokers whose volumes are gone.
        keeps_schemas: whether the Schema Registry keeps the subjects in this cluster.
    """
    of_nodes = {f"{name}{DATA_ENDING}": name for name in {*declared.brokers.values(), *declared.voters}}
    nodes = {of_nodes[volume] for volume in volumes if volume in of_nodes}
    brokers = {broker for broker, name in declared.brokers.items() if name in nodes}
    # Without most of its memory the quorum knows of no topic, whatever is left of the records.
    everything = declared.complete and len(declared.voters & nodes) > (len(declared.voters) - 1) // 2
    if everything:
        topics = {*declared.topics, SCHEMAS_TOPIC}
    elif not brokers:
        topics = set()
    elif view is not None:
        topics = {one.topic for one in view.partitions if one.in_sync and brokers.issuperset(one.in_sync)}
    else:
        topics = {name for name, copies in declared.topics.items() if copies <= len(brokers)}
        topics |= {SCHEMAS_TOPIC} if topics else set()
    return Loss(
        volumes=tuple(sorted(of_nodes.keys() & set(volumes))),
        topics=tuple(sorted(topics - {SCHEMAS_TOPIC})),
        subjects=tuple(sorted(declared.subjects)) if keeps_schemas and SCHEMAS_TOPIC in topics else (),
        everything=everything,
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 1


def _host(voter: object) -> str:
    return str(voter).partition("@")[2].rpartition(":")[0]


NOTHING = read(())
"""What a state declares that says nothing."""
