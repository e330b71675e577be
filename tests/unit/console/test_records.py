"""Bounded reads against librdkafka's own in-process brokers, which speak the real protocol."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer

from messaging.console import records
from messaging.console.cluster import KafkaCluster
from messaging.console.parts import Deadline, ReadError
from messaging.console.records import Range
from messaging.console.settings import ClusterSettings

TOPIC = "readings"


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    """Three brokers with a topic of four partitions: 40 records in the first, 3 in the second."""
    producer = Producer({"bootstrap.servers": "unused:1", "test.mock.num.brokers": 3, "log_level": 0})
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
    address = f"{broker.host}:{broker.port}"
    producer.list_topics(TOPIC, timeout=10)  # creates it
    for number in range(40):
        producer.produce(
            TOPIC, value=f"v{number}", key=b"k", partition=0, timestamp=1000 + number, headers={"h": b"1"}
        )
    for _ in range(3):
        producer.produce(TOPIC, value=None, key=b"k", partition=1)
    assert producer.flush(10) == 0
    yield address
    del producer


@pytest.fixture(scope="module")
def cluster(bootstrap: str) -> KafkaCluster:
    return KafkaCluster(ClusterSettings(name="mock", bootstrap=bootstrap))


def test_a_range_is_read_from_its_start_up_to_its_end(cluster: KafkaCluster) -> None:
    fetched = cluster.fetch([Range(topic=TOPIC, partition=0, start=10, end=15)], Deadline())
    assert [record.value for record in fetched.records] == [b"v10", b"v11", b"v12", b"v13", b"v14"]
    assert fetched.stopped_by is None
    assert (fetched.records[0].timestamp, fetched.records[0].headers) == (1010, (("h", b"1"),))


def test_several_partitions_are_read_together_and_tombstones_have_no_value(cluster: KafkaCluster) -> None:
    fetched = cluster.fetch(
        [Range(topic=TOPIC, partition=0, start=39, end=40), Range(topic=TOPIC, partition=1, start=0, end=3)],
        Deadline(),
    )
    assert sorted((one.partition, one.offset, one.value) for one in fetched.records) == [
        (0, 39, b"v39"),
        (1, 0, None),
        (1, 1, None),
        (1, 2, None),
    ]


def test_a_range_that_reaches_beyond_the_end_stops_at_the_end(cluster: KafkaCluster) -> None:
    fetched = cluster.fetch([Range(topic=TOPIC, partition=1, start=1, end=500)], Deadline())
    assert [record.offset for record in fetched.records] == [1, 2]


def test_an_empty_range_asks_nobody() -> None:
    assert records.fetch({}, [Range(topic=TOPIC, partition=0, start=3, end=3)]).records == ()


@pytest.mark.parametrize(
    ("bound", "value", "said"), [("MAX_RECORDS", 4, "records"), ("MAX_BYTES", 20, "bytes")]
)
def test_a_read_stops_at_its_bounds_and_says_which(
    cluster: KafkaCluster, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, said: str
) -> None:
    monkeypatch.setattr(records, "_consumer_settings", _roomy)
    monkeypatch.setattr(records, bound, value)
    fetched = cluster.fetch([Range(topic=TOPIC, partition=0, start=0, end=40)], Deadline())
    assert fetched.stopped_by == said
    assert len(fetched.records) < 10


def _roomy(client: Any) -> dict[str, Any]:
    """Settings that do not shrink with the bound under test."""
    return {**client, "group.id": "unused", "enable.partition.eof": True, "enable.auto.commit": False}


def test_metadata_watermarks_and_times_are_read(cluster: KafkaCluster) -> None:
    metadata = cluster.metadata(Deadline())
    assert len(metadata.brokers) == 3
    assert metadata.topics[TOPIC].places == tuple((TOPIC, one) for one in range(4))
    marks = cluster.watermarks(metadata.topics[TOPIC].places, Deadline())
    assert {place[1]: (mark.low, mark.high) for place, mark in marks.items()} == {
        0: (0, 40),
        1: (0, 3),
        2: (0, 0),
        3: (0, 0),
    }


def test_with_nobody_there_every_read_fails_in_time_and_names_the_address() -> None:
    cluster = KafkaCluster(ClusterSettings(name="down", bootstrap="localhost:1"))
    started = time.monotonic()
    for read in (cluster.metadata, cluster.groups):
        with pytest.raises(ReadError):
            read(Deadline(1))
    with pytest.raises(ReadError, match="localhost:1"):
        cluster.metadata(Deadline(1))
    with pytest.raises(ReadError):
        cluster.fetch([Range(topic=TOPIC, partition=0, start=0, end=1)], Deadline(1))
    assert time.monotonic() - started < 6


def test_settings_that_the_client_refuses_are_told() -> None:
    settings = ClusterSettings(
        name="x", bootstrap="k:9092", protocol="SASL_PLAINTEXT", mechanism="GSSAPI-NOT"
    )
    with pytest.raises(ReadError):
        KafkaCluster(settings).metadata(Deadline(1))


def test_a_third_read_of_records_waits_for_its_turn_only_so_long(cluster: KafkaCluster) -> None:
    third = cluster.reading(Deadline(0.05))
    with (
        cluster.reading(Deadline()),
        cluster.reading(Deadline()),
        pytest.raises(ReadError, match="2 other reads"),
    ):
        third.__enter__()
    with cluster.reading(Deadline(0.05)), cluster.reading(Deadline(0.05)):
        pass
