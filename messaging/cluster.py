"""What a Kafka node says about its cluster: brokers, partitions with their minimum, sizes of logs, features.

Each function asks the one node that it is given and judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from messaging.availability import Partition
from messaging.protocol import ANSWER_SECONDS, NodeError, ask, error_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from messaging.protocol import Address

TOPIC, BROKER = 2, 4
"""Kafka's numbers of what has a configuration."""
WHOLE_CLUSTER = ""
"""Instead of a broker's id: what all brokers have in common."""
METADATA_VERSION = "metadata.version"
MIN_IN_SYNC = "min.insync.replicas"
COPIES = "default.replication.factor"

_UNKNOWN_TOPIC = 3
_CONFIG_SOURCE_DYNAMIC = {TOPIC: (1,), BROKER: (2, 3)}
_SET, _DELETE = 0, 1
_PREFERRED, _UNCLEAN = 0, 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Broker:
    """A broker that is registered and may serve."""

    id: int
    rack: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """The cluster as one node sees it."""

    cluster_id: str
    brokers: tuple[Broker, ...]
    partitions: tuple[Partition, ...]

    @property
    def broker_ids(self) -> set[int]:
        """Ids of the brokers."""
        return {broker.id for broker in self.brokers}


@dataclass(frozen=True, kw_only=True, slots=True)
class Features:
    """What a node's version of Kafka can do, and what the cluster has agreed to use of it."""

    supported: Mapping[str, int]
    """The highest level that the node knows, by the feature's name."""
    finalized: Mapping[str, int]


def look(address: Address, *, cluster_id: str = "") -> View:
    """Brokers and partitions as the node sees them now.

    Args:
        address: who is asked.
        cluster_id: the cluster that it must belong to; empty for any.

    Raises:
        NodeError: it does not answer, refuses, or belongs to another cluster.
    """
    answer = _metadata(address, None, ANSWER_SECONDS)
    _raise_if_strange(address, answer.cluster_id or "", cluster_id)
    topics = {topic.name: topic.partitions for topic in answer.topics if not topic.error_code}
    least = _least_in_sync(address, topics)
    return View(
        cluster_id=answer.cluster_id or "",
        brokers=tuple(
            Broker(id=broker.node_id, rack=broker.rack)
            for broker in sorted(answer.brokers, key=lambda broker: broker.node_id)
        ),
        partitions=tuple(
            sorted(
                Partition(
                    topic=name,
                    number=partition.partition_index,
                    leader=partition.leader_id,
                    replicas=tuple(partition.replica_nodes),
                    in_sync=tuple(partition.isr_nodes),
                    min_in_sync=least[name],
                )
                for name, partitions in topics.items()
                if name in least
                for partition in partitions
            )
        ),
    )


def confirm(address: Address, cluster_id: str, *, timeout: float = ANSWER_SECONDS) -> None:
    """Returns if a node of the cluster answers there.

    Args:
        address: who is asked.
        cluster_id: the cluster's; empty for any.
        timeout: seconds for connecting, and again for each part of the answer.

    Raises:
        NodeError: nobody answers, or a node of another cluster.
    """
    _raise_if_strange(address, _metadata(address, [], timeout).cluster_id or "", cluster_id)


def _metadata(address: Address, topics: list[str] | None, timeout: float) -> Any:
    """The node's answer about its cluster and these topics; about all of them for None."""
    from kafka.protocol.metadata import MetadataRequest, MetadataResponse

    request = MetadataRequest(topics=topics, allow_auto_topic_creation=False, version=7)
    return ask(address, request, MetadataResponse, timeout=timeout)


def _raise_if_strange(address: Address, found: str, expected: str) -> None:
    if expected and found != expected:
        raise NodeError(
            f"{address} belongs to another Kafka cluster: its id is {found or 'unknown'}, "
            f"this one's {expected}"
        )


def _least_in_sync(address: Address, topics: Collection[str]) -> dict[str, int]:
    """By topic; one that was deleted meanwhile is left out."""
    described = configuration(address, TOPIC, topics, keys=[MIN_IN_SYNC])
    return {topic: int(values[MIN_IN_SYNC]) for topic, values in described.items()}


