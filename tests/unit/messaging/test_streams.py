"""The stream catalogue: what its entries become, and that its mistakes are told at once with their lines."""

from __future__ import annotations

import json
import shutil
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from messaging import catalogue, schema_history, streams
from messaging.avro_types import walk
from messaging.naming import TOPIC_RULE

if TYPE_CHECKING:
    from messaging.streams import Stream, Topic

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
    (folder / catalogue.FILE).write_text(yaml.safe_dump({"streams": entries}))


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
    with pytest.raises(catalogue.CatalogueError) as refused:
        catalogue.load(folder, {"dev": 1, "prod": 3})
    return str(refused.value)


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


@pytest.mark.parametrize(
    ("name", "given", "allowed"),
    [
        ("segment.bytes", 65_536, "from 1048576 to 2147483647"),
        ("segment.bytes", 1_048_575, "from 1048576 to 2147483647"),
        ("segment.bytes", "9999999999", "from 1048576 to 2147483647"),
        ("max.message.bytes", 2_147_483_648, "from 1024 to 2147483647"),
        ("max.message.bytes", 1023, "from 1024 to 2147483647"),
        ("segment.ms", 59_999, "from 60000 to 9223372036854775807"),
        ("segment.ms", 2**63, "from 60000 to 9223372036854775807"),
        ("segment.ms", "9" * 5000, "from 60000 to 9223372036854775807"),
        ("retention.bytes", -2, "from -1 to 9223372036854775807"),
        ("retention.bytes", True, "from -1 to 9223372036854775807"),
        ("delete.retention.ms", "\u0663", "from 0 to 9223372036854775807"),
        ("min.cleanable.dirty.ratio", "high", "from 0 to 1"),
        ("min.cleanable.dirty.ratio", 1.5, "from 0 to 1"),
        ("min.cleanable.dirty.ratio", None, "a text or a number"),
        ("message.timestamp.type", "CreationTime", "one of CreateTime, LogAppendTime"),
    ],
)
def test_a_setting_that_no_topic_could_use_is_told_with_what_it_takes(
    folder: Path, name: str, given: object, allowed: str
) -> None:
    write(folder, {"readings": ENTRY | {"settings": {name: given}}})

    told = refusal(folder)

    assert "has 1 fault" in told
    assert f"readings.settings.{name} is " in told
    assert allowed in told


def test_settings_that_kafka_refuses_together_are_told(folder: Path) -> None:
    lags = {"min.compaction.lag.ms": 10, "max.compaction.lag.ms": "5"}
    write(folder, {"readings": ENTRY | {"settings": lags}})

    assert (
        "readings.settings.min.compaction.lag.ms is 10. It must not be more than max.compaction.lag.ms, 5"
    ) in refusal(folder)
    write(folder, {"readings": ENTRY | {"settings": lags | {"max.compaction.lag.ms": 10}}})
    assert catalogue.load(folder).streams


def test_a_number_that_editors_read_as_another_is_told_with_its_place(folder: Path) -> None:
    write(folder, {"readings": ENTRY})
    path = folder / catalogue.FILE
    path.write_text(path.read_text().replace("partitions: 6", "partitions: 010"))

    assert "'010' is 8 in one version of YAML" in refusal(folder)


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
        (changed("value", value=...), ("readings.value", "is missing", ".avsc")),
        (changed("key", value="text"), ("readings.key", "'text'", "string")),
        (changed("owner", value="Team A"), ("readings.owner", "'Team A'", "such as telemetry")),
        (changed("cleanup", value="keep"), ("readings.cleanup", "compact,delete")),
        (
            changed("settings", value={"retention.ms": 1}),
            ("retention.ms", "not a setting", "max.message.bytes"),
        ),
        (changed("settings", value={"max.message.bytes": "much"}), ("max.message.bytes", "'much'")),
        (changed("quotas", value={"a b": {"produce": "1m"}}), ("quotas.a b", "no client id")),
        (changed("quotas", value={"a": {}}), ("quotas.a", "produce or consume")),
        (changed("quotas", value={"a": {"produce": 5}}), ("quotas.a.produce", "units m, g")),
        (changed("environments", "dev", "replicas", value=2), ("dev.replicas", "the 1 brokers of dev")),
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

    assert "the stream catalogue has 3 faults" in told
    assert "Bad_Name" in told


def test_a_mistake_is_told_with_its_line(folder: Path) -> None:
    write(folder, {"readings": ENTRY, "others": changed("volume", value="x")})
    lines = (folder / catalogue.FILE).read_text().splitlines()

    assert (
        f"schemas/streams.yaml:{lines.index('    volume: x') + 1}: streams.others.volume is 'x'"
        in refusal(folder)
    )


