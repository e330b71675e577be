"""The state while a run changes it: on disk before each call, and what is kept of each step."""

from __future__ import annotations

import pytest

from engine.resource import Deployment, PendingOperation, Resource
from engine.state.snapshot import Snapshot
from tests.unit.engine.disk import Disk
from tests.unit.engine.state.resources import resource, urn


def test_a_call_is_on_disk_before_it_is_made(disk: Disk) -> None:
    snapshot = Snapshot(Deployment(), disk)

    snapshot.begin(resource("a", id=""), "creating")

    assert (disk.names, disk.pending) == ([], [("creating", "a")])


def test_what_is_done_comes_in_order_of_completion_before_what_is_not(disk: Disk) -> None:
    olds = [resource("a"), resource("b"), resource("c")]
    snapshot = Snapshot(Deployment(olds), disk)
    new = resource("c", id="c-2")

    snapshot.begin(olds[2], "updating")
    snapshot.updated(olds[2], new)
    snapshot.same(olds[0], olds[0].copy())
    snapshot.created(resource("d"))

    assert (disk.names, disk.pending) == (["c", "a", "d", "b"], [])
    assert disk.saves[-1].resources[0].id == "c-2"


def test_resources_that_do_not_change_cost_no_save_until_the_end(disk: Disk) -> None:
    olds = [resource("a"), resource("b")]
    snapshot = Snapshot(Deployment(olds), disk)

    for old in reversed(olds):
        snapshot.same(old, old.copy())
    assert disk.saves == []
    snapshot.finish()

    assert disk.names == ["b", "a"]


def test_a_preview_saves_nothing() -> None:
    old = resource("a")
    snapshot = Snapshot(Deployment([old]))

    snapshot.begin(old, "deleting")
    snapshot.deleted(old)
    snapshot.finish()

    assert snapshot.deployment().resources == []


def test_a_replaced_resource_stays_marked_until_it_is_deleted(disk: Disk) -> None:
    old = resource("a", id="old")
    snapshot = Snapshot(Deployment([old]), disk)

    snapshot.created(resource("a", id="new"), replacing=old, keeps_old=True)
    assert [(one.id, one.delete) for one in disk.saves[-1].resources] == [("new", False), ("old", True)]
    snapshot.deleted(old)

    assert [one.id for one in disk.saves[-1].resources] == ["new"]


def test_a_resource_deleted_before_its_replacement_keeps_others_names_whole(disk: Disk) -> None:
    olds = [resource("a", id="old"), resource("b", "a")]
    snapshot = Snapshot(Deployment(olds), disk)

    snapshot.begin(olds[0], "deleting")
    snapshot.mark_pending_replacement(olds[0])
    assert disk.saves[-1].resources[0].pending_replacement
    assert disk.pending == []
    snapshot.created(resource("a", id="new"), replacing=olds[0])

    assert [(one.id, one.pending_replacement) for one in disk.saves[-1].resources] == [
        ("new", False),
        ("b-id", False),
    ]


def test_a_vanished_resource_is_taken_out_of_what_others_name(disk: Disk) -> None:
    parent = resource("parent")
    gone = resource("gone", parent=parent.urn)
    other = resource(
        "other",
        "parent",
        "gone",
        parent=gone.urn,
        property_dependencies={"x": [gone.urn]},
        deleted_with=gone.urn,
    )
    read = other.copy(outputs={"fresh": True})
    snapshot = Snapshot(Deployment([parent, gone, other]), disk)

    snapshot.refreshed(gone, None)
    snapshot.refreshed(other, read)

    (_, kept) = disk.saves[-1].resources
    assert (kept.dependencies, kept.property_dependencies) == ([parent.urn], {"x": []})
    assert (kept.parent, kept.deleted_with, kept.outputs) == (parent.urn, "", {"fresh": True})


