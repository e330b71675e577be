"""A program's process that is loaded before anybody knows what it runs, and what becomes of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine import deployment, program
from engine.events import Event, Output
from engine.executor import Cancellation
from engine.program import Standby, close_ahead, load_ahead
from engine.project import Project
from engine.resource import Deployment
from engine.run import Settings
from engine.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

SAYS = """
import os, sys
print("process", os.getpid())
print("input", repr(sys.stdin.read()))
print("told", os.environ["TOLD"], os.environ.get("FORGOTTEN"))
print("known to others", b"hush" in open("/proc/self/environ", "rb").read())
print("configured", os.environ["PULUMI_CONFIG"])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "__main__.py").write_text(SAYS)
    yield tmp_path
    close_ahead()


def ran(folder: Path) -> list[str]:
    """What the program prints in a preview of it."""
    events: list[Event] = []
    settings = Settings(
        project=Project(name="tiny", root=folder),
        stack="dev",
        config={"tiny:password": "hush"},
        secret_keys=["tiny:password"],
        parallel=1,
        preview=True,
        root=folder,
    )
    result = deployment.update(settings, Snapshot(Deployment(), None), events.append, Cancellation())
    assert result.exit_code == 0
    return [event.text for event in events if isinstance(event, Output)]


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_it_takes_on_the_environment_that_it_is_told_and_shows_it_to_nobody(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGOTTEN", "by the time it runs")
    load_ahead(folder)
    (standby,) = program._ahead
    monkeypatch.delenv("FORGOTTEN")
    monkeypatch.setenv("TOLD", "later")

    lines = ran(folder)

    assert f"process {standby._child.pid}" in lines
    assert "told later None" in lines
    assert "input ''" in lines
    assert "known to others False" in lines
    assert 'configured {"tiny:password": "hush"}' in lines


def test_one_that_was_loaded_for_another_folder_is_ended(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLD", "something")
    load_ahead(tmp_path_factory.mktemp("another"))
    (standby,) = program._ahead

    lines = ran(folder)

    assert gone(standby._child.pid)
    assert f"process {standby._child.pid}" not in lines
    assert "told something None" in lines


def test_one_that_died_is_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLD", "something")
    load_ahead(folder)
    (standby,) = program._ahead
    os.killpg(standby._child.pid, signal.SIGKILL)
    assert standby._child.wait(30) == -signal.SIGKILL

    assert "told something None" in ran(folder)


def test_one_that_nobody_needs_is_ended_without_a_word(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    load_ahead(folder)
    (standby,) = program._ahead

    close_ahead()

    assert gone(standby._child.pid)
    assert capfd.readouterr() == ("", "")


def test_it_ends_by_itself_where_whoever_started_it_hangs_up(folder: Path) -> None:
    standby = Standby(folder)
    stream = standby._child._process.stdin
    assert stream is not None

    stream.close()

    assert standby._child.wait(30) == 0
    standby.close()
