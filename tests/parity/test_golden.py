"""Recorded states of both engines: the embedded engine still plans from them what both planned then."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.parity import golden
from tests.parity.engines import ENGINES, Place
from tests.parity.scenarios import BUNDLES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.parity.golden import Record

RECORDS = golden.records()
MACHINE = re.compile(r"/(?:work|root|home|tmp/pytest)\b|\.venv")


@pytest.mark.parametrize("record", RECORDS, ids=[record.name for record in RECORDS])
def test_the_recorded_plan_is_planned_again_from_the_recorded_state(tmp_path: Path, record: Record) -> None:
    place = Place(root=tmp_path, instance="")
    place.lay(BUNDLES[record.bundle])
    record.lay(place)

    plan = place.plan("embedded").like(record.plan)
    assert plan.code == record.plan.code
    same_everywhere = [one.name for one in BUNDLES[record.bundle].scenarios if not one.since]
    assert {name: plan.of(name).steps for name in same_everywhere} == {
        name: record.plan.of(name).steps for name in same_everywhere
    }


def test_each_bundle_is_recorded_from_both_engines() -> None:
    found = {(record.bundle, record.engine) for record in RECORDS}

    assert found == {(name, engine) for name in golden.RECORDED for engine in ENGINES}


def test_no_record_names_a_place_on_the_machine_that_wrote_it() -> None:
    named = {file.name: MACHINE.findall(file.read_text()) for file in golden.FOLDER.glob("*.json")}
    assert {name: places for name, places in named.items() if places} == {}