def test_a_resource_found_under_an_alias_is_renamed_in_what_others_name(disk: Disk) -> None:
    old = resource("before")
    provider = Resource(urn("p"), "pulumi:providers:docker", id="1")
    user = resource(
        "user", "before", parent=old.urn, property_dependencies={"x": [old.urn]}, deleted_with=old.urn
    )
    snapshot = Snapshot(Deployment([provider, old, user]), disk)

    snapshot.updated(old, resource("after"))
    snapshot.same(provider, Resource(urn("q"), provider.type, id="1"))
    snapshot.finish()

    kept = disk.saves[-1].resources[-1]
    assert {kept.parent, kept.deleted_with, *kept.dependencies, *kept.property_dependencies["x"]} == {
        urn("after")
    }


def test_providers_are_renamed_with_their_alias_too(disk: Disk) -> None:
    before = Resource(urn("p"), "pulumi:providers:docker", id="1")
    snapshot = Snapshot(Deployment([before, resource("a", provider=f"{urn('p')}::1")]), disk)

    snapshot.updated(before, Resource(urn("q"), before.type, id="1"))

    assert disk.saves[-1].resources[1].provider == f"{urn('q')}::1"


def test_a_call_that_failed_for_sure_leaves_no_record(disk: Disk) -> None:
    old = resource("a")
    snapshot = Snapshot(Deployment([old]), disk)

    snapshot.begin(old, "deleting")
    snapshot.failed(old)

    assert (disk.names, disk.pending) == (["a"], [])


def test_creations_of_unknown_outcome_outlast_runs_until_they_are_cleared(disk: Disk) -> None:
    pending = [
        PendingOperation(resource("a", id=""), "creating"),
        PendingOperation(resource("b"), "reading"),
    ]
    snapshot = Snapshot(Deployment([resource("b")], pending), disk)

    snapshot.finish()
    assert disk.pending == [("creating", "a")]
    snapshot.clear_pending_creates()

    assert disk.pending == []


@pytest.mark.parametrize("kind", ["updating", "deleting"])
def test_a_call_of_unknown_outcome_outlasts_runs_that_do_not_look(kind: str, disk: Disk) -> None:
    base = Deployment([resource("a"), resource("b")], [PendingOperation(resource("b"), kind)])
    snapshot = Snapshot(base, disk)

    snapshot.begin(base.resources[0], "reading")  # and there this run is killed
    left, later = disk.saves[-1], Disk()
    snapshot = Snapshot(left, later)
    snapshot.clear_pending_creates()
    assert later.pending == [(kind, "b")]
    snapshot.settled(left.resources[1], left.resources[1])
    snapshot.finish()

    assert later.pending == []


def test_a_creation_that_succeeds_at_last_settles_the_earlier_one(disk: Disk) -> None:
    snapshot = Snapshot(Deployment([], [PendingOperation(resource("a", id=""), "creating")]), disk)

    snapshot.begin(resource("a", id=""), "creating")
    snapshot.created(resource("a"))

    assert (disk.names, disk.pending) == (["a"], [])


def test_a_creation_keeps_the_record_of_an_earlier_one_that_was_to_make_something_else(disk: Disk) -> None:
    def named(name: str, provider: str = "p", *, steps: bool = True) -> Resource:
        extra = {"messagingSteps": ["1"]} if steps else {}
        return resource(
            "a", id="", provider=f"{urn(provider)}::{provider}-id", inputs={"name": name}, extra=extra
        )

    earlier = [named("x"), named("y"), named("y", "q"), named("x", steps=False)]
    base = [resource("p"), resource("q")]
    snapshot = Snapshot(Deployment(base, [PendingOperation(one, "creating") for one in earlier]), disk)

    snapshot.same(base[0], base[0].copy())
    snapshot.begin(named("y"), "creating")
    snapshot.created(named("y").copy(id="made"))

    assert snapshot.unresolved_creations() == [earlier[0]]


def test_outputs_that_come_late_are_saved_at_the_end(disk: Disk) -> None:
    component = resource("box", id="", custom=False)
    snapshot = Snapshot(Deployment(), disk)
    snapshot.created(component)

    snapshot.outputs(component, {"url": "localhost"})
    snapshot.finish()

    assert disk.saves[-1].resources[0].outputs == {"url": "localhost"}
