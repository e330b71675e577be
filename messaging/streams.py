"""Streams, and what they become: names, partitions and every setting of their topics. Pure.

What may be said about a stream is in :mod:`messaging.catalogue_keys`, how the file is read in
:mod:`messaging.catalogue`. What makes the topics and subjects is left to the components.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messaging import dead_letters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messaging.avro import AvroSchema

LOW_VOLUME_SEGMENT_MS = 24 * 3_600_000
"""Retention removes closed segments only, and a quiet topic would leave one open for a week."""

BYTES_A_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A type that a schema takes from another subject."""

    name: str
    """The type's full name."""
    subject: str
    schema: AvroSchema


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A name in the Schema Registry and the schema that belongs there."""

    name: str
    """``<topic>-value`` or ``<topic>-key`` (TopicNameStrategy); of a shared type, the type's name."""
    schema: AvroSchema
    compatibility: str
    """One of :data:`messaging.avro_compatibility.LEVELS`."""
    file: str
    """The schema's file, beside the catalogue."""
    references: tuple[Reference, ...] = ()
    """What must be registered before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How large a stream is in one environment."""

    partitions: int
    retention_ms: int
    dead_letter_retention_ms: int
    replicas: int | None
    """None for what the environment decides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """What one client may move each second, by its ``client.id``. None where it is not limited."""

    client: str
    produce_mib: int | None
    consume_mib: int | None

    def config(self) -> dict[str, str]:
        """The quota by Kafka's names."""
        limits = {"consumer_byte_rate": self.consume_mib, "producer_byte_rate": self.produce_mib}
        return {name: str(limit * BYTES_A_MIB) for name, limit in limits.items() if limit is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """One entry of the catalogue."""

    name: str
    owner: str
    """The team to ask."""
    purpose: str
    low_volume: bool
    """Whether segments must be closed by time, lest they stay open beyond the retention."""
    cleanup: str
    sizes: Mapping[str, Size]
    """By environment."""
    subjects: tuple[Subject, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further settings of its own topic, by Kafka's names."""
    quotas: tuple[Quota, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """Everything that the catalogue says."""

    streams: tuple[Stream, ...]
    """In the file's order."""
    types: tuple[Subject, ...] = ()
    """Shared types, each after those that it references."""
    deleted: tuple[str, ...] = ()
    """Streams that may be removed with their messages."""

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """All subjects, each after those that it references."""
        return (*self.types, *(subject for stream in self.streams for subject in stream.subjects))


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One topic, with everything that decides it."""

    name: str
    partitions: int
    replication_factor: int
    config: Mapping[str, str]
    """Topic settings by Kafka's names, sorted."""


def topics(
    stream: Stream, environment: str, *, min_insync_replicas: int, replication_factor: int
) -> tuple[Topic, ...]:
    """A stream's own topic and its four dead letter queues, in this order.

    Args:
        stream: an entry of the catalogue.
        environment: one of those that it has sizes for.
        min_insync_replicas: how many replicas must have a record before it counts as written.
        replication_factor: of each topic, unless the stream says otherwise.
    """
    size = stream.sizes[environment]
    shared = {
        "cleanup.policy": "delete",
        "compression.type": "snappy",
        "min.insync.replicas": str(min_insync_replicas),
    }
    own = shared | {"cleanup.policy": stream.cleanup}
    if "delete" in stream.cleanup:
        own["retention.ms"] = str(size.retention_ms)
    if stream.low_volume:
        own["segment.ms"] = str(LOW_VOLUME_SEGMENT_MS)
    dead = shared | {
        "retention.ms": str(size.dead_letter_retention_ms),
        "segment.ms": str(LOW_VOLUME_SEGMENT_MS),
        # A dead letter is kept from its arrival on: its original's timestamp may be past the
        # retention already.
        "message.timestamp.type": "LogAppendTime",
    }
    queues = dead_letters.queue_names(stream.name)
    return tuple(
        Topic(
            name=name,
            partitions=size.partitions,
            replication_factor=size.replicas or replication_factor,
            config=dict(sorted(config.items())),
        )
        for name, config in [(stream.name, own | dict(stream.settings)), *((queue, dead) for queue in queues)]
    )
