"""The stack's lock: held, found, and told apart from one that was left behind."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import StackLocked
from engine.state.lock import Holder, held, holders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "locks" / "organization" / "shop" / "dev"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def other_process() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def left_by(folder: Path, **changes: Any) -> None:
    record = {
        "pid": os.getpid(),
        "username": "anna",
        "hostname": socket.gethostname(),
        "timestamp": datetime.now(UTC).isoformat(),
        **changes,
    }
    (folder / "one.json").write_text(json.dumps(record))


def refusal(folder: Path) -> str:
    with pytest.raises(StackLocked) as caught, held(folder, "dev"):
        pass
    return str(caught.value)


def test_a_lock_says_who_holds_the_stack_in_the_clis_words_and_is_gone_afterwards(folder: Path) -> None:
    with held(folder, "dev"):
        (file,) = holders(folder)
        record = json.loads(file.read_text())

    assert set(record) == {"pid", "username", "hostname", "timestamp", "startedTicks"}
    assert (record["pid"], record["hostname"]) == (os.getpid(), socket.gethostname())
    assert datetime.fromisoformat(record["timestamp"]).tzinfo is not None
    assert not holders(folder)


def test_the_stack_is_free_again_after_a_run_that_failed(folder: Path) -> None:
    with pytest.raises(RuntimeError), held(folder, "dev"):
        raise RuntimeError
    assert not holders(folder)


def test_a_live_holder_is_named_with_what_to_do(folder: Path, other_process: subprocess.Popen[bytes]) -> None:
    left_by(folder, pid=other_process.pid)

    said = refusal(folder)

    assert f"process {other_process.pid} of anna on {socket.gethostname()} since " in said
    assert "that process is still running" in said
    assert "Wait for it to end." in said
    assert "pulumi cancel --stack dev" in said


def test_a_refused_run_leaves_no_lock_of_its_own(folder: Path) -> None:
    left_by(folder)
    refusal(folder)
    assert [file.name for file in holders(folder)] == ["one.json"]


def test_a_stale_lock_is_told_from_a_live_one(folder: Path, other_process: subprocess.Popen[bytes]) -> None:
    other_process.kill()
    other_process.communicate()
    left_by(folder, pid=other_process.pid)

    said = refusal(folder)

    assert "that process is no longer there" in said
    assert "has ended without freeing it" in said
    assert holders(folder), "it is not broken silently"


def test_a_number_that_went_to_a_younger_process_is_no_holder(folder: Path) -> None:
    before_this_process = datetime.now(UTC) - timedelta(days=3650)
    left_by(folder, timestamp=before_this_process.isoformat())

    assert "that process is no longer there" in refusal(folder)


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_that_jumps_makes_no_live_holder_look_dead(folder: Path, years: int) -> None:
    with held(folder, "dev"):
        (file,) = holders(folder)
        record = json.loads(file.read_text())
        jumped = datetime.now(UTC) + timedelta(days=365 * years)
        file.write_text(json.dumps(record | {"timestamp": jumped.isoformat()}))

        assert Holder.read(file).is_alive() is True
        file.write_text(json.dumps(record | {"startedTicks": record["startedTicks"] - 1}))
        assert Holder.read(file).is_alive() is False, "its number went to a younger process"


def test_nothing_is_claimed_about_a_process_on_another_host(folder: Path) -> None:
    left_by(folder, hostname="elsewhere", pid=1)

    assert "whether it still runs cannot be seen from here" in refusal(folder)


def test_a_time_as_the_cli_writes_it_is_understood(folder: Path) -> None:
    now = datetime.now(UTC) + timedelta(hours=2)
    left_by(folder, timestamp=f"{now:%Y-%m-%dT%H:%M:%S}.123456789+02:00")

    (file,) = holders(folder)
    assert Holder.read(file).is_alive() is True


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"pid": "x"}', '{"pid": {}}'])
def test_a_lock_that_says_nothing_readable_still_holds(folder: Path, content: str) -> None:
    (folder / "one.json").write_text(content)

    assert re.search(r"process \? of .* cannot be seen from here", refusal(folder))


def test_of_two_runs_at_once_at_most_one_goes_on(folder: Path) -> None:
    with held(folder, "dev"):
        assert "that process is still running" in refusal(folder)
