"""How a run saves its state: one writer for all threads, whole after any kill, no more than what changed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.resource import Deployment
from engine.state.integrity import verify
from engine.state.snapshot import Snapshot
from tests.unit.engine.disk import Disk
from tests.unit.engine.state.resources import resource, urn

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.state.snapshot import Change, Whole


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
