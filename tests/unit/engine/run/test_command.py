"""The whole command, killed and interrupted: the next one finishes, and no process is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.engine.run.workbench import Workbench


@dataclass
class Command:
    root: Path

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "engine", *arguments],
            cwd=self.root,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(engine.__file__).parent.parent),
                "PULUMI_BACKEND_URL": f"file://{self.root}",
                "PULUMI_CONFIG_PASSPHRASE": "",
                "PULUMI_HOME": str(self.root / "home"),
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        process = self.start(*arguments, **environment)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output


@pytest.fixture
def command(bench: Workbench) -> Command:
    made = Command(bench.root)
    assert made.run("stack", "init", "dev") == (0, "Created stack 'dev'\n")
    return made


def children(root: Path) -> list[str]:
    """The processes that work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").resolve() == root and entry.name != str(os.getpid()):
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def eventually(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not condition():
        if time.monotonic() > until:
            return False
        threading.Event().wait(0.02)
    return True


@pytest.mark.parametrize("place", ["save.before:3", "save.after:4", "create.before", "create.after:2"])
def test_killed_for_real_the_state_loads_nothing_is_left_running_and_the_next_update_finishes(
    place: str, bench: Workbench, command: Command
) -> None:
    bench.write("a = Thing('a')\nThing('b', uses=a.made)")
    code, _ = command.run("up", "--yes", "--skip-preview", MESSAGING_ENGINE_KILL_AT=place)
    assert code == -signal.SIGKILL
    assert eventually(lambda: not children(bench.root))

    locked, said = command.run("up", "--yes", "--skip-preview")
    assert locked != 0
    assert "cancel" in said
    assert command.run("cancel", "--yes")[0] == 0
    code, said = command.run("up", "--yes", "--skip-preview")
    assert code == 0, said
    code, said = command.run("preview", "--expect-no-changes")
    assert code == 0, said


def test_interrupted_once_the_running_step_finishes_and_nothing_is_pending(
    bench: Workbench, command: Command
) -> None:
    bench.write(
        "gate = Thing('gate', reaches='running', waits_for='go')\n"
        "Thing('later', pulumi.ResourceOptions(depends_on=[gate]))"
    )
    process = command.start("up", "--yes", "--skip-preview")
    assert eventually((bench.root / "running").exists)
    process.send_signal(signal.SIGINT)
    assert process.stdout
    while "finishing" not in process.stdout.readline():
        pass
    (bench.root / "go").touch()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    code, exported = command.run("stack", "export")
    assert code == 0
    assert "::gate" in exported
    assert "::later" not in exported
    assert "pending_operations" not in exported


def test_interrupted_twice_it_ends_at_once_with_8_and_leaves_no_lock(
    bench: Workbench, command: Command
) -> None:
    bench.write("Thing('gate', reaches='running', waits_for='never')")
    process = command.start("up", "--yes", "--skip-preview")
    assert eventually((bench.root / "running").exists)
    process.send_signal(signal.SIGINT)
    assert process.stdout
    while "finishing" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 8, output
    assert eventually(lambda: not children(bench.root))
    _, exported = command.run("stack", "export")
    assert "creating" in exported
    bench.write("Thing('gate')")
    assert command.run("up", "--yes", "--skip-preview")[0] == 0
