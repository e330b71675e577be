"""A large state is saved by what changes: each save is durable, any cut loads, and the whole stays linear."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from engine import faults
from engine.errors import DamagedState, StateNotWritten
from engine.resource import Deployment, Resource
from engine.state import journal
from engine.state.backend import Backend
from engine.state.snapshot import Snapshot
from engine.state.statefile import StateFile
from engine.state.writer import FileWriter
from engine.values import Secret
from engine.workspace import passphrase
from engine.workspace.passphrase import Passphrase
from engine.workspace.project import Project
from launcher import handover

if TYPE_CHECKING:
    from pathlib import Path

TYPE = "docker:index/container:Container"


def resource(name: str, *needs: str, **fields: Any) -> Resource:
    fields.setdefault("id", f"{name}-id")
    needed = [f"urn:pulumi:dev::shop::{TYPE}::{one}" for one in needs]
    return Resource(f"urn:pulumi:dev::shop::{TYPE}::{name}", TYPE, dependencies=needed, **fields)


BALLAST = resource("ballast", inputs={"text": "x" * 10_000})
SMALL = 5_000


class Place:
    """A stack's state folder, and runs in it."""

    def __init__(self, root: Path) -> None:
        self.project = Project(name="shop", root=root)
        self.backend = Backend(root.as_uri(), self.project)
        self.passphrase = Passphrase.create("")
        self.state = StateFile(self.backend.file("dev"))
        self.backend.save("dev", Deployment([BALLAST]), self.passphrase)

    def load(self) -> Deployment:
        return self.backend.load("dev", lambda _: self.passphrase)

    def run(self, small: int = SMALL) -> Snapshot:
        """A run whose state counts as large from this many bytes on."""

        def encode(deployment: Deployment) -> str:
            return self.backend._encoded("dev", deployment, self.passphrase)

        self.writer = FileWriter(self.state, encode, self.passphrase, small)
        return Snapshot(self.load(), self.writer)

    def names(self) -> list[str]:
        """What is there besides the ballast."""
        return [one.urn.rsplit("::", 1)[1] for one in self.load().resources if one.urn != BALLAST.urn]

    def pending(self) -> list[tuple[str, str]]:
        return [(one.kind, one.resource.urn.rsplit("::", 1)[1]) for one in self.load().pending]

    def cut_off(self) -> None:
        """Leaves a state behind as a run does that is killed after its first creation."""
        snapshot = self.run()
        snapshot.begin(resource("a", id=""), "creating")
        snapshot.created(resource("a", inputs={"key": Secret("hush")}))
        snapshot.begin(resource("b", "a", id=""), "creating")
        assert self.writer._journal
        self.writer._journal.close()  # as the kernel does for the dead


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(passphrase, "ROUNDS", 1000)
    return Place(tmp_path)


def test_every_save_is_durable_though_the_checkpoint_is_not_written(place: Place) -> None:
    snapshot = place.run()
    snapshot.begin(resource("a", id=""), "creating")
    checkpoint = place.state.file.read_bytes()
    snapshot.created(resource("a", inputs={"key": Secret("hush")}))
    assert (place.names(), place.pending()) == (["a"], [])
    snapshot.begin(resource("b", "a", id=""), "creating")
    assert (place.names(), place.pending()) == (["a"], [("creating", "b")])
    snapshot.created(resource("b", "a"))

    assert place.load() == snapshot.deployment()
    assert place.state.file.read_bytes() == checkpoint
    assert b"hush" not in place.state.journal.read_bytes()
    assert place.load().resources[0].inputs == {"key": Secret("hush")}


def test_at_its_end_a_run_leaves_a_checkpoint_alone(place: Place) -> None:
    snapshot = place.run()
    for name in ("a", "b"):
        snapshot.begin(resource(name, id=""), "creating")
        snapshot.created(resource(name))
    assert place.state.journal.exists()

    snapshot.finish()

    assert not place.state.journal.exists()
    found = json.loads(place.state.file.read_text())["checkpoint"]["latest"]
    assert [one["id"] for one in found["resources"]] == ["a-id", "b-id", "ballast-id"]
    assert place.load() == snapshot.deployment()