def test_what_is_missing_is_told_with_the_line_of_its_entry(folder: Path) -> None:
    write(folder, {"readings": ENTRY, "others": changed("owner", value=...)})
    lines = (folder / catalogue.FILE).read_text().splitlines()

    assert f"schemas/streams.yaml:{lines.index('  others:') + 1}: streams.others.owner is missing" in refusal(
        folder
    )


def test_a_mistake_in_a_schema_is_told_with_its_file_and_line(folder: Path) -> None:
    union = {"name": "place", "type": ["null", "string"], "default": "here"}
    text = json.dumps({"type": "record", "name": "Reading", "fields": [union]}, indent=1)
    (folder / "readings.avsc").write_text(text)
    write(folder, {"readings": ENTRY})

    told = refusal(folder)

    assert "schemas/readings.avsc:5: not Avro: field place has the default 'here'" in told
    assert "does not match the union's first type null" in told


def test_a_schema_that_no_stream_uses_is_told(folder: Path) -> None:
    (folder / "left-over.avsc").write_text("{}")
    write(folder, {"readings": ENTRY})

    assert "schemas/left-over.avsc:1: is used by no stream" in refusal(folder)


def test_a_client_has_one_quota(folder: Path) -> None:
    limited = ENTRY | {"quotas": {"gateway": {"produce": "5m"}}}
    write(folder, {"a-readings": limited, "others": limited})

    assert "streams.others.quotas.gateway has its quota in the stream a-readings already" in refusal(folder)


@pytest.mark.parametrize(
    ("deleted", "words"),
    [
        (["readings"], "deleted.0 is readings, which is still among the streams"),
        (["a", "a"], "deleted.1 is a a second time"),
        (["A B"], "deleted.0 is 'A B'"),
        ("a", "deleted is 'a'. It must be a list"),
    ],
)
def test_a_consent_that_cannot_be_meant_is_told(folder: Path, deleted: object, words: str) -> None:
    (folder / catalogue.FILE).write_text(yaml.safe_dump({"streams": {"readings": ENTRY}, "deleted": deleted}))

    assert words in refusal(folder)


SHARED: dict[str, dict[str, Any]] = {
    "unit.avsc": {"type": "enum", "name": "com.example.Unit", "symbols": ["K"]},
    "range.avsc": {
        "type": "record",
        "name": "com.example.Range",
        "fields": [{"name": "unit", "type": "Unit"}, {"name": "least", "type": "double"}],
    },
}


def write_shared(folder: Path, **changes: Any) -> None:
    for file, schema in SHARED.items():
        (folder / file).write_text(json.dumps(schema))
    field = {"name": "range", "type": "com.example.Range"}
    (folder / "readings.avsc").write_text(
        json.dumps({"type": "record", "name": "Reading", "fields": [field]})
    )
    entry = {"owner": "telemetry", "compatibility": "FULL"}
    document = {"types": dict.fromkeys(["range.avsc", "unit.avsc"], entry), "streams": {"readings": ENTRY}}
    (folder / catalogue.FILE).write_text(yaml.safe_dump(document | changes))


def test_shared_types_come_before_what_references_them_in_whatever_order_they_are_written(
    folder: Path,
) -> None:
    write_shared(folder)

    read = catalogue.load(folder)

    assert [subject.name for subject in read.subjects] == [
        "com.example.Unit",
        "com.example.Range",
        "readings-value",
    ]
    assert [one.name for one in read.subjects[-1].references] == ["com.example.Unit", "com.example.Range"]
    assert read.subjects[-1].schema.references == ("com.example.Range",)


def test_a_type_that_nothing_defines_is_told(folder: Path) -> None:
    write_shared(folder, types={"range.avsc": {"owner": "telemetry", "compatibility": "FULL"}})

    told = refusal(folder)

    assert "schemas/range.avsc:1: not Avro: field unit has the type 'Unit', which is not defined" in told
    assert "schemas/unit.avsc:1: is used by no stream" in told


def record_version(
    folder: Path, number: int, *fields: dict[str, Any], subject: str = "readings-value"
) -> None:
    place = folder / "history" / subject
    place.mkdir(parents=True, exist_ok=True)
    schema = {"type": "record", "name": "Reading", "fields": list(fields)}
    (place / f"{number}.avsc").write_text(json.dumps(schema))


def test_a_schema_that_breaks_a_version_in_git_is_refused_with_field_rule_and_versions(folder: Path) -> None:
    record_version(folder, 1)
    unit = {"name": "unit", "type": "string"}
    (folder / "readings.avsc").write_text(json.dumps({"type": "record", "name": "Reading", "fields": [unit]}))
    write(folder, {"readings": ENTRY})

    told = refusal(folder)

    assert "schemas/readings.avsc:1: readings-value must stay BACKWARD compatible" in told
    assert "cannot read what version 1 wrote: field unit" in told
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in told


