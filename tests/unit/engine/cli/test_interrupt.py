"""What a closed terminal and SIGTERM do to a command: it ends in order and leaves no lock."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.cli.interrupt import interruptible, orderly
from engine.deployment.executor import Cancellation

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.engine.cli.conftest import Project

ROOT = Path(__file__).resolve().parents[4]
SECONDS = 60
# The leader of a session takes for its own the first terminal that it opens. The project's passphrase has few
# rounds.
COMMAND = """
import os, sys
os.open(os.ttyname(0), os.O_RDWR)
from engine.workspace import passphrase
passphrase.ROUNDS = 1000
from engine.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
SLOW = """
    def create(self, props):
        import pathlib, time
        pathlib.Path("running").touch()
        while not pathlib.Path("go").exists():
            time.sleep(0.05)
        return CreateResult(props["name"], {**props})
"""


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._screen, inside = pty.openpty()
        with os.fdopen(inside, "r+b", buffering=0) as its:
            self._process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, *arguments],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdin=its,
                stdout=its,
                stderr=its,
                start_new_session=True,
            )
        self._seen = b""

    def read(self, until: Callable[[bytes], bool]) -> None:
        """Reads what it shows, until that says so."""
        end = time.monotonic() + SECONDS
        while not until(self._seen):
            assert time.monotonic() < end, self._seen.decode()
            if select.select([self._screen], [], [], 0.05)[0]:
                self._seen += os.read(self._screen, 65536)

    def close(self) -> None:
        """As when somebody closes the window, or a connection drops."""
        os.close(self._screen)

    def left(self) -> None:
        """Waits until the command has noticed, and has nothing more to do with it."""
        end = time.monotonic() + SECONDS
        while str(Path(f"/proc/{self._process.pid}/fd/2").readlink()) != os.devnull:
            assert time.monotonic() < end, "it has not noticed"
            time.sleep(0.01)  # between two looks at the condition

    def ended(self) -> int:
        try:
            return self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise


def locks(project: Project) -> list[Path]:
    return list((project.root.parent / ".pulumi" / "locks").rglob("*.json"))


def test_a_terminal_that_is_closed_lets_a_running_step_finish_and_the_lock_go(project: Project) -> None:
    things = project.root / "things.py"
    things.write_text(things.read_text().replace("\n    def diff", f"{SLOW}\n    def diff", 1))
    project.write("a = Thing('a')\nThing('b', pulumi.ResourceOptions(depends_on=[a]))")
    terminal = Terminal(project.root, "up", "--yes", "--skip-preview", "--stack", "dev")
    terminal.read(lambda _: (project.root / "running").exists())

    terminal.close()
    terminal.left()
    (project.root / "go").touch()

    assert terminal.ended() == 1
    assert locks(project) == []
    assert [urn.rpartition("::")[2] for urn in project.urns()][-1] == "a", "it is in the state, and b is not"


def test_a_terminal_that_is_closed_while_it_asks_leaves_no_lock(project: Project) -> None:
    project.write("Thing('a')")
    terminal = Terminal(project.root, "up", "--stack", "dev")
    terminal.read(lambda seen: b"(yes/no" in seen)

    terminal.close()

    assert terminal.ended() > 0
    assert locks(project) == []


def test_several_hang_ups_are_one_interrupt_and_abort_nothing() -> None:
    cancellation = Cancellation()

    with interruptible(cancellation):
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)

    assert (cancellation.requested, cancellation.aborted) == (True, False)


def test_a_hang_up_that_is_ignored_as_by_nohup_stays_ignored() -> None:
    cancellation = Cancellation()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with orderly(), interruptible(cancellation):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert not cancellation.requested


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_outside_of_a_run_a_command_ends_as_by_ctrl_c(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), orderly():
        signal.raise_signal(number)
