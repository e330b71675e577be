"""Dead letters by class: which queues belong to which stream, how full they are, and what their headers say.

A stream ``t`` has four queues: ``t.dlq`` for what has no class, ``t.dlq.validation_error``,
``t.dlq.processing_error`` and ``t.dlq.poison``. A dead letter keeps the key, value and headers of its
original and adds headers that start with ``dlq.``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from messaging.console.cluster import KafkaCluster
from messaging.console.messages import Message, Messages
from messaging.console.model import Metadata
from messaging.console.parts import Deadline, attempt

# Class of error -> the end of its queue's name.
SUFFIXES = {
    "general": ".dlq",
    "validation_error": ".dlq.validation_error",
    "processing_error": ".dlq.processing_error",
    "poison": ".dlq.poison",
}
HEADER_PREFIX = "dlq."


@dataclass(frozen=True, kw_only=True)
class Queue:
    """One dead letter queue.

    Attributes:
        name: The topic's name.
        error_class: A key of SUFFIXES.
        exists: False if the cluster has no such topic.
        messages: An estimate of what it holds, None if that could not be read.
        newest: Highest timestamp in it (ms since 1970), None if it is empty or could not be read.
    """

    name: str
    error_class: str
    exists: bool
    messages: int | None
    newest: int | None


@dataclass(frozen=True, kw_only=True)
class StreamQueues:
    """A stream and its four queues in the order of SUFFIXES; `exists` is False if only queues are there."""

    stream: str
    exists: bool
    queues: tuple[Queue, ...]

    @property
    def messages(self) -> int:
        """Dead letters in all four, as far as they are known."""
        return sum(queue.messages or 0 for queue in self.queues)


@dataclass(frozen=True, kw_only=True)
class DeadLetters:
    """All streams that have a queue, by name; `problem` says why numbers are missing."""

    streams: tuple[StreamQueues, ...]
    problem: str | None

    @property
    def messages(self) -> int:
        """Dead letters in all queues, as far as they are known."""
        return sum(stream.messages for stream in self.streams)


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A message of a queue with what its ``dlq.`` headers say; None where a header is missing.

    Attributes:
        source_partition: As written, or None if it is no number; likewise `source_offset`.
        source_timestamp: ms since 1970, or None if it is no number.
    """

    message: Message
    error_class: str | None
    error_message: str | None
    source_topic: str | None
    source_partition: int | None
    source_offset: int | None
    source_timestamp: int | None
    attempt: str | None
    group: str | None
    service: str | None


def queue_names(stream: str) -> dict[str, str]:
    """Class of error -> name of the queue, for the four queues of `stream`."""
    return {error_class: stream + suffix for error_class, suffix in SUFFIXES.items()}


def stream_of(topic: str) -> tuple[str, str] | None:
    """The stream and the class of error that `topic` is the queue of, or None if it is none."""
    for error_class, suffix in SUFFIXES.items():
        stream = topic.removesuffix(suffix)
        if stream not in ("", topic):
            return stream, error_class
    return None


def streams(topics: Iterable[str]) -> tuple[str, ...]:
    """The streams that have at least one queue among `topics`; a queue's own queue makes no stream of it."""
    found = {owner[0] for topic in topics if (owner := stream_of(topic))}
    return tuple(sorted(stream for stream in found if stream_of(stream) is None))


def summarize(cluster: KafkaCluster, deadline: Deadline) -> DeadLetters:
    """Every stream with its queues, counts and last arrivals."""
    metadata = cluster.metadata(deadline)
    names = streams(metadata.topics)
    queues = [queue for name in names for queue in queue_names(name).values() if queue in metadata.topics]
    read, no_counts = attempt(lambda: _counts(cluster, metadata, queues, deadline))
    counts = read or {}
    filled = [queue for queue, count in counts.items() if count]
    arrivals, no_newest = attempt(lambda: _newest(cluster, metadata, filled, deadline))
    newest = arrivals or {}
    return DeadLetters(
        streams=tuple(
            StreamQueues(
                stream=name,
                exists=name in metadata.topics,
                queues=tuple(
                    Queue(
                        name=queue,
                        error_class=error_class,
                        exists=queue in metadata.topics,
                        messages=counts.get(queue),
                        newest=newest.get(queue),
                    )
                    for error_class, queue in queue_names(name).items()
                ),
            )
            for name in names
        ),
        problem=no_counts or no_newest,
    )


def letters(messages: Messages) -> tuple[DeadLetter, ...]:
    """`messages` of a queue with their headers put into columns."""
    return tuple(letter(message) for message in messages.messages)


def letter(message: Message) -> DeadLetter:
    """`message` with its ``dlq.`` headers put into columns; of a repeated header the last one counts."""
    said = {
        header.name.removeprefix(HEADER_PREFIX): header.value.text
        for header in message.headers
        if header.name.startswith(HEADER_PREFIX)
    }
    return DeadLetter(
        message=message,
        error_class=said.get("error.class"),
        error_message=said.get("error.message"),
        source_topic=said.get("source.topic"),
        source_partition=_number(said.get("source.partition")),
        source_offset=_number(said.get("source.offset")),
        source_timestamp=_number(said.get("source.timestamp")),
        attempt=said.get("attempt"),
        group=said.get("group"),
        service=said.get("service"),
    )


def _counts(
    cluster: KafkaCluster, metadata: Metadata, queues: list[str], deadline: Deadline
) -> dict[str, int]:
    places = [place for queue in queues for place in metadata.topics[queue].places]
    counts: dict[str, int] = {}
    for (topic, _), marks in cluster.watermarks(places, deadline).items():
        counts[topic] = counts.get(topic, 0) + marks.count
    return counts


def _newest(
    cluster: KafkaCluster, metadata: Metadata, queues: list[str], deadline: Deadline
) -> dict[str, int]:
    places = [place for queue in queues for place in metadata.topics[queue].places]
    newest: dict[str, int] = {}
    for (topic, _), timestamp in cluster.newest(places, deadline).items():
        newest[topic] = max(timestamp, newest.get(topic, 0))
    return newest


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 19 else None  # noqa: PLR2004 - digits of 2**63
