"""Which queues belong to which stream, and what a dead letter's headers say."""

from typing import Any

import pytest

from messaging.console import dead_letters
from messaging.console.messages import Decoder
from messaging.console.parts import Deadline
from messaging.console.records import Record


def letter(**headers: str) -> dead_letters.DeadLetter:
    pairs = tuple((name.replace("__", "."), value.encode()) for name, value in headers.items())
    record = Record(topic="t.dlq", partition=0, offset=4, timestamp=1, key=None, value=b"v", headers=pairs)
    return dead_letters.letter(Decoder(None, Deadline()).message(record))


def test_a_stream_has_four_queues() -> None:
    assert list(dead_letters.queue_names("metrics").values()) == [
        "metrics.dlq",
        "metrics.dlq.validation_error",
        "metrics.dlq.processing_error",
        "metrics.dlq.poison",
    ]


@pytest.mark.parametrize(
    ("topic", "owner"),
    [
        ("a.dlq", ("a", "general")),
        ("a.dlq.poison", ("a", "poison")),
        ("a.b.dlq.validation_error", ("a.b", "validation_error")),
        ("a", None),
        (".dlq", None),
        ("a.dlq.other", None),
    ],
)
def test_a_queue_is_known_by_the_end_of_its_name(topic: str, owner: tuple[str, str] | None) -> None:
    assert dead_letters.stream_of(topic) == owner


def test_one_queue_makes_a_stream_and_the_queue_of_a_queue_does_not() -> None:
    assert dead_letters.streams(["a", "a.dlq.poison", "b", "a.dlq", "a.dlq.dlq"]) == ("a",)


def test_counts_arrivals_and_missing_queues_are_told(kafka: Any) -> None:
    kafka.add_topic("a")
    kafka.add_topic("a.dlq")
    kafka.add_record("a.dlq.poison", b"x", timestamp=7)
    kafka.add_record("a.dlq.poison", b"x", timestamp=9)
    found = dead_letters.summarize(kafka, Deadline())
    (stream,) = found.streams
    assert (stream.stream, stream.exists, found.messages) == ("a", True, 2)
    assert [(one.error_class, one.exists, one.messages, one.newest) for one in stream.queues] == [
        ("general", True, 0, None),
        ("validation_error", False, None, None),
        ("processing_error", False, None, None),
        ("poison", True, 2, 9),
    ]


def test_queues_are_listed_without_counts_when_offsets_fail(kafka: Any) -> None:
    kafka.add_record("a.dlq", b"x")
    kafka.no_offsets = "the leader is away"
    found = dead_letters.summarize(kafka, Deadline())
    assert found.problem == "the leader is away"
    assert found.streams[0].queues[0].messages is None


def test_headers_become_columns() -> None:
    found = letter(
        dlq__error__class="ValueError",
        dlq__error__message="no unit",
        dlq__source__topic="t",
        dlq__source__partition="2",
        dlq__source__offset="41",
        dlq__source__timestamp="1700000000000",
        dlq__attempt="3",
        dlq__group="ingest",
        dlq__service="worker",
        traceparent="00-1-2-01",
    )
    assert (found.error_class, found.error_message) == ("ValueError", "no unit")
    assert (found.source_topic, found.source_partition, found.source_offset) == ("t", 2, 41)
    assert found.source_timestamp == 1_700_000_000_000
    assert (found.attempt, found.group, found.service) == ("3", "ingest", "worker")


def test_missing_and_senseless_headers_leave_empty_columns() -> None:
    found = letter(dlq__source__partition="first", dlq__source__offset="9" * 40)
    assert found.source_partition is None
    assert found.source_offset is None
    assert found.error_class is None
