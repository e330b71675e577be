"""The state while a run changes it: durable before each call, whole after any kill, one writer for all."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DamagedState
from engine.resource import Deployment, PendingOperation, Resource
from engine.state.integrity import verify
from engine.state.snapshot import Snapshot
from tests.unit.engine.disk import Disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.state.snapshot import Change, Whole

TYPE = "docker:index/container:Container"


def urn(name: str) -> str:
    return f"urn:pulumi:dev::shop::{TYPE}::{name}"


def resource(name: str, *needs: str, **fields: Any) -> Resource:
    fields.setdefault("id", f"{name}-id")
    return Resource(urn(name), TYPE, dependencies=[urn(one) for one in needs], **fields)


@pytest.fixture
def disk() -> Disk:
    return Disk()


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


def test_what_is_being_written_does_not_change_under_the_pen() -> None:
    old = resource("a")
    seen: list[bool] = []

    class Pen:
        def save(self, change: Change, whole: Callable[[], Whole], *, final: bool) -> None:
            written = whole()
            old.delete = True  # as another thread's step would mark it
            seen.append(written.deployment.resources[0].delete)
            seen.extend(one.delete for one in change.resources.values())

    snapshot = Snapshot(Deployment([old]), Pen())
    snapshot.settled(old, old)
    snapshot.finish()

    assert seen == [False, False]


def test_no_thread_goes_on_before_its_record_is_durable(disk: Disk) -> None:
    count = 12
    start = threading.Barrier(count)
    lost: list[str] = []
    snapshot = Snapshot(Deployment(), disk)

    def work(number: int) -> None:
        name = f"r{number}"
        start.wait()
        snapshot.begin(resource(name, id=""), "creating")
        if ("creating", name) not in disk.pending:
            lost.append(f"begin {name}")
        snapshot.created(resource(name))
        if name not in disk.names:
            lost.append(f"created {name}")

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))

    assert lost == []
    assert sorted(disk.names) == sorted(f"r{number}" for number in range(count))


def test_records_that_wait_for_a_save_share_the_next_one() -> None:
    count = 6
    writing, go_on = threading.Event(), threading.Event()
    saves: list[int] = []

    class Slow(Disk):
        def save(self, change: Change, whole: Callable[[], Whole], *, final: bool) -> None:
            super().save(change, whole, final=final)
            saves.append(len(self.pending))
            writing.set()
            go_on.wait(30)

    snapshot = Snapshot(Deployment(), Slow())
    with ThreadPoolExecutor(count) as pool:
        done = [pool.submit(snapshot.begin, resource("r0", id=""), "creating")]
        assert writing.wait(30)
        done += [pool.submit(snapshot.begin, resource(f"r{n}", id=""), "creating") for n in range(1, count)]
        while len(snapshot.deployment().pending) < count:
            pass  # until all have recorded what they wait for
        go_on.set()
        for one in done:
            one.result(30)

    assert saves[0] == 1
    assert saves[-1] == count
    assert len(saves) < count


def test_a_failed_save_is_told_to_everyone_who_waits() -> None:
    class Full:
        def save(self, change: Change, whole: Callable[[], Whole], *, final: bool) -> None:
            raise OSError(28, "No space left on device")

    snapshot = Snapshot(Deployment(), Full())

    for name in ("a", "b"):
        with pytest.raises(OSError, match="No space"):
            snapshot.created(resource(name))


def test_what_a_failed_save_was_to_write_comes_with_the_next_one(disk: Disk) -> None:
    full = [False]

    class Filling:
        def save(self, change: Change, whole: Callable[[], Whole], *, final: bool) -> None:
            if full[0]:
                raise OSError(28, "No space left on device")
            disk.save(change, whole, final=final)

    old = resource("a")
    snapshot = Snapshot(Deployment([old]), Filling())
    snapshot.begin(old, "deleting")
    full[0] = True
    with pytest.raises(OSError, match="No space"):
        snapshot.deleted(old)
    full[0] = False

    snapshot.begin(resource("b", id=""), "creating")

    assert (disk.names, disk.pending) == ([], [("creating", "b")])


def test_each_save_carries_no_more_than_what_has_changed() -> None:
    carried: list[int] = []

    class Scale:
        def save(self, change: Change, whole: Callable[[], Whole], *, final: bool) -> None:
            carried.append(len(change.resources) + len(change.pending) + len(change.gone))

    olds = [resource(f"r{number}") for number in range(500)]
    snapshot = Snapshot(Deployment(olds), Scale())
    for number, old in enumerate(olds):
        snapshot.begin(old, "updating")
        snapshot.updated(old, resource(f"r{number}", id="new"))

    assert max(carried) <= 3


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


NAMES = [f"r{number}" for number in range(5)]


@given(st.data())
def test_every_save_of_any_run_is_whole_and_holds_what_was_known(data: st.DataObject) -> None:
    """Random runs over a chain of resources: whatever the last save before a kill, it loads."""
    disk = Disk()
    known = data.draw(st.integers(0, len(NAMES)), label="existing")
    olds = [resource(name, *NAMES[:at][-1:]) for at, name in enumerate(NAMES[:known])]
    snapshot = Snapshot(Deployment(olds), disk)
    for at, name in enumerate(NAMES):
        old = olds[at] if at < known else None
        new = resource(name, *NAMES[:at][-1:])
        match data.draw(
            st.sampled_from(["same", "update", "after", "before", "stop"]) if old else st.just("create")
        ):
            case "same" if old:
                snapshot.same(old, new)
            case "update" if old:
                snapshot.begin(new, "updating")
                snapshot.updated(old, new)
            case "after" if old:
                snapshot.begin(new, "creating")
                snapshot.created(new, replacing=old, keeps_old=True)
            case "before" if old:
                snapshot.begin(old, "deleting")
                snapshot.mark_pending_replacement(old)
                snapshot.begin(new, "creating")
                snapshot.created(new, replacing=old)
            case "stop":
                break
            case _:
                snapshot.begin(new, "creating")
                snapshot.created(new)
    else:
        for old in reversed([one for one in olds if one.delete]):
            snapshot.begin(old, "deleting")
            snapshot.deleted(old)
        assert sorted(one.urn for one in snapshot.deployment().resources) == sorted(map(urn, NAMES))
    snapshot.finish()

    for saved in disk.saves:
        verify(saved)
        assert {urn(name) for name in NAMES[:known]} <= {one.urn for one in saved.resources}
    assert disk.saves[-1].pending == []
