"""Reads a bounded stretch of records from partitions: bounded in records, bytes and seconds.

The reader assigns partitions itself: it never joins a group, never commits, and asks for no committed
offset, so it leaves no trace in the cluster. Which stretch to read is decided by `messages`, what the bytes
mean by `decode`.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from messaging.console.model import Place
from messaging.console.parts import ReadError

MAX_RECORDS = 500
MAX_BYTES = 4 * 1024 * 1024
MAX_SECONDS = 3.0

_POLL_SECONDS = 0.25
_NO_TIMESTAMP = 0


@dataclass(frozen=True, kw_only=True)
class Range:
    """The offsets from `start` up to but not including `end` of one partition."""

    topic: str
    partition: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record as it lies in the log; `timestamp` is in ms since 1970, `value` None is a tombstone."""

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        headers = sum(len(name) + len(value or b"") for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """Records in the order of arrival; `stopped_by` names the bound that ended the read early, or is None."""

    records: tuple[Record, ...]
    stopped_by: str | None = None


def fetch(client: Mapping[str, object], ranges: Sequence[Range], *, seconds: float = MAX_SECONDS) -> Fetched:
    """Read `ranges` with a consumer of its own, made from the librdkafka settings `client`.

    Compaction and transaction markers leave gaps, so a range may give fewer records than it is long.

    Raises:
        ReadError: Kafka refused the read, or gave nothing at all within `seconds`.
    """
    wanted = {(one.topic, one.partition): one for one in ranges if one.start < one.end}
    if not wanted:
        return Fetched(records=())
    try:
        consumer = Consumer(_consumer_settings(client))
    except KafkaException as error:
        raise ReadError(f"the Kafka client refused its settings: {error.args[0].str()}") from error
    try:
        consumer.assign([TopicPartition(one.topic, one.partition, one.start) for one in wanted.values()])
        return _poll(consumer, wanted, time.monotonic() + min(seconds, MAX_SECONDS))
    except KafkaException as error:
        raise ReadError(f"Kafka did not give the records: {error.args[0].str()}") from error
    finally:
        consumer.close()


def _consumer_settings(client: Mapping[str, object]) -> dict[str, object]:
    return {
        **client,
        "group.id": f"console-{uuid.uuid4()}",  # the client insists on one; nothing is ever stored under it
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_uncommitted",  # a person who looks for a record wants to see what is there
        "fetch.wait.max.ms": 100,
        "fetch.max.bytes": MAX_BYTES // 4,
        "max.partition.fetch.bytes": MAX_BYTES // 4,
        "queued.max.messages.kbytes": MAX_BYTES // 1024,
        # Also the most that a compressed batch may unfold to.
        "receive.message.max.bytes": 4 * MAX_BYTES,
    }


def _poll(consumer: Consumer, wanted: dict[Place, Range], end: float) -> Fetched:
    """Poll until each range of `wanted` is read, a bound is reached, or the clock passes `end`."""
    records: list[Record] = []
    size = 0
    answered = False
    while wanted:
        left = end - time.monotonic()
        if left <= 0:
            if not answered:
                raise ReadError("Kafka gave no records in time")
            return Fetched(records=tuple(records), stopped_by="time")
        message = consumer.poll(min(left, _POLL_SECONDS))
        if message is None or _goes_on(message.error()):
            continue
        answered = True
        place = (str(message.topic()), _int(message.partition()))
        one = wanted.get(place)
        if one is None:
            continue
        at_end = message.error() is not None
        if not at_end and _int(message.offset()) < one.end:
            records.append(_record(message))
            size += records[-1].size
        if at_end or _int(message.offset()) >= one.end - 1:
            del wanted[place]
            consumer.pause([TopicPartition(*place)])
        if wanted and (stopped_by := _bound(len(records), size)):
            return Fetched(records=tuple(records), stopped_by=stopped_by)
    return Fetched(records=tuple(records))


def _goes_on(error: KafkaError | None) -> bool:
    """True for an error that the client mends by itself or the clock ends; the end of a partition is none.

    Raises:
        ReadError: Kafka refused.
    """
    if error is None or error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's public name
        return False
    if error.retriable() or (error.code() < 0 and not error.fatal()):
        return True
    raise ReadError(f"Kafka did not give the records: {error.str()}")


def _bound(count: int, size: int) -> str | None:
    if count >= MAX_RECORDS:
        return "records"
    return "bytes" if size >= MAX_BYTES else None


def _record(message: Message) -> Record:
    kind, timestamp = message.timestamp()
    return Record(
        topic=str(message.topic()),
        partition=_int(message.partition()),
        offset=_int(message.offset()),
        timestamp=None if kind == _NO_TIMESTAMP else timestamp,
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        headers=tuple((name, _bytes(value)) for name, value in message.headers() or ()),
    )


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _int(value: int | None) -> int:
    return -1 if value is None else value