def test_a_schema_that_is_a_version_already_is_not_judged_again(folder: Path) -> None:
    record_version(folder, 1, {"name": "unit", "type": "string"})
    record_version(folder, 2)
    write(folder, {"readings": ENTRY | {"compatibility": "FULL"}})

    assert catalogue.load(folder).streams


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda place: (place / "3.avsc").write_text("{}"),
            "history/readings-value/3.avsc:1: cannot be used",
        ),
        (lambda place: (place / "one.avsc").write_text("{}"), "one.avsc:1: is no version"),
        (lambda place: (place / "1.avsc").rename(place / "2.avsc"), "has the versions 2; they must be 1, 2"),
        (lambda place: place.rename(place.with_name("gone-value")), "history/gone-value:1: holds versions"),
    ],
    ids=["no schema", "no number", "a gap", "no subject"],
)
def test_versions_that_cannot_be_used_are_told(folder: Path, damage: Any, words: str) -> None:
    record_version(folder, 1)
    write(folder, {"readings": ENTRY})
    damage(folder / "history" / "readings-value")

    assert words in refusal(folder)


def keep(folder: Path, subject: str, number: int, schema: object) -> None:
    """A version as somebody may have put it there."""
    place = folder / "history" / subject
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{number}.avsc").write_text(json.dumps(schema))


def reading(type_: object) -> dict[str, Any]:
    return {"type": "record", "name": "Reading", "fields": [{"name": "range", "type": type_}]}


def change_range(folder: Path, *, stream: str) -> None:
    """A shared type that may do it loses a field that has no default."""
    schema = deepcopy(SHARED["range.avsc"])
    schema["fields"].pop()
    types = {
        "range.avsc": {"owner": "telemetry", "compatibility": "BACKWARD"},
        "unit.avsc": {"owner": "telemetry", "compatibility": "FULL"},
    }
    write_shared(folder, types=types, streams={"readings": ENTRY | {"compatibility": stream}})
    (folder / "range.avsc").write_text(json.dumps(schema))


def record_all(folder: Path) -> None:
    """Keeps what is no version yet, as `messaging schema record` does."""
    read = catalogue.load(folder)
    types = schema_history.types(folder, {one.name: one.schema for one in read.types})
    for subject in read.subjects:
        recorded = schema_history.versions(folder, subject.name, types)
        if not schema_history.is_recorded(subject, recorded):
            schema_history.record(folder, subject, len(recorded) + 1)


def versions_of(folder: Path, subject: str) -> list[str]:
    return sorted(file.name for file in (folder / "history" / subject).iterdir())


def test_shared_types_and_what_names_them_are_recorded_once(folder: Path) -> None:
    write_shared(folder)

    record_all(folder)
    record_all(folder)

    for subject in ("com.example.Unit", "com.example.Range", "readings-value"):
        assert versions_of(folder, subject) == ["1.avsc"]


def test_a_version_of_a_shared_type_is_read_beside_the_type(folder: Path) -> None:
    write_shared(folder)
    keep(folder, "com.example.Range", 1, SHARED["range.avsc"])
    keep(folder, "com.example.Unit", 1, SHARED["unit.avsc"])
    keep(folder, "readings-value", 1, reading("com.example.Range"))

    assert catalogue.load(folder).types


def test_a_type_that_was_inside_a_schema_may_become_a_shared_one(folder: Path) -> None:
    write_shared(folder)
    inside = deepcopy(SHARED["range.avsc"])
    inside["fields"][0]["type"] = SHARED["unit.avsc"]
    keep(folder, "readings-value", 1, reading(inside))

    record_all(folder)

    assert versions_of(folder, "readings-value") == ["1.avsc"], "readers see the same"
    assert versions_of(folder, "com.example.Range") == ["1.avsc"]


def stop_sharing(folder: Path) -> None:
    write(folder, {"readings": ENTRY | {"compatibility": "NONE"}})
    (folder / "readings.avsc").write_text(json.dumps(reading("double")))
    for file in SHARED:
        (folder / file).unlink()


def test_a_type_that_is_shared_no_more_is_still_what_old_versions_name(folder: Path) -> None:
    write_shared(folder)
    keep(folder, "com.example.Range", 1, SHARED["range.avsc"])
    keep(folder, "com.example.Unit", 1, SHARED["unit.avsc"])
    keep(folder, "readings-value", 1, reading("com.example.Range"))
    stop_sharing(folder)

    record_all(folder)

    assert versions_of(folder, "readings-value") == ["1.avsc", "2.avsc"]


