"""Types that several schemas share: what names them, what is recorded of them, what their changes break."""

from __future__ import annotations

import json
import shutil
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from messaging import catalogue, schema_history
from tests.unit.messaging.catalogues import ENTRY, refusal, write

if TYPE_CHECKING:
    from pathlib import Path

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
