"""The stream catalogue: what its entries become, and that every mistake in it is told at once."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from messaging import streams
from messaging.naming import TOPIC_RULE

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
DAY_MS = 24 * 3_600_000

ENTRY: dict[str, Any] = {
    "owner": "telemetry",
    "purpose": "Readings.",
    "key": "string",
    "value": "readings.avsc",
    "compatibility": "BACKWARD",
    "volume": "low",
    "environments": {
        "dev": {"partitions": 1, "retention": "7d"},
        "prod": {"partitions": 6, "retention": "30d"},
    },
    "deadLetters": {"retention": {"dev": "14d", "prod": "60d"}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "schemas"
    place.mkdir()
    (place / "readings.avsc").write_text(json.dumps({"type": "record", "name": "Reading", "fields": []}))
    return place


def write(folder: Path, entries: dict[str, Any]) -> None:
    (folder / streams.CATALOGUE).write_text(yaml.safe_dump({"streams": entries}))


def changed(*path: str, value: Any) -> dict[str, Any]:
    """The valid entry with one value changed; an ellipsis removes it."""
    entry = deepcopy(ENTRY)
    place = entry
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return entry


def refusal(folder: Path) -> str:
    with pytest.raises(streams.CatalogueError) as refused:
        streams.load(folder)
    return str(refused.value)


def test_the_projects_own_catalogue_has_seven_streams_and_35_topics() -> None:
    catalogue = streams.load(SCHEMAS)

    names = [
        topic.name for stream in catalogue for topic in streams.topics(stream, "dev", min_insync_replicas=1)
    ]
    assert [stream.name for stream in catalogue] == [
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
    for stream in streams.load(SCHEMAS):
        own, *dead = streams.topics(stream, environment, min_insync_replicas=1)

        assert own.config["retention.ms"] == str(days * DAY_MS)
        assert own.config["compression.type"] == "snappy"
        assert {topic.partitions for topic in (own, *dead)} == {partitions}
        assert all(int(topic.config["retention.ms"]) > days * DAY_MS for topic in dead)


def test_sensor_data_is_the_record_that_applications_know() -> None:
    sensor_data = streams.load(SCHEMAS)[0]

    (subject,) = sensor_data.subjects
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

    (stream,) = streams.load(folder)

    assert [topic.name for topic in streams.topics(stream, "prod", min_insync_replicas=2)] == [
        "readings",
        "readings.dlq",
        "readings.dlq.validation_error",
        "readings.dlq.processing_error",
        "readings.dlq.poison",
    ]


def test_every_topic_states_its_settings(folder: Path) -> None:
    write(folder, {"readings": ENTRY})
    (stream,) = streams.load(folder)

    own, dead, *_ = streams.topics(stream, "prod", min_insync_replicas=2)

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
    (stream,) = streams.load(folder)

    own, dead, *_ = streams.topics(stream, "dev", min_insync_replicas=1)

    assert "segment.ms" not in own.config
    assert "segment.ms" in dead.config


def test_a_key_with_a_schema_has_a_subject_too(folder: Path) -> None:
    write(folder, {"readings": changed("key", value="readings.avsc")})

    (stream,) = streams.load(folder)

    assert [subject.name for subject in stream.subjects] == ["readings-key", "readings-value"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (changed("owner", value=...), ("readings.owner", "is missing")),
        (changed("volume", value="huge"), ("readings.volume", "'huge'", "low, high")),
        (changed("compatibility", value="backwards"), ("'backwards'", "BACKWARD_TRANSITIVE")),
        (changed("retention", value="7d"), ("readings.retention", "not known", "environments")),
        (changed("environments", "dev", "partitions", value=0), ("environments.dev.partitions", "1 to 1000")),
        (changed("environments", "prod", value=...), ("environments.prod.partitions", "is missing")),
        (changed("environments", "prd", value={}), ("environments.prd", "Did you mean prod?")),
        (changed("deadLetters", "retention", "dev", value="1d"), ("deadLetters.retention.dev", "shorter")),
        (changed("value", value="other.avsc"), ("readings.value", "no schemas/other.avsc")),
        (changed("value", value="../readings.avsc"), ("readings.value", "'../readings.avsc'")),
        (changed("value", value=7), ("readings.value", "7")),
    ],
)
def test_a_mistake_in_an_entry_is_named(folder: Path, entry: dict[str, Any], words: tuple[str, ...]) -> None:
    write(folder, {"readings": entry})

    told = refusal(folder)

    for word in words:
        assert word in told


def test_a_schema_that_is_no_json_is_refused_with_its_place(folder: Path) -> None:
    (folder / "readings.avsc").write_text('{\n  "type": oops\n}')
    write(folder, {"readings": ENTRY})

    told = refusal(folder)

    assert "schemas/readings.avsc" in told
    assert "line 2, column 11" in told


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    write(folder, {"readings": changed("volume", value="x"), "Bad_Name": changed("owner", value=...)})

    told = refusal(folder)

    assert "schemas/streams.yaml has 3 faults" in told
    assert "Bad_Name" in told


def test_a_stream_that_is_called_like_anothers_queue_collides(folder: Path) -> None:
    write(folder, dict.fromkeys(("readings", "readings.dlq"), ENTRY))

    assert "collides with one of the stream readings" in refusal(folder)


def test_a_stream_given_twice_is_refused_with_the_line(folder: Path) -> None:
    write(folder, {"readings": ENTRY})
    path = folder / streams.CATALOGUE
    path.write_text(path.read_text() + "  readings: {}\n")

    assert "the key 'readings' is given twice" in refusal(folder)


@pytest.mark.parametrize("text", ["", "streams: {}", "streams: [a]", "streams:\n\t- x", "- a"])
def test_what_is_no_catalogue_is_refused_by_its_name(folder: Path, text: str) -> None:
    (folder / streams.CATALOGUE).write_text(text)

    assert "schemas/streams.yaml" in refusal(folder)


def test_a_missing_catalogue_is_named(tmp_path: Path) -> None:
    assert "streams.yaml cannot be read" in refusal(tmp_path)


@given(st.from_regex(TOPIC_RULE, fullmatch=True))
def test_a_name_that_the_rule_allows_is_one_that_kafka_allows(name: str) -> None:
    assert all(character.isascii() and (character.isalnum() or character in ".-") for character in name)
    assert "_" not in name
