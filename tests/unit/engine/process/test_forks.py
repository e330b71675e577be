"""Processes forked from one that has loaded what they need are what a start of their own makes of them."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.deployment import update
from engine.deployment.executor import Cancellation
from engine.deployment.run import Settings
from engine.events import Event, Output
from engine.process import forks, forkserver
from engine.process.processes import Child, Processes
from engine.resource import Deployment
from engine.state.snapshot import Snapshot
from engine.workspace.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[4]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks what has loaded all that")

PROGRAM = """
import os, sys
print("forked by", os.getppid())
print("input", repr(sys.stdin.read()))
print("told", os.environ["TOLD"], os.environ.get("FORGOTTEN"))
print("known to others", b"hush" in open("/proc/self/environ", "rb").read())
print("configured", os.environ["PULUMI_CONFIG"])
"""
ITSELF = """
import atexit, gc, json, os, sys, threading
atexit.register(print, "the end")
print(json.dumps({
    "arguments": sys.argv[1:],
    "path": sys.path[0],
    "cwd": os.getcwd(),
    "environment": dict(os.environ),
    "session": os.getsid(0) == os.getpid(),
    "threads": threading.active_count(),
    "collects": gc.isenabled(),
    "descriptors": len(os.listdir("/proc/self/fd")),
    "name": __name__,
}))
print("to the other stream", file=sys.stderr)
"""
ENGINE = """
from pathlib import Path
from engine.process import forks
from engine.process.processes import Processes
forks.start(Path.cwd())
child = Processes().module("waits", [], cwd=Path.cwd(), environment={}, on_line=print)
print(forks._servers[0].process.pid, child.pid, flush=True)
child.wait()
"""


class Started:
    """Starts modules from a folder, and keeps what they print."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes = Processes()

    def module(self, name: str, source: str, *arguments: str) -> tuple[Child, list[tuple[str, bool]]]:
        (self.folder / f"{name}.py").write_text(source)
        lines: list[tuple[str, bool]] = []
        child = self.processes.module(
            name,
            arguments,
            cwd=self.folder,
            environment={"ADDED": "yes"},
            on_line=lambda line, error: lines.append((line, error)),
        )
        return child, lines


@pytest.fixture(autouse=True)
def no_server_left() -> Iterator[None]:
    yield
    forks.close()


@pytest.fixture
def server(tmp_path: Path) -> forks.ForkServer:
    forks.start(tmp_path)
    (one,) = forks._servers
    return one


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    one = Started(tmp_path)
    yield one
    one.processes.close()


def eventually(holds: Callable[[], object], what: str) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.01)  # between two looks


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def entries(folder: str) -> int:
    return len(list(Path(folder).iterdir()))


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def ran(folder: Path) -> list[str]:
    """What the program in a folder prints in a preview of it."""
    events: list[Event] = []
    settings = Settings(
        project=Project(name="tiny", root=folder),
        stack="dev",
        config={"tiny:password": "hush"},
        secret_keys=["tiny:password"],
        parallel=1,
        preview=True,
    )
    result = update.update(settings, Snapshot(Deployment(), None), events.append, Cancellation())
    assert result.exit_code == 0
    return [event.text for event in events if isinstance(event, Output)]


# --- what runs there runs as it would alone ---


def test_a_process_is_the_same_forked_or_started(
    started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGOTTEN", "by the time it starts")
    forks.start(tmp_path)
    (server,) = forks._servers
    monkeypatch.delenv("FORGOTTEN")
    child, forked = started.module("itself", ITSELF, "one", "--two")
    assert parent(child.pid) == server.process.pid
    assert child.wait(60) == 0
    forks.close()

    child, alone = started.module("itself", ITSELF, "one", "--two")
    assert parent(child.pid) == os.getpid()
    assert child.wait(60) == 0

    assert sorted(line for line, error in forked if error) == ["to the other stream"]
    assert [json.loads(line) for line, error in forked if not error and line.startswith("{")] == [
        json.loads(line) for line, error in alone if not error and line.startswith("{")
    ]
    assert ("the end", False) in forked


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("raise SystemExit(7)", 7),
        ("raise ValueError('no good')", 1),
        ("import os; os._exit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    ],
)
def test_how_it_ended_is_told_and_remembered(
    server: forks.ForkServer, started: Started, source: str, code: int
) -> None:
    child, lines = started.module("ends", source)

    assert parent(child.pid) == server.process.pid
    assert child.wait() == code
    assert child.wait(0) == code
    assert gone(child.pid), "it is no zombie"
    assert any("no good" in line for line, _ in lines) == (code == 1)


def test_the_program_takes_on_the_environment_of_its_run_and_shows_its_configuration_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "__main__.py").write_text(PROGRAM)
    monkeypatch.setenv("FORGOTTEN", "by the time it runs")
    forks.start(tmp_path)
    (server,) = forks._servers
    monkeypatch.delenv("FORGOTTEN")
    monkeypatch.setenv("TOLD", "later")

    lines = ran(tmp_path)

    assert f"forked by {server.process.pid}" in lines
    assert "told later None" in lines
    assert "input ''" in lines
    assert "known to others False" in lines
    assert 'configured {"tiny:password": "hush"}' in lines


