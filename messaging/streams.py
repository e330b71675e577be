"""The stream catalogue: reads ``schemas/streams.yaml`` and its Avro files, expands streams to topics. Pure.

It decides names, partitions and every topic setting. What makes the topics and subjects is left to the
components.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging import avro, dead_letters
from messaging.documents import DocumentError, read_yaml
from messaging.fields import Fault, Fields, shown
from messaging.naming import TOPIC_RULE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CATALOGUE = "streams.yaml"
ENVIRONMENTS = ("dev", "prod")
"""The environments that every stream states its size for."""
COMPATIBILITY_LEVELS = (
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
    "NONE",
)
STRING_KEY = "string"
"""The key is UTF-8 text and has no schema."""

LOW_VOLUME_SEGMENT_MS = 24 * 3_600_000
"""Retention removes closed segments only, and a quiet topic would leave one open for a week."""

_MOST_PARTITIONS = 1000
_SCHEMA_FILE = re.compile(r"[a-z0-9][a-z0-9.-]*\.avsc")


class CatalogueError(Exception):
    """The catalogue or its schemas cannot be used; the message lists every fault."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A name in the Schema Registry and the schema that belongs there."""

    name: str
    """``<topic>-value`` or ``<topic>-key`` (TopicNameStrategy)."""
    schema: avro.AvroSchema
    compatibility: str
    """One of :data:`COMPATIBILITY_LEVELS`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How large a stream is in one environment."""

    partitions: int
    retention_ms: int
    dead_letter_retention_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """One entry of the catalogue."""

    name: str
    owner: str
    """The team to ask."""
    purpose: str
    low_volume: bool
    """Whether segments must be closed by time, lest they stay open beyond the retention."""
    sizes: Mapping[str, Size]
    """By environment."""
    subjects: tuple[Subject, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One topic, with everything that decides it but its replication factor."""

    name: str
    partitions: int
    config: Mapping[str, str]
    """Topic settings by Kafka's names, sorted."""


def load(folder: Path) -> tuple[Stream, ...]:
    """The streams of a catalogue in its order.

    Args:
        folder: holds ``streams.yaml`` and the Avro files.

    Raises:
        CatalogueError: anything in the catalogue or its schemas is wrong.
    """
    path = folder / CATALOGUE
    try:
        document = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, DocumentError) as error:
        raise CatalogueError(f"{folder.name}/{CATALOGUE} cannot be read: {error}") from None
    faults: list[Fault] = []
    top = Fields(document, faults)
    entries = top.section("streams")
    names = entries.names()
    if not names:
        entries.fault(None, "must name at least one stream")
    streams = tuple(_stream(name, entries, folder) for name in names)
    top.done()
    _refuse_collisions(names, entries)
    if faults:
        listed = "\n".join(f"  - {'.'.join(fault.path) or 'the file'} {fault.problem}." for fault in faults)
        raise CatalogueError(f"{folder.name}/{CATALOGUE} has {_counted(faults)}:\n{listed}")
    return streams


def topics(stream: Stream, environment: str, *, min_insync_replicas: int) -> tuple[Topic, ...]:
    """A stream's own topic and its four dead letter queues, in this order.

    Args:
        stream: an entry of the catalogue.
        environment: one of :data:`ENVIRONMENTS`.
        min_insync_replicas: how many replicas must have a record before it counts as written.
    """
    size = stream.sizes[environment]
    shared = {
        "cleanup.policy": "delete",
        "compression.type": "snappy",
        "min.insync.replicas": str(min_insync_replicas),
    }
    own = shared | {"retention.ms": str(size.retention_ms)}
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
        Topic(name=name, partitions=size.partitions, config=dict(sorted(config.items())))
        for name, config in [(stream.name, own), *((queue, dead) for queue in queues)]
    )


def _stream(name: str, entries: Fields, folder: Path) -> Stream:
    if not TOPIC_RULE.fullmatch(name):
        entries.fault(
            name, "is no name for a stream. It must be lower-case words joined by - or ., such as sensor-data"
        )
    entry = entries.section(name)
    owner = entry.text("owner", says="the team to ask, such as telemetry")
    purpose = entry.text("purpose", says="one sentence")
    low_volume = entry.choice("volume", ("low", "high")) == "low"
    compatibility = entry.choice("compatibility", COMPATIBILITY_LEVELS)
    subjects = [
        Subject(name=f"{name}-{part}", schema=schema, compatibility=compatibility)
        for part, file in (("key", entry.text("key", says=_KEY_SAYS)), ("value", entry.text("value", "")))
        if (schema := _schema(entry, part, file, folder)) is not None
    ]
    sizes = _sizes(entry)
    entry.done()
    return Stream(
        name=name, owner=owner, purpose=purpose, low_volume=low_volume, sizes=sizes, subjects=tuple(subjects)
    )


_KEY_SAYS = f"{STRING_KEY} or an .avsc file in the same folder, such as {STRING_KEY}"


def _schema(entry: Fields, part: str, file: str, folder: Path) -> avro.AvroSchema | None:
    """The schema that an entry names; None for a key without one, or if it cannot be used."""
    if file == "" or (part == "key" and file == STRING_KEY):
        return None
    if not _SCHEMA_FILE.fullmatch(file):
        entry.fault(part, f"is {shown(file)}. It must be the name of an .avsc file in {folder.name}/")
        return None
    try:
        return avro.parse((folder / file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        entry.fault(part, f"is {file}, but there is no {folder.name}/{file}")
    except (OSError, UnicodeDecodeError, avro.SchemaError) as error:
        entry.fault(part, f"is {folder.name}/{file}, which cannot be used: {error}")
    return None


def _sizes(entry: Fields) -> dict[str, Size]:
    environments, letters = entry.section("environments"), entry.section("deadLetters")
    kept = letters.section("retention")
    sizes: dict[str, Size] = {}
    for environment in ENVIRONMENTS:
        values = environments.section(environment)
        size = Size(
            partitions=values.whole("partitions", least=1, most=_MOST_PARTITIONS),
            retention_ms=values.duration_ms("retention"),
            dead_letter_retention_ms=kept.duration_ms(environment),
        )
        values.done()
        if size.dead_letter_retention_ms < size.retention_ms:
            kept.fault(
                environment, "is shorter than the stream's own retention; dead letters must outlast it"
            )
        sizes[environment] = size
    for fields in (environments, letters, kept):
        fields.done()
    return sizes


def _refuse_collisions(names: tuple[str, ...], entries: Fields) -> None:
    """Kafka's metrics replace dots by underscores, so names that differ in these alone become one."""
    owners: dict[str, str] = {}
    for name in names:
        for topic in (name, *dead_letters.queue_names(name)):
            other = owners.setdefault(topic.replace(".", "_"), name)
            if other != name:
                entries.fault(
                    name, f"has the topic {topic}, whose name collides with one of the stream {other}"
                )


def _counted(faults: list[Fault]) -> str:
    return "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
