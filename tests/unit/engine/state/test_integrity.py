"""A state that contradicts itself is refused with all its faults, and never written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import DamagedState
from engine.resource import Deployment, Resource
from engine.state.integrity import verify
from engine.state.snapshot import Snapshot
from tests.unit.engine.state.resources import resource, urn

if TYPE_CHECKING:
    from tests.unit.engine.disk import Disk


@pytest.mark.parametrize(
    ("resources", "fault"),
    [
        ([resource("b", "a"), resource("a")], "it depends on"),
        ([resource("b", property_dependencies={"x": [urn("a")]}), resource("a")], "a property depends on"),
        ([resource("b", parent=urn("a"))], "parent"),
        ([resource("b", provider=f"{urn('a')}::1")], "provider"),
        ([resource("b", deleted_with=urn("a"))], "deleted with"),
        ([resource("a"), resource("a")], "twice"),
        ([resource("a", custom=False, id="x")], "component"),
    ],
)
def test_an_inconsistent_state_is_refused_with_the_reason(resources: list[Resource], fault: str) -> None:
    with pytest.raises(DamagedState, match=fault):
        verify(Deployment(resources))


def test_an_inconsistent_state_is_never_written(disk: Disk) -> None:
    snapshot = Snapshot(Deployment(), disk)

    with pytest.raises(DamagedState, match="nowhere"):
        snapshot.created(resource("a", "nowhere"))

    assert disk.saves == []


def test_all_faults_of_a_state_are_told_at_once() -> None:
    with pytest.raises(DamagedState) as told:
        verify(Deployment([resource("b", "a"), resource("c", custom=False)]))

    assert "::b names" in str(told.value)
    assert "::c is a component" in str(told.value)
