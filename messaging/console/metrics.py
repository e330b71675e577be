"""Renders offsets and lag in Prometheus' text format, under the usual Kafka exporter's names. Pure.

Every sample carries the label ``cluster`` besides the usual ones, for one console may watch several.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from messaging.console.groups import GroupLag
from messaging.console.model import Metadata, Place, Watermarks

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = dict[str, str]
Samples = list[tuple[Labels, int]]

_HELP = {
    "console_cluster_up": "1 if the cluster answered this scrape.",
    "kafka_brokers": "Brokers that are registered.",
    "kafka_broker_info": "Always 1; the labels say which broker advertises which address.",
    "kafka_topic_partitions": "Partitions of the topic.",
    "kafka_topic_partition_current_offset": "High watermark of the partition.",
    "kafka_topic_partition_oldest_offset": "Low watermark of the partition.",
    "kafka_topic_partition_in_sync_replica": "Replicas of the partition that are in sync.",
    "kafka_topic_partition_replicas": "Replicas of the partition.",
    "kafka_topic_partition_leader": "Id of the leading broker, -1 if there is none.",
    "kafka_topic_partition_leader_is_preferred": "1 if the preferred broker leads.",
    "kafka_topic_partition_under_replicated_partition": "1 if a replica is out of sync.",
    "kafka_consumergroup_members": "Members of the group.",
    "kafka_consumergroup_current_offset": "Offset that the group has committed.",
    "kafka_consumergroup_current_offset_sum": "Sum of the group's committed offsets in the topic.",
    "kafka_consumergroup_lag": "Records that the group has still to read in the partition.",
    "kafka_consumergroup_lag_sum": "Records that the group has still to read in the topic.",
}


@dataclass(frozen=True, kw_only=True)
class Scrape:
    """What was read of one cluster; None and empty for what did not answer."""

    cluster: str
    metadata: Metadata | None = None
    watermarks: Mapping[Place, Watermarks] | None = None
    groups: tuple[GroupLag, ...] = ()


def render(scrapes: Iterable[Scrape]) -> str:
    """All samples, grouped by name as the format demands."""
    families: dict[str, Samples] = {name: [] for name in _HELP}
    for scrape in scrapes:
        families["console_cluster_up"].append(({"cluster": scrape.cluster}, int(scrape.metadata is not None)))
        if scrape.metadata is not None:
            _add_metadata(families, scrape.cluster, scrape.metadata)
        _add_watermarks(families, scrape.cluster, scrape.watermarks or {})
        for group in scrape.groups:
            _add_group(families, scrape.cluster, group)
    lines = []
    for name, samples in families.items():
        if samples:
            lines += [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} gauge"]
            lines += [_sample(name, labels, value) for labels, value in samples]
    return "\n".join(lines) + "\n"


def _add_metadata(families: dict[str, Samples], cluster: str, metadata: Metadata) -> None:
    families["kafka_brokers"].append(({"cluster": cluster}, len(metadata.brokers)))
    for broker in metadata.brokers:
        address = f"{broker.host}:{broker.port}"
        labels = {"cluster": cluster, "id": str(broker.id), "address": address}
        families["kafka_broker_info"].append((labels, 1))
    for topic in metadata.topics.values():
        families["kafka_topic_partitions"].append(
            ({"cluster": cluster, "topic": topic.name}, len(topic.partitions))
        )
        for one in topic.partitions:
            labels = _place(cluster, (topic.name, one.id))
            preferred = bool(one.replicas) and one.leader == one.replicas[0]
            values = {
                "in_sync_replica": len(one.isr),
                "replicas": len(one.replicas),
                "leader": -1 if one.leader is None else one.leader,
                "leader_is_preferred": int(preferred),
                "under_replicated_partition": int(one.under_replicated),
            }
            for name, value in values.items():
                families[f"kafka_topic_partition_{name}"].append((labels, value))


def _add_watermarks(
    families: dict[str, Samples], cluster: str, watermarks: Mapping[Place, Watermarks]
) -> None:
    for place, marks in sorted(watermarks.items()):
        families["kafka_topic_partition_current_offset"].append((_place(cluster, place), marks.high))
        families["kafka_topic_partition_oldest_offset"].append((_place(cluster, place), marks.low))


def _add_group(families: dict[str, Samples], cluster: str, group: GroupLag) -> None:
    consumer = {"cluster": cluster, "consumergroup": group.group.id}
    families["kafka_consumergroup_members"].append((consumer, len(group.group.members)))
    for topic in group.topics:
        ours = [one for one in group.partitions if one.topic == topic]
        committed = [one.committed for one in ours if one.committed is not None]
        lags = [one.lag for one in ours if one.lag is not None]
        for one in ours:
            labels = {**consumer, "topic": topic, "partition": str(one.partition)}
            if one.committed is not None:
                families["kafka_consumergroup_current_offset"].append((labels, one.committed))
            if one.lag is not None:
                families["kafka_consumergroup_lag"].append((labels, one.lag))
        labels = {**consumer, "topic": topic}
        if committed:
            families["kafka_consumergroup_current_offset_sum"].append((labels, sum(committed)))
        if lags:
            families["kafka_consumergroup_lag_sum"].append((labels, sum(lags)))


def _place(cluster: str, place: Place) -> Labels:
    return {"cluster": cluster, "topic": place[0], "partition": str(place[1])}


def _sample(name: str, labels: Labels, value: int) -> str:
    text = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
    return f"{name}{{{text}}} {value}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
