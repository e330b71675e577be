"""The messages of a topic: what may be asked for, which stretches of the log that means, the decoded answer.

Asking and planning are pure. Reading is bounded by `records`, decoding by `decode`; nothing is ever
committed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from messaging.console.cluster import KafkaCluster
from messaging.console.decode import Decoded, SchemaLookup, decode, undecoded
from messaging.console.model import Place, Topic, Watermarks
from messaging.console.parts import GRACE_SECONDS, Deadline, NotFoundError
from messaging.console.records import MAX_RECORDS, Range, Record
from messaging.console.registry import Registry

MODES = ("newest", "offset", "time")
DEFAULT_LIMIT = 50
# Characters of all messages of a page together: as a page they take a multiple of it in memory.
MAX_PAGE_TEXT = 1024 * 1024
# Characters that each message may have when those are used up.
LEAST_TEXT = 3_000
# What a header counts besides its name and its value, being a row of its own.
HEADER_TEXT = 64
MAX_HEADER_NAME = 256

_Decode = Callable[[bytes | None], Decoded]
_MAX_OFFSET = 2**63 - 1
_MAX_TIMESTAMP = 253_402_300_799_999  # the end of the year 9999 in ms


class QueryError(ValueError):
    """A request that cannot be answered as it stands; `faults` has a sentence for each thing wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which messages are wanted.

    Attributes:
        mode: ``newest`` for the end of each partition, ``offset`` or ``time`` for what follows `start`.
        partition: The only partition to read, or None for all.
        start: An offset, or ms since 1970 (UTC), as `mode` says; None for ``newest``.
        limit: Most messages of each partition; all together are never more than MAX_RECORDS.
    """

    mode: str = "newest"
    partition: int | None = None
    start: int | None = None
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True, kw_only=True)
class Header:
    """One header; a record may carry the same name several times."""

    name: str
    value: Decoded


@dataclass(frozen=True, kw_only=True)
class Message:
    """A record, decoded; `timestamp` is in ms since 1970, `size` in bytes.

    Attributes:
        more_headers: Number of further headers, for which there was no room.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    size: int
    key: Decoded
    value: Decoded
    headers: tuple[Header, ...]
    more_headers: int = 0


@dataclass(frozen=True, kw_only=True)
class Messages:
    """The answer to a query.

    Attributes:
        messages: For ``newest`` the latest first, else the earliest first.
        limit: Most messages that were read of each partition, MAX_RECORDS being shared among them.
        stopped_by: The bound (``time``, ``bytes``, ``records``) that ended the read early, or None.
        unread: Partitions that have no leader or gave no offsets.
    """

    messages: tuple[Message, ...]
    limit: int
    stopped_by: str | None
    unread: tuple[int, ...]


def query(arguments: Mapping[str, str]) -> Query:
    """The query that the parameters mode, partition, offset, time and limit of a request ask for.

    Raises:
        QueryError: Any of them is wrong; it lists all that are.
    """
    faults: list[str] = []
    mode = arguments.get("mode", "").strip() or "newest"
    if mode not in MODES:
        faults.append(f"mode is {mode!r}; allowed: {', '.join(MODES)}")
    partition = number("partition", arguments, faults, most=2**31 - 1)
    limit = number("limit", arguments, faults, least=1, most=MAX_RECORDS)
    start = None
    if mode == "offset":
        start = number("offset", arguments, faults, most=_MAX_OFFSET)
        if start is None and not arguments.get("offset", "").strip():
            faults.append("offset is missing: mode offset reads from one on")
    if mode == "time":
        start = _time(arguments.get("time", "").strip(), faults)
    if faults:
        raise QueryError(faults)
    return Query(mode=mode, partition=partition, start=start, limit=DEFAULT_LIMIT if limit is None else limit)


