"""What a person may ask of a topic's messages, and which stretches of the log that means."""

from typing import Any

import pytest

from messaging.console import messages
from messaging.console.messages import Query, QueryError, plan, query
from messaging.console.model import Watermarks
from messaging.console.parts import Deadline, NotFoundError
from messaging.console.records import MAX_RECORDS

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
