"""The stream catalogue: what its entries become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging import catalogue, streams
from messaging.avro_types import walk
from messaging.naming import TOPIC_RULE
from tests.unit.messaging.catalogues import ENTRY, changed, write

if TYPE_CHECKING:
    from messaging.streams import Stream, Topic

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
DAY_MS = 24 * 3_600_000


def topics(stream: Stream, environment: str = "prod", *, minimum: int = 2) -> tuple[Topic, ...]:
    return streams.topics(stream, environment, min_insync_replicas=minimum, replication_factor=3)


def test_the_projects_own_catalogue_has_seven_streams_and_35_topics() -> None:
    ours = catalogue.load(SCHEMAS).streams

    names = [topic.name for stream in ours for topic in topics(stream, "dev")]
    assert [stream.name for stream in ours] == [
        "sensor-data",
        "device-events",
        "system-logs",
        "user-activity",
        "notifications",
        "metrics",
        "audit-logs",
    ]
    assert len(set(names)) == 35


@pytest.mark.parametrize(("environment", "partitions", "days"), [("dev", 1, 7), ("prod", 6, 30)])
def test_the_projects_own_streams_have_the_size_of_their_environment(
    environment: str, partitions: int, days: int
) -> None:
    for stream in catalogue.load(SCHEMAS).streams:
        own, *dead = topics(stream, environment)

        assert own.config["retention.ms"] == str(days * DAY_MS)
        assert own.config["compression.type"] == "snappy"
        assert {topic.partitions for topic in (own, *dead)} == {partitions}
        assert all(int(topic.config["retention.ms"]) > days * DAY_MS for topic in dead)


def test_sensor_data_is_the_record_that_applications_know() -> None:
    sensor_data = catalogue.load(SCHEMAS).streams[0]

    _, subject = sensor_data.subjects
    schema = json.loads(subject.schema.text)
    assert subject.name == "sensor-data-value"
    assert subject.schema.name == "com.iotplatform.messaging.SensorData"
    assert {field["name"]: field["type"] for field in schema["fields"]} == {
        "sensor_id": "string",
        "timestamp": "long",
        "value": "double",
        "unit": "string",
        "location": ["null", "string"],
        "metadata": ["null", {"type": "map", "values": "string"}],
    }
    assert [field["default"] for field in schema["fields"] if "default" in field] == [None, None]


def test_a_stream_becomes_its_topic_and_four_dead_letter_queues(folder: Path) -> None:
    write(folder, {"readings": ENTRY})

    (stream,) = catalogue.load(folder).streams

    assert [topic.name for topic in topics(stream)] == [
        "readings",
        "readings.dlq",
        "readings.dlq.validation_error",
        "readings.dlq.processing_error",
        "readings.dlq.poison",
    ]


def test_every_topic_states_its_settings(folder: Path) -> None:
    write(folder, {"readings": ENTRY})
    (stream,) = catalogue.load(folder).streams

    own, dead, *_ = topics(stream)

    assert own.config == {
        "cleanup.policy": "delete",
        "compression.type": "snappy",
        "min.insync.replicas": "2",
        "retention.ms": str(30 * DAY_MS),
        "segment.ms": str(DAY_MS),
    }
    assert dead.config == dict(own.config) | {
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(60 * DAY_MS),
    }


def test_a_busy_stream_closes_its_segments_by_size(folder: Path) -> None:
    write(folder, {"readings": changed("volume", value="high")})
    (stream,) = catalogue.load(folder).streams

    own, dead, *_ = topics(stream, "dev", minimum=1)

    assert "segment.ms" not in own.config
    assert "segment.ms" in dead.config


def test_a_key_with_a_schema_has_a_subject_too(folder: Path) -> None:
    write(folder, {"readings": changed("key", value="readings.avsc")})

    (stream,) = catalogue.load(folder).streams

    assert [subject.name for subject in stream.subjects] == ["readings-key", "readings-value"]


def test_every_field_of_the_projects_own_schemas_says_what_it_means() -> None:
    for subject in catalogue.load(SCHEMAS).subjects:
        for type_ in walk(subject.schema.type):
            assert type_.doc or type_.kind not in {"record", "enum"}, f"{subject.file}: {type_.name}"
            for field in type_.fields:
                assert field.doc, f"{subject.file}: {type_.name}.{field.name}"


def test_a_compacted_stream_keeps_the_newest_of_each_key(folder: Path) -> None:
    write(folder, {"readings": ENTRY | {"cleanup": "compact"}})
    (stream,) = catalogue.load(folder).streams

    own, dead, *_ = topics(stream)

    assert own.config["cleanup.policy"] == "compact"
    assert "retention.ms" not in own.config
    assert dead.config["cleanup.policy"] == "delete", "dead letters have keys of their originals"


def test_a_stream_may_state_further_settings_of_its_own_topic(folder: Path) -> None:
    write(
        folder, {"readings": ENTRY | {"settings": {"max.message.bytes": 2_000_000, "segment.ms": "3600000"}}}
    )
    (stream,) = catalogue.load(folder).streams

    own, dead, *_ = topics(stream)

    assert own.config["max.message.bytes"] == "2000000"
    assert own.config["segment.ms"] == "3600000"
    assert "max.message.bytes" not in dead.config


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("min.cleanable.dirty.ratio", "0.50", "0.5"),
        ("min.cleanable.dirty.ratio", "1", "1.0"),
        ("delete.retention.ms", "0100", "100"),
        ("retention.bytes", "-1", "-1"),
        ("retention.bytes", -1, "-1"),
        ("segment.bytes", 1_048_576, "1048576"),
        ("segment.bytes", 2_147_483_647.0, "2147483647"),
        ("max.message.bytes", 1024, "1024"),
        ("segment.ms", 2**63 - 1, str(2**63 - 1)),
        ("message.timestamp.type", "CreateTime", "CreateTime"),
    ],
)
def test_a_setting_is_stated_as_kafka_shows_it(folder: Path, name: str, given: object, shown: str) -> None:
    write(folder, {"readings": ENTRY | {"settings": {name: given}}})
    (stream,) = catalogue.load(folder).streams

    assert topics(stream)[0].config[name] == shown


def test_a_stream_has_as_many_replicas_as_it_says_or_as_its_environment_decides(folder: Path) -> None:
    write(folder, {"readings": changed("environments", "prod", "replicas", value=2)})
    (stream,) = catalogue.load(folder).streams

    assert {topic.replication_factor for topic in topics(stream, "prod")} == {2}
    assert {topic.replication_factor for topic in topics(stream, "dev")} == {3}


def test_quotas_are_kafkas_in_bytes(folder: Path) -> None:
    write(folder, {"readings": ENTRY | {"quotas": {"gateway": {"produce": "5m"}}}})
    (stream,) = catalogue.load(folder).streams

    assert [(quota.client, quota.config()) for quota in stream.quotas] == [
        ("gateway", {"producer_byte_rate": "5242880"})
    ]


@given(st.from_regex(TOPIC_RULE, fullmatch=True))
def test_a_name_that_the_rule_allows_is_one_that_kafka_allows(name: str) -> None:
    assert all(character.isascii() and (character.isalnum() or character in ".-") for character in name)
    assert "_" not in name