def test_without_a_server_the_program_shows_its_configuration_to_nobody_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "__main__.py").write_text(PROGRAM)
    monkeypatch.setenv("TOLD", "at once")

    lines = ran(tmp_path)

    assert f"forked by {os.getpid()}" in lines
    assert "known to others False" in lines
    assert 'configured {"tiny:password": "hush"}' in lines


# --- many at once ---


def test_what_it_has_loaded_started_no_thread(server: forks.ForkServer, started: Started) -> None:
    source = "import sys; print('pulumi' in sys.modules and 'engine.providers.kafka.package' in sys.modules)"

    def loaded() -> bool:
        child, lines = started.module("loaded", source)
        assert child.wait(60) == 0
        return lines == [("True", False)]

    eventually(loaded, "it has loaded all")
    assert entries(f"/proc/{server.process.pid}/task") == 1


def test_each_hears_of_its_own_input_and_end_while_others_live(
    server: forks.ForkServer, started: Started
) -> None:
    gc.collect()  # what the tests before have left
    before = entries("/proc/self/fd")
    source = "import sys, threading; print(sys.argv[1]); sys.argv[1] == 'last' or threading.Event().wait()"
    with ThreadPoolExecutor(8) as pool:
        waiting = list(pool.map(lambda number: started.module(f"m{number}", source, str(number)), range(8)))
    child, lines = started.module("last", source, "last")

    assert child.wait(60) == 0
    assert lines == [("last", False)]
    eventually(lambda: all(printed for _, printed in waiting), "all have spoken")
    assert [printed for _, printed in waiting] == [[(str(number), False)] for number in range(8)]
    for one, _ in waiting:
        assert one.wait(0) is None
        assert parent(one.pid) == server.process.pid
        one.signal(signal.SIGKILL)
        assert one.wait(60) == -signal.SIGKILL
    waiting.clear()
    del child, one
    started.processes = Processes()  # forgets them
    gc.collect()
    eventually(lambda: entries("/proc/self/fd") <= before, "all that was opened for them is closed")


def test_one_that_is_signalled_at_once_ends_and_whoever_waits_for_it_is_told(
    server: forks.ForkServer, started: Started
) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in range(25):
            child, _ = started.module("waits", "import threading; threading.Event().wait()")
            child.signal(signal.SIGKILL)
            assert list(pool.map(lambda _, child=child: child.wait(60), range(4))) == 4 * [-signal.SIGKILL]
            assert gone(child.pid)
    assert forks._servers == [server]


def test_where_no_process_can_be_forked_it_is_started_alone(
    server: forks.ForkServer, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, _ = started.module("waits", "import threading; threading.Event().wait()")
    ask = server._ask
    monkeypatch.setattr(server, "_ask", lambda request, given=(): None if given else ask(request, given))
    before = entries("/proc/self/fd")

    child, lines = started.module("alone", "print('here')")

    assert parent(child.pid) == os.getpid()
    assert child.wait(60) == 0
    assert lines == [("here", False)]
    assert entries("/proc/self/fd") <= before + 1, "it is watched, and nothing else is left open"
    assert waiting.wait(0) is None
    assert forks._servers == [server]


def test_a_server_that_cannot_fork_says_so_and_keeps_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", full)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        before = entries("/proc/self/fd")

        assert forkserver._forked({"run": ["any"]}, theirs, []) is None

        assert entries("/proc/self/fd") == before


# --- how it ends ---


def test_where_the_server_is_killed_all_ends_with_it_and_the_next_process_starts_alone(
    server: forks.ForkServer, started: Started
) -> None:
    child, _ = started.module("waits", "import threading; threading.Event().wait()")

    server.process.kill()

    assert child.wait(60) == -signal.SIGKILL
    eventually(lambda: gone(child.pid), "its process has ended")
    other, lines = started.module("alone", "print('here')")
    assert other.wait(60) == 0
    assert lines == [("here", False)]
    assert forks._servers == []


def test_it_ends_with_all_that_it_forked_when_nobody_needs_it(
    server: forks.ForkServer, started: Started, capfd: pytest.CaptureFixture[str]
) -> None:
    child, _ = started.module("waits", "import threading; threading.Event().wait()")

    forks.close()

    assert gone(server.process.pid)
    eventually(lambda: gone(child.pid), "its process has ended")
    assert capfd.readouterr() == ("", "")


def test_an_engine_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text("import threading; threading.Event().wait()")
    engine = subprocess.Popen(
        [sys.executable, "-c", ENGINE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with engine:
        assert engine.stdout
        pids = [int(pid) for pid in engine.stdout.readline().split()]
        assert not any(gone(pid) for pid in pids)

        engine.kill()

    eventually(lambda: all(gone(pid) for pid in pids), "both have ended")


def test_a_second_start_is_none(server: forks.ForkServer, tmp_path: Path) -> None:
    forks.start(tmp_path)

    assert forks._servers == [server]