def configuration(
    address: Address,
    kind: int,
    names: Iterable[str],
    *,
    keys: list[str] | None = None,
    dynamic: bool = False,
    timeout: float = ANSWER_SECONDS,
) -> dict[str, dict[str, str]]:
    """Settings of topics or brokers by name; what does not exist is left out.

    Args:
        address: who is asked; for a single broker's own settings, that broker.
        kind: :data:`TOPIC` or :data:`BROKER`.
        names: topics, ids of brokers, or :data:`WHOLE_CLUSTER`.
        keys: which settings; None for all.
        dynamic: only what was set while Kafka ran.
        timeout: seconds for connecting, and again for each part of the answer.

    Raises:
        NodeError: it does not answer, or refuses.
    """
    from kafka.protocol.admin.configs import DescribeConfigsRequest, DescribeConfigsResponse

    resource = DescribeConfigsRequest.DescribeConfigsResource
    wanted = [
        resource(resource_type=kind, resource_name=name, configuration_keys=keys) for name in sorted(names)
    ]
    if not wanted:
        return {}
    request = DescribeConfigsRequest(
        resources=wanted, include_synonyms=False, include_documentation=False, version=4
    )
    found = {}
    for result in ask(address, request, DescribeConfigsResponse, timeout=timeout).results:
        if result.error_code == _UNKNOWN_TOPIC:
            continue
        _raise(address, "did not say its configuration", result)
        found[result.resource_name] = {
            entry.name: entry.value
            for entry in result.configs
            if entry.value is not None
            and (not dynamic or entry.config_source in _CONFIG_SOURCE_DYNAMIC[kind])
        }
    return found


def configure(address: Address, kind: int, changes: Mapping[str, Mapping[str, str | None]]) -> None:
    """Changes settings while Kafka runs, each by itself; what is not named stays.

    Args:
        address: who is asked; for a single broker's own settings, that broker.
        kind: :data:`TOPIC` or :data:`BROKER`.
        changes: by name of topic or broker, values by key; None takes a key back to what it was before.

    Raises:
        NodeError: it does not answer, or refuses.
    """
    from kafka.protocol.admin.configs import IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse

    resource = IncrementalAlterConfigsRequest.AlterConfigsResource
    wanted = [
        resource(
            resource_type=kind,
            resource_name=name,
            configs=[
                resource.AlterableConfig(
                    name=key, config_operation=_DELETE if value is None else _SET, value=value
                )
                for key, value in sorted(values.items())
            ],
        )
        for name, values in sorted(changes.items())
        if values
    ]
    if not wanted:
        return
    request = IncrementalAlterConfigsRequest(resources=wanted, validate_only=False, version=1)
    for result in ask(address, request, IncrementalAlterConfigsResponse, timeout=20).responses:
        _raise(address, f"refuses settings of {result.resource_name or 'all brokers'}", result)


def log_sizes(address: Address) -> dict[tuple[str, int], int]:
    """Bytes of each partition's log on the node that is asked.

    Raises:
        NodeError: it does not answer, or refuses.
    """
    from kafka.protocol.admin.cluster import DescribeLogDirsRequest, DescribeLogDirsResponse

    answer = ask(address, DescribeLogDirsRequest(topics=None, version=2), DescribeLogDirsResponse)
    return {
        (topic.name, partition.partition_index): partition.partition_size
        for folder in answer.results
        if not folder.error_code
        for topic in folder.topics
        for partition in topic.partitions
        if not partition.is_future_key
    }


def features(address: Address) -> Features:
    """What the node can do and what is agreed.

    Raises:
        NodeError: it does not answer, or refuses.
    """
    from kafka.protocol.metadata import ApiVersionsRequest, ApiVersionsResponse

    request = ApiVersionsRequest(client_software_name="messaging", client_software_version="1", version=4)
    answer = ask(address, request, ApiVersionsResponse)
    _raise(address, "did not say its features", answer)
    return Features(
        supported={feature.name: feature.max_version for feature in answer.supported_features},
        finalized={feature.name: feature.max_version_level for feature in answer.finalized_features},
    )


def finalize(address: Address, feature: str, level: int, *, dry_run: bool) -> None:
    """Lets the cluster use a feature up to a level; it does not go back by this.

    Args:
        address: who passes it on to the active controller.
        feature: its name.
        level: the new level.
        dry_run: only ask the controller whether it would.

    Raises:
        NodeError: it does not answer, or the controller refuses.
    """
    from kafka.protocol.admin.cluster import UpdateFeaturesRequest, UpdateFeaturesResponse

    update = UpdateFeaturesRequest.FeatureUpdateKey(feature=feature, max_version_level=level, upgrade_type=1)
    request = UpdateFeaturesRequest(
        timeout_ms=20_000, feature_updates=[update], validate_only=dry_run, version=1
    )
    answer = ask(address, request, UpdateFeaturesResponse, timeout=25)
    for result in (answer, *answer.results):
        _raise(address, f"refuses {feature} {level}", result)