def test_nobody_is_told_to_remove_a_type_that_an_unreadable_version_may_name(folder: Path) -> None:
    write_shared(folder)
    record_all(folder)
    stop_sharing(folder)
    (folder / "history" / "readings-value" / "1.avsc").write_text("{")

    told = refusal(folder)

    assert "readings-value/1.avsc:1: cannot be used" in told
    assert "has 1 fault" in told


def test_versions_that_were_recorded_do_not_need_a_types_own_ones(folder: Path) -> None:
    write_shared(folder)
    record_all(folder)
    stop_sharing(folder)
    for name in ("com.example.Range", "com.example.Unit"):
        shutil.rmtree(folder / "history" / name)

    record_all(folder)

    assert versions_of(folder, "readings-value") == ["1.avsc", "2.avsc"]


def test_versions_of_a_type_that_nothing_ever_had_are_told(folder: Path) -> None:
    write_shared(folder)
    record_all(folder)
    keep(folder, "com.example.Renge", 1, {"type": "record", "name": "com.example.Renge", "fields": []})

    assert "history/com.example.Renge:1: holds versions of a subject that no stream has" in refusal(folder)


@pytest.mark.parametrize("by_name", [False, True], ids=["recorded", "by name"])
def test_a_shared_types_change_is_one_of_the_schemas_that_name_it(folder: Path, by_name: bool) -> None:
    write_shared(folder)
    record_all(folder)
    if by_name:
        keep(folder, "readings-value", 1, reading("com.example.Range"))
        keep(folder, "com.example.Range", 1, SHARED["range.avsc"])
    change_range(folder, stream="FULL")

    told = refusal(folder)

    assert "has 1 fault" in told, "the type itself may change so"
    assert "schemas/readings.avsc:1: readings-value must stay FULL compatible" in told
    assert "version 1 cannot read what the new schema wrote: field range.least is not in the writer's" in told


def test_a_shared_types_change_is_a_new_version_of_the_schemas_that_name_it(folder: Path) -> None:
    write_shared(folder)
    record_all(folder)
    change_range(folder, stream="BACKWARD")

    record_all(folder)
    record_all(folder)

    assert versions_of(folder, "readings-value") == ["1.avsc", "2.avsc"]
    assert '"least"' in (folder / "history" / "readings-value" / "1.avsc").read_text()
    assert '"least"' not in (folder / "history" / "readings-value" / "2.avsc").read_text()


def test_a_change_is_seen_through_a_type_that_did_not_change_itself(folder: Path) -> None:
    types = {file: {"owner": "telemetry", "compatibility": "BACKWARD"} for file in SHARED}
    write_shared(folder, types=types, streams={"readings": ENTRY | {"compatibility": "FULL"}})
    record_all(folder)
    unit = deepcopy(SHARED["unit.avsc"])
    unit["symbols"].append("C")
    (folder / "unit.avsc").write_text(json.dumps(unit))

    told = refusal(folder)

    assert "has 1 fault" in told
    assert "field range.unit has no C" in told


def test_a_stream_that_is_called_like_anothers_queue_collides(folder: Path) -> None:
    write(folder, dict.fromkeys(("readings", "readings.dlq"), ENTRY))

    assert "collides with one of the stream readings" in refusal(folder)


def test_a_stream_given_twice_is_refused_with_the_line(folder: Path) -> None:
    write(folder, {"readings": ENTRY})
    path = folder / catalogue.FILE
    path.write_text(path.read_text() + "  readings: {}\n")

    assert "the key 'readings' is given twice" in refusal(folder)


@pytest.mark.parametrize("text", ["", "streams: {}", "streams: [a]", "streams:\n\t- x", "- a"])
def test_what_is_no_catalogue_is_refused_by_its_name(folder: Path, text: str) -> None:
    (folder / catalogue.FILE).write_text(text)

    assert "schemas/streams.yaml" in refusal(folder)


def test_a_date_that_is_none_is_told_with_file_and_line(folder: Path) -> None:
    (folder / catalogue.FILE).write_text("streams:\n  readings:\n    purpose: 2026-02-30\n")

    assert "streams.yaml:1: cannot be read: line 3, column 14: '2026-02-30' is no date" in refusal(folder)


def test_a_missing_catalogue_is_named(tmp_path: Path) -> None:
    assert "streams.yaml:1: cannot be read" in refusal(tmp_path)


@given(st.from_regex(TOPIC_RULE, fullmatch=True))
def test_a_name_that_the_rule_allows_is_one_that_kafka_allows(name: str) -> None:
    assert all(character.isascii() and (character.isalnum() or character in ".-") for character in name)
    assert "_" not in name