def test_a_small_state_is_in_the_checkpoint_after_each_save(place: Place) -> None:
    snapshot = place.run(small=10**6)
    snapshot.begin(resource("a", id=""), "creating")
    snapshot.created(resource("a"))
    snapshot.begin(resource("b", id=""), "creating")

    assert not place.state.journal.exists()
    found = json.loads(place.state.file.read_text())["checkpoint"]["latest"]
    assert [one["id"] for one in found["resources"]] == ["a-id", "ballast-id"]
    assert [one["type"] for one in found["pending_operations"]] == ["creating"]


def test_the_next_run_goes_on_from_what_a_killed_one_recorded(place: Place) -> None:
    place.cut_off()

    snapshot = place.run()
    assert [one.resource.id for one in snapshot.base.pending] == [""]
    for old in snapshot.base.resources:
        snapshot.same(old, old.copy())
    snapshot.begin(resource("b", "a", id=""), "creating")
    assert (place.names(), place.pending()) == (["a"], [("creating", "b")])
    snapshot.created(resource("b", "a"))
    snapshot.finish()

    assert (place.names(), place.pending()) == (["a", "b"], [])
    assert not place.state.journal.exists()


def test_a_journal_cut_anywhere_loads_as_of_the_last_save_that_is_whole(place: Place) -> None:
    place.cut_off()
    whole = place.state.journal.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    saves: list[tuple[list[str], list[tuple[str, str]]]] = [
        ([], [("creating", "a")]),
        (["a-id"], []),
        (["a-id"], [("creating", "b")]),
    ]
    assert len(ends) == len(saves)

    for length in range(len(whole) + 1):
        place.state.journal.write_bytes(whole[:length])
        reached = max(sum(end <= length for end in ends) - 1, 0)
        found = place.load()
        kept = [one.id for one in found.resources if one.id != BALLAST.id]
        assert (kept, [(one.kind, one.resource.urn[-1]) for one in found.pending]) == saves[reached]


def test_what_a_crash_left_of_a_last_line_is_overwritten(place: Place) -> None:
    place.cut_off()
    whole = place.state.journal.read_bytes()
    place.state.journal.write_bytes(whole[:-9] + bytes(8) + b"\n")
    assert (place.names(), place.pending()) == (["a"], [])

    assert place.backend.fold("dev")

    assert (place.names(), place.pending()) == (["a"], [])


@pytest.mark.parametrize("line", [0, 1])
def test_a_journal_that_is_damaged_in_the_middle_is_refused_with_what_to_do(place: Place, line: int) -> None:
    place.cut_off()
    lines = place.state.journal.read_bytes().splitlines(keepends=True)
    lines[line] = lines[line].replace(b'"', b"'", 1)
    place.state.journal.write_bytes(b"".join(lines))

    with pytest.raises(DamagedState, match=rf"line {line + 1} of .*dev.json.journal is damaged.* mv .*"):
        place.load()
    with pytest.raises(DamagedState):
        place.backend.fold("dev")

    place.state.journal.rename(place.state.journal.with_suffix(".unused"))
    assert place.names() == []


def test_a_journal_that_lost_a_line_is_refused(place: Place) -> None:
    place.cut_off()
    lines = place.state.journal.read_bytes().splitlines(keepends=True)
    place.state.journal.write_bytes(b"".join([lines[0], *lines[2:], lines[1]]))

    with pytest.raises(DamagedState, match="line 2 of"):
        place.load()


def test_a_journal_of_another_version_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "VERSION", 2)
    place.cut_off()
    monkeypatch.undo()

    with pytest.raises(DamagedState, match="version 2; this engine reads version 1"):
        place.load()


def test_a_checkpoint_that_another_tool_changed_since_is_not_mixed_with_the_journal(place: Place) -> None:
    place.cut_off()
    place.state.file.write_text(place.state.file.read_text().replace("metadata", "meta_data"))

    with pytest.raises(DamagedState, match="was changed by another tool since a run"):
        place.load()


