"""A container was removed by hand: what both engines plan and do when they read what exists first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import harness
from tests.parity.engines import ENGINES, STACK
from tests.parity.scenarios import BUNDLES

if TYPE_CHECKING:
    from tests.parity.engines import Engine, Place


@pytest.fixture
def drifted(place: Place) -> Place:
    """A deployed stack of which one container has gone."""
    place.prepare("embedded", BUNDLES["containers"])
    place.up("embedded")
    first = harness.client().containers.list(all=True, filters={"name": f"^/{place.instance}-"})[0]
    first.remove(force=True, v=True)
    return place


def test_a_preview_that_reads_first_plans_the_same(drifted: Place) -> None:
    plans = {engine: drifted.plan(engine, "--refresh") for engine in ENGINES}

    assert plans["cli"] == plans["embedded"]
    assert [step[0] for step in plans["embedded"].steps] == ["create"]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_update_that_reads_first_brings_it_back(drifted: Place, engine: Engine) -> None:
    drifted.up(engine, "--refresh")

    for other in ENGINES:
        drifted.run(other, "preview", "--refresh", "--expect-no-changes", "--stack", STACK)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_destroy_that_reads_first_does_without_it(drifted: Place, engine: Engine) -> None:
    drifted.run(engine, "destroy", "--yes", "--skip-preview", "--refresh", "--stack", STACK)

    assert drifted.exported(engine).get("resources", []) == []
