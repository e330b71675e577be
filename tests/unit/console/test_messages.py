"""What a person may ask of a topic's messages, and which stretches of the log that means."""

from typing import Any, cast

import pytest

from messaging.console import messages
from messaging.console.decode import MAX_TEXT, Schema
from messaging.console.messages import (
    DEFAULT_LIMIT,
    HEADER_TEXT,
    LEAST_TEXT,
    MAX_HEADER_NAME,
    MAX_PAGE_TEXT,
    Decoder,
    Query,
    QueryError,
    plan,
    query,
)
from messaging.console.model import Watermarks
from messaging.console.parts import GRACE_SECONDS, Deadline, NotFoundError
from messaging.console.records import MAX_RECORDS, Record


def record(
    *, key: bytes | None = None, value: bytes | None = None, headers: tuple[tuple[str, bytes], ...] = ()
) -> Record:
    return Record(topic="t", partition=0, offset=0, timestamp=1, key=key, value=value, headers=headers)


TWO = {("t", 0): Watermarks(low=10, high=100), ("t", 1): Watermarks(low=0, high=3)}


def stretches(wanted: Query, **more: Any) -> list[tuple[int, int, int]]:
    ranges, _ = plan(wanted, more.get("marks", TWO), more.get("first_at", {}))
    return [(one.partition, one.start, one.end) for one in ranges]


def test_without_parameters_the_newest_of_all_partitions_are_wanted() -> None:
    assert query({}) == Query(mode="newest", partition=None, start=None, limit=50)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("2026-01-31T12:00", 1_769_860_800_000),
        ("2026-01-31T12:00:00.5Z", 1_769_860_800_500),
        ("2026-01-31T13:00+01:00", 1_769_860_800_000),
        ("1769860800000", 1_769_860_800_000),
        ("1960-01-01", 0),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text: str, milliseconds: int) -> None:
    assert query({"mode": "time", "time": text}).start == milliseconds