@pytest.mark.parametrize("point", ["fold.before", "fold.after"])
def test_killed_while_it_is_brought_into_the_checkpoint_it_counts_once(
    place: Place, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    class Killed(BaseException):
        pass

    def die(name: str) -> None:
        if name == point:
            raise Killed

    place.cut_off()
    monkeypatch.setattr(faults, "point", die)
    with pytest.raises(Killed):
        place.backend.fold("dev")
    monkeypatch.undo()

    assert place.state.journal.exists()
    assert (place.names(), place.pending()) == (["a"], [("creating", "b")])
    assert place.backend.fold("dev")
    assert (place.names(), place.pending()) == (["a"], [("creating", "b")])
    assert not place.state.journal.exists()


def test_a_run_that_is_under_way_is_left_alone(place: Place) -> None:
    snapshot = place.run()
    snapshot.begin(resource("a", id=""), "creating")
    snapshot.created(resource("a"))

    assert not place.backend.fold("dev")
    assert handover.prepare({"PULUMI_BACKEND_URL": place.backend.address}, place.project.root) == []
    assert place.state.journal.exists()


def test_before_the_cli_runs_the_launcher_brings_it_into_the_checkpoint(place: Place) -> None:
    place.cut_off()
    (place.project.root / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")

    told = handover.prepare({"PULUMI_BACKEND_URL": place.backend.address}, place.project.root)

    assert told == [
        "pulumi: what an interrupted run of the embedded engine recorded of the stack dev is in its state now"
    ]
    found = json.loads(place.state.file.read_text())["checkpoint"]["latest"]
    assert [one["type"] for one in found["pending_operations"]] == ["creating"]


def test_after_a_line_that_did_not_fit_the_next_one_carries_it_too(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    snapshot = place.run()
    snapshot.begin(resource("a", id=""), "creating")
    snapshot.created(resource("a"))

    def full(descriptor: int, data: bytes) -> int:
        real(descriptor, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StateNotWritten, match="No space left on device"):
        snapshot.begin(resource("b", id=""), "creating")
    monkeypatch.undo()
    assert (place.names(), place.pending()) == (["a"], [])
    snapshot.begin(resource("c", id=""), "creating")

    assert place.pending() == [("creating", "b"), ("creating", "c")]


def written(place: Place, monkeypatch: pytest.MonkeyPatch, olds: int, news: int) -> int:
    """Bytes that a run writes that updates some resources and creates others."""
    place.backend.save("dev", Deployment([resource(f"old-{one}") for one in range(olds)]), place.passphrase)
    counted = 0
    replace, write = StateFile._replace, journal._write

    def count_whole(state: StateFile, data: bytes) -> None:
        nonlocal counted
        counted += len(data)
        replace(state, data)

    def count_line(descriptor: int, data: bytes) -> None:
        nonlocal counted
        counted += len(data)
        write(descriptor, data)

    monkeypatch.setattr(StateFile, "_replace", count_whole)
    monkeypatch.setattr(journal, "_write", count_line)
    snapshot = place.run()
    for old in snapshot.base.resources:
        snapshot.begin(old, "updating")
        snapshot.updated(old, old.copy())
    for number in range(news):
        snapshot.begin(resource(f"new-{number}", id=""), "creating")
        snapshot.created(resource(f"new-{number}"))
    snapshot.finish()
    monkeypatch.undo()
    return counted


@pytest.mark.parametrize(("olds", "news"), [(0, 1), (1, 0), (1, 1)])
def test_twice_the_resources_take_twice_the_bytes(
    place: Place, monkeypatch: pytest.MonkeyPatch, olds: int, news: int
) -> None:
    first, second, third = (
        written(place, monkeypatch, olds * count, news * count) for count in (150, 300, 600)
    )

    assert third - second < 2.5 * (second - first)


def test_notes_that_a_killed_cli_left_empty_go_with_the_next_save(place: Place) -> None:
    notes = [place.state.file.with_name(f"dev.json{ending}.attrs") for ending in ("", ".bak")]
    for file in notes:
        file.touch()

    place.backend.save("dev", Deployment([BALLAST]), place.passphrase)

    assert [file for file in notes if file.exists()] == []
    assert place.names() == []
