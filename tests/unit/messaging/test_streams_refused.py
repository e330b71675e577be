"""Mistakes in the stream catalogue and its schemas are told at once, with their lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from messaging import catalogue
from tests.unit.messaging.catalogues import ENTRY, changed, refusal, write

if TYPE_CHECKING:
    from pathlib import Path


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