def test_all_wrong_parameters_are_told_at_once_with_what_is_allowed() -> None:
    with pytest.raises(QueryError) as caught:
        query({"mode": "offset", "partition": "-1", "offset": "x", "limit": "501"})
    assert caught.value.faults == [
        "partition is '-1'; allowed: 0 to 2147483647",
        "limit is '501'; allowed: 1 to 500",
        "offset is 'x'; allowed: 0 to 9223372036854775807",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        {"mode": "all"},
        {"mode": "offset"},
        {"mode": "time"},
        {"mode": "time", "time": "yesterday"},
        {"limit": "0"},
        {"limit": "٣"},
        {"partition": "9" * 5000},
        {"mode": "time", "time": "9" * 5000},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(arguments: dict[str, str]) -> None:
    with pytest.raises(QueryError):
        query(arguments)


def test_the_newest_end_at_the_high_watermark_and_start_no_lower_than_the_low_one() -> None:
    assert stretches(Query(limit=5)) == [(0, 95, 100), (1, 0, 3)]
    assert stretches(Query(limit=500)) == [(0, 10, 100), (1, 0, 3)]


def test_an_offset_that_is_gone_starts_at_the_first_that_is_there() -> None:
    assert stretches(Query(mode="offset", start=2, limit=5)) == [(0, 10, 15), (1, 2, 3)]


def test_an_offset_beyond_the_end_reads_nothing() -> None:
    assert stretches(Query(mode="offset", start=100, limit=5)) == []


def test_a_time_reads_only_where_something_is_as_late() -> None:
    assert stretches(Query(mode="time", start=1, limit=2), first_at={("t", 0): 50}) == [(0, 50, 52)]


def test_many_partitions_share_the_most_that_a_page_may_hold() -> None:
    marks = {("t", partition): Watermarks(low=0, high=10_000) for partition in range(60)}
    ranges, share = plan(Query(limit=500), marks, {})
    assert share == 8
    assert sum(one.end - one.start for one in ranges) <= MAX_RECORDS


def test_messages_come_latest_first_for_the_newest_and_earliest_first_else(kafka: Any) -> None:
    for partition, timestamp in ((0, 3), (1, 2), (0, 5)):
        if not kafka.topics:
            kafka.add_topic("t", partitions=2)
        kafka.add_record("t", b"v", partition=partition, timestamp=timestamp)
    newest = messages.read(kafka, None, kafka.topics["t"], Query(), Deadline())
    assert [one.timestamp for one in newest.messages] == [5, 3, 2]
    onward = messages.read(kafka, None, kafka.topics["t"], Query(mode="offset", start=0), Deadline())
    assert [one.timestamp for one in onward.messages] == [2, 3, 5]


def test_a_partition_without_a_leader_is_named_as_unread(kafka: Any) -> None:
    topic = kafka.add_topic("t", leader=None)
    assert messages.read(kafka, None, topic, Query(), Deadline()).unread == (0,)


def test_a_partition_that_does_not_exist_is_refused_with_those_that_do(kafka: Any) -> None:
    topic = kafka.add_topic("t", partitions=3)
    with pytest.raises(NotFoundError, match=r"t has no partition 7; it has 0 to 2"):
        messages.read(kafka, None, topic, Query(partition=7), Deadline())


def test_headers_are_decoded_but_never_by_the_registry(kafka: Any, registry_stub: Any) -> None:
    kafka.add_record("t", None, headers=(("h", b"\x00\x00\x00\x00\x07x"), ("empty", None)))
    read = messages.read(kafka, registry_stub.registry(), kafka.topics["t"], Query(), Deadline())
    (message,) = read.messages
    assert [(one.name, one.value.format) for one in message.headers] == [("h", "hex"), ("empty", "null")]
    assert registry_stub.requests == []


def test_records_are_fetched_and_decoded_as_one_read(kafka: Any) -> None:
    kafka.add_record("t", b"\x00\x00\x00\x00\x01\x02")
    reads: list[int] = []

    class Registry:
        def schema(self, schema_id: int, deadline: Deadline) -> Schema:
            reads.append(kafka.reads)
            return Schema(id=schema_id, kind="AVRO", text='"int"')

    read = messages.read(kafka, cast("Any", Registry()), kafka.topics["t"], Query(), Deadline())
    assert [one.value.text for one in read.messages] == ["1"]
    assert (reads, kafka.reads) == ([1], 0)


def test_records_for_which_no_time_is_left_are_shown_undecoded() -> None:
    late = Decoder(None, Deadline(GRACE_SECONDS)).message(record(value=b"text", headers=(("h", b"x"),)))
    assert (late.value.format, late.value.text) == ("hex", "74 65 78 74")
    assert late.value.note == "not decoded: no time was left; choose fewer messages"
    assert (late.key.format, late.headers[0].value.text) == ("null", "78")


def test_as_many_messages_as_a_page_has_by_itself_are_shown_in_full() -> None:
    decoder = Decoder(None, Deadline(600))
    shown = [decoder.message(record(value=b"x" * MAX_TEXT)) for _ in range(DEFAULT_LIMIT)]
    assert not any(one.value.truncated for one in shown)


def test_what_more_messages_say_is_shortened_so_that_a_page_stays_small() -> None:
    decoder = Decoder(None, Deadline(600))
    shown = [decoder.message(record(key=b"k" * 9_000, value=b"x" * 9_000)) for _ in range(MAX_RECORDS)]
    assert not shown[0].value.truncated
    assert shown[-1].value.truncated
    assert len(shown[-1].value.text) > 200
    length = sum(len(one.key.text) + len(one.value.text) for one in shown)
    assert length < MAX_PAGE_TEXT + MAX_RECORDS * LEAST_TEXT


def test_headers_without_number_leave_room_for_the_value_and_are_counted() -> None:
    many = tuple((f"h{number}", b"x" * 100) for number in range(100_000))
    shown = Decoder(None, Deadline(600)).message(record(value=b"value", headers=many))
    assert len(shown.headers) * HEADER_TEXT < MAX_PAGE_TEXT
    assert len(shown.headers) + shown.more_headers == 100_000
    assert shown.value.text == "value"


def test_the_headers_of_a_dead_letter_are_shown_when_the_page_is_full() -> None:
    decoder = Decoder(None, Deadline(600))
    headers = (*((f"dlq.{name}", b"x" * 20) for name in range(12)), ("dlq.error.message", b"trace " * 2_000))
    for _ in range(MAX_RECORDS):
        shown = decoder.message(record(value=b"v" * MAX_TEXT, headers=headers))
    assert [one.name for one in shown.headers] == [name for name, _ in headers]
    assert shown.headers[0].value.text == "x" * 20
    assert shown.value.text


def test_a_name_of_a_header_is_cut() -> None:
    shown = Decoder(None, Deadline(600)).message(record(headers=(("n" * 1_000_000, b""),)))
    assert shown.headers[0].name == "n" * MAX_HEADER_NAME
