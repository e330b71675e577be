"""The versions of a schema that git keeps: what a new one may not break, and which ones cannot be used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from messaging import catalogue
from tests.unit.messaging.catalogues import ENTRY, refusal, write

if TYPE_CHECKING:
    from pathlib import Path


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