def plan(
    wanted: Query, watermarks: Mapping[Place, Watermarks], first_at: Mapping[Place, int]
) -> tuple[tuple[Range, ...], int]:
    """The stretches to read, and the most messages of each; `first_at` has the offsets of a time."""
    share = max(1, min(wanted.limit, MAX_RECORDS // max(1, len(watermarks))))
    ranges = []
    for (topic, partition), marks in watermarks.items():
        if wanted.mode == "newest":
            start = max(marks.low, marks.high - share)
        elif wanted.mode == "offset":
            start = max(marks.low, wanted.start or 0)
        else:
            start = first_at.get((topic, partition), marks.high)
        end = min(marks.high, start + share)
        if start < end:
            ranges.append(Range(topic=topic, partition=partition, start=start, end=end))
    return tuple(ranges), share


def read(
    cluster: KafkaCluster, registry: Registry | None, topic: Topic, wanted: Query, deadline: Deadline
) -> Messages:
    """The messages of `topic` that `wanted` asks for.

    Raises:
        NotFoundError: The topic has no such partition.
        ReadError: Kafka did not answer.
    """
    partitions = [one for one in topic.partitions if wanted.partition in (None, one.id)]
    if not partitions:
        raise NotFoundError(f"{topic.name} has no partition {wanted.partition}; it has {_spans(topic)}")
    places = [place for place in topic.places if wanted.partition in (None, place[1])]
    watermarks = cluster.watermarks(places, deadline)
    by_time = wanted.mode == "time" and wanted.start is not None
    first_at = cluster.offsets_at(places, wanted.start or 0, deadline) if by_time else {}
    ranges, share = plan(wanted, watermarks, first_at)
    with cluster.reading(deadline):
        fetched = cluster.fetch(ranges, deadline)
        ordered = sorted(
            fetched.records,
            key=lambda record: (record.timestamp or 0, record.partition, record.offset),
            reverse=wanted.mode == "newest",
        )
        decoder = Decoder(schema_lookup(registry, deadline), deadline)
        found = tuple(decoder.message(record) for record in ordered)
    return Messages(
        messages=found,
        limit=share,
        stopped_by=fetched.stopped_by,
        unread=tuple(one.id for one in partitions if (topic.name, one.id) not in watermarks),
    )


class Decoder:
    """Decodes the records of one page in turn, as far as there is time, and room for what they say.

    Args:
        schemas: How schemas are found, or None.
        deadline: When the page must be there; records that come too late for it are shown undecoded.
    """

    def __init__(self, schemas: SchemaLookup | None, deadline: Deadline) -> None:
        self._schemas = schemas
        self._deadline = deadline
        self._left = MAX_PAGE_TEXT

    def message(self, record: Record) -> Message:
        """The next record of the page; headers are never in the registry's wire format."""
        late = self._deadline.left() <= GRACE_SECONDS
        by_schema: _Decode = _late if late else partial(decode, schemas=self._schemas)
        room = _Room(max(self._left, LEAST_TEXT))
        self._left -= room.left
        headers = _headers(record, _late if late else decode, room)
        key, value = room.take(by_schema(record.key)), room.take(by_schema(record.value))
        self._left += room.left
        return Message(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp=record.timestamp,
            size=record.size,
            key=key,
            value=value,
            headers=headers,
            more_headers=len(record.headers) - len(headers),
        )


class _Room:
    """Characters that a message may still have; a text gets half of them at most, so that each has some."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, decoded: Decoded) -> Decoded:
        """`decoded` with as much of its text as there is room for."""
        shown = decoded.shortened(self.left // 2)
        self.left -= len(shown.text)
        return shown


def _headers(record: Record, decoder: _Decode, room: _Room) -> tuple[Header, ...]:
    found = []
    for name, value in record.headers:
        if room.left < HEADER_TEXT + MAX_HEADER_NAME:
            break
        shown = name[:MAX_HEADER_NAME]
        room.left -= HEADER_TEXT + len(shown)
        found.append(Header(name=shown, value=room.take(decoder(value))))
    return tuple(found)


def schema_lookup(registry: Registry | None, deadline: Deadline) -> SchemaLookup | None:
    """How `decode` finds schemas; None without a registry, whose wire format then means nothing."""
    if registry is None:
        return None
    return lambda schema_id: registry.schema(schema_id, deadline)


def number(
    name: str, arguments: Mapping[str, str], faults: list[str], *, least: int = 0, most: int
) -> int | None:
    """The number that parameter `name` gives, None without one; a wrong one is added to `faults`."""
    text = arguments.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        faults.append(f"{name} is {text[:40]!r}; allowed: {least} to {most}")
        return None
    return int(text)


def _late(data: bytes | None) -> Decoded:
    return undecoded(data, note="not decoded: no time was left; choose fewer messages")


def _time(text: str, faults: list[str]) -> int | None:
    if not text:
        faults.append("time is missing: mode time reads from a moment on, such as 2026-01-31T12:00 (UTC)")
        return None
    if text.isascii() and text.isdigit() and int(text[:16]) <= _MAX_TIMESTAMP:
        return int(text[:16])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        form = "2026-01-31T12:00 (UTC unless it says otherwise), or ms since 1970"
        faults.append(f"time is {text[:40]!r}; allowed: {form}")
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0, int(moment.timestamp() * 1000))


def _spans(topic: Topic) -> str:
    ids: Sequence[int] = [partition.id for partition in topic.partitions]
    return f"{ids[0]} to {ids[-1]}" if ids else "none"