def _raise(address: Address, what: str, result: Any) -> None:
    if result.error_code:
        reason = getattr(result, "error_message", None) or error_name(result.error_code)
        raise NodeError(f"{address} {what}: {reason}")


def moving(address: Address) -> dict[tuple[str, int], tuple[int, ...]]:
    """The partitions whose replicas are being moved, with the brokers that they will be on.

    Raises:
        NodeError: it does not answer, or refuses.
    """
    from kafka.protocol.admin.topics import (
        ListPartitionReassignmentsRequest,
        ListPartitionReassignmentsResponse,
    )

    request = ListPartitionReassignmentsRequest(timeout_ms=5000, topics=None, version=0)
    answer = ask(address, request, ListPartitionReassignmentsResponse, timeout=10)
    _raise(address, "did not say what is being moved", answer)
    return {
        (topic.name, partition.partition_index): tuple(
            broker for broker in partition.replicas if broker not in partition.removing_replicas
        )
        for topic in answer.topics
        for partition in topic.partitions
    }


def move(address: Address, wanted: Mapping[tuple[str, int], tuple[int, ...]]) -> None:
    """Begins to move partitions to other brokers; the controllers go on with it by themselves.

    Args:
        address: who passes it on to the active controller.
        wanted: by topic and number, the brokers, the preferred leader first.

    Raises:
        NodeError: it does not answer, or one of the moves is refused.
    """
    from kafka.protocol.admin.topics import (
        AlterPartitionReassignmentsRequest,
        AlterPartitionReassignmentsResponse,
    )

    topic_class = AlterPartitionReassignmentsRequest.ReassignableTopic
    topics = [
        topic_class(
            name=name,
            partitions=[
                topic_class.ReassignablePartition(partition_index=number, replicas=list(brokers))
                for (topic, number), brokers in sorted(wanted.items())
                if topic == name
            ],
        )
        for name in sorted({topic for topic, _ in wanted})
    ]
    request = AlterPartitionReassignmentsRequest(timeout_ms=20_000, topics=topics, version=0)
    answer = ask(address, request, AlterPartitionReassignmentsResponse, timeout=25)
    _raise(address, "refuses to move partitions", answer)
    for topic in answer.responses:
        for partition in topic.partitions:
            _raise(address, f"refuses to move {topic.name}-{partition.partition_index}", partition)


def elect_preferred(address: Address, partitions: Iterable[tuple[str, int]]) -> None:
    """Lets each partition be led by the first of its replicas again; one that cannot be stays as it is.

    Args:
        address: who passes it on to the active controller.
        partitions: by topic and number.

    Raises:
        NodeError: it does not answer, or the controller refuses them all.
    """
    _elect(address, partitions, _PREFERRED, "refuses to move leaders back")


def elect_any(address: Address, partitions: Iterable[tuple[str, int]]) -> None:
    """Lets a replica lead that may lack messages, where no better one is there; they are lost by that.

    One that has a leader, or no replica on a broker that is there, stays as it is.

    Args:
        address: who passes it on to the active controller.
        partitions: by topic and number.

    Raises:
        NodeError: it does not answer, or the controller refuses them all.
    """
    _elect(address, partitions, _UNCLEAN, "refuses to elect leaders")


def _elect(address: Address, partitions: Iterable[tuple[str, int]], kind: int, refusal: str) -> None:
    from kafka.protocol.admin.topics import ElectLeadersRequest, ElectLeadersResponse

    wanted = sorted(partitions)
    topics = [
        ElectLeadersRequest.TopicPartitions(
            topic=name, partitions=[number for topic, number in wanted if topic == name]
        )
        for name in sorted({topic for topic, _ in wanted})
    ]
    request = ElectLeadersRequest(election_type=kind, topic_partitions=topics, timeout_ms=5000, version=2)
    answer = ask(address, request, ElectLeadersResponse, timeout=10)
    _raise(address, refusal, answer)
