"""No child process is left over, whenever it was started."""

from __future__ import annotations

import signal
from pathlib import Path

from engine.process.processes import Processes


def test_a_child_that_starts_while_the_run_ends_is_ended_before_anybody_has_it(tmp_path: Path) -> None:
    processes = Processes()
    processes.end(grace=1.0)

    child = processes.module(
        "http.server", ["0"], cwd=tmp_path, environment={}, on_line=lambda *_: None, on_first_line=None
    )

    assert not Path(f"/proc/{child.pid}").exists(), "its exit was waited for: it is no zombie"
    assert child.wait(0) == -signal.SIGKILL
    processes.close()


def test_whoever_waits_for_a_child_is_woken_by_its_end_or_in_time(tmp_path: Path) -> None:
    processes = Processes()
    child = processes.module(
        "http.server", ["0"], cwd=tmp_path, environment={}, on_line=lambda *_: None, on_first_line=None
    )

    assert child.wait(0) is None
    assert child.wait(0.1) is None
    child.signal(signal.SIGKILL)
    assert child.wait(30) == -signal.SIGKILL
    assert child.wait(30) == -signal.SIGKILL, "and is told again"
    processes.close()
