"""The engine killed at named points of real work on a real Docker engine: the next run always converges.

The points lie before and after each save of the state and each answer of a provider (`engine/faults.py`). A
cycle is killed three times, while it creates, changes and removes; one cycle's points follow another's.
"""

from __future__ import annotations

import signal
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.e2e import harness
from tests.e2e.small_stack import SmallStack

if TYPE_CHECKING:
    from collections.abc import Iterator

CYCLES = [
    # creating, what changes, changing, removing
    ("save.before:2", "version", "delete.before", "delete.before"),
    ("create.before:1", "version", "delete.after", "delete.after"),
    ("create.after:1", "version", "create.before", "delete.before:2"),
    ("create.after:3", "version", "create.after", "delete.after:2"),
    ("save.after:3", "memory", "update.before", "save.before:2"),
    ("create.before:3", "memory", "update.after", "save.after:2"),
    ("save.before:6", "version", "save.before:2", "save.after:4"),
]
LONG_CYCLES = [
    ("save.before:1", "version", "save.before:1", "save.before:1"),
    ("save.after:1", "version", "save.after:1", "save.after:1"),
    ("save.after:2", "version", "save.after:2", "save.before:3"),
    ("save.before:3", "version", "save.before:3", "save.after:3"),
    ("save.before:4", "version", "save.after:3", "save.before:4"),
    ("save.after:4", "version", "save.before:4", "delete.before:3"),
    ("save.before:5", "version", "save.after:4", "delete.after:3"),
    ("save.after:5", "memory", "save.before:1", "save.before:5"),
    ("create.before:2", "memory", "save.after:1", "save.after:5"),
    ("create.after:2", "memory", "save.before:2", "save.before:6"),
]


@pytest.fixture(scope="module")
def module_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallStack]:
    """One small stack for all cycles: each begins and ends with nothing there."""
    workspace = harness.new_workspace(tmp_path_factory.mktemp("kills"), f"tk{uuid.uuid4().hex[:6]}")
    try:
        yield SmallStack.new(workspace)
    finally:
        workspace.remove()


@pytest.fixture
def small(module_workspace: SmallStack) -> Iterator[SmallStack]:
    """The small stack, with nothing deployed, whatever the cycle before has done."""
    yield module_workspace
    if module_workspace.assert_whole().resources:
        module_workspace.free()
        module_workspace.run("destroy")


def killed(small: SmallStack, point: str, command: str) -> None:
    """A run that the engine's own fault point kills without warning."""
    run = small.run(command, check=False, environment={"MESSAGING_ENGINE_KILL_AT": point})
    assert run.code == -signal.SIGKILL, f"{point} was not reached: {run.text}"
    small.assert_whole()
    small.free()


def cycle(small: SmallStack, creating: str, what: str, changing: str, removing: str) -> None:
    killed(small, creating, "up")
    small.run("up")
    small.assert_converged()

    if what == "version":
        small.set(version=str(int(small.version) + 1))
    else:
        small.set(memory=small.memory + 1)
    killed(small, changing, "up")
    small.run("up")
    small.assert_converged()

    killed(small, removing, "destroy")
    small.run("destroy")
    small.assert_gone()


@pytest.mark.parametrize(("creating", "what", "changing", "removing"), CYCLES)
def test_the_run_after_one_that_was_killed_brings_it_to_an_end(
    small: SmallStack, creating: str, what: str, changing: str, removing: str
) -> None:
    cycle(small, creating, what, changing, removing)


@pytest.mark.long
@pytest.mark.parametrize(("creating", "what", "changing", "removing"), LONG_CYCLES)
def test_the_run_after_one_that_was_killed_at_any_save_brings_it_to_an_end(
    small: SmallStack, creating: str, what: str, changing: str, removing: str
) -> None:
    cycle(small, creating, what, changing, removing)


def test_an_interrupt_finishes_what_is_under_way_and_leaves_nothing_pending(small: SmallStack) -> None:
    run = small.workspace.start("pulumi", "up", "--yes", "--skip-preview", "--stack", "dev")
    harness.wait_for(small.workspace.remains, "the first resource")
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=120)

    assert run.returncode in {0, 1}, out + err
    assert small.assert_whole().pending == []
    assert not list((small.workspace.root / ".pulumi" / "locks").rglob("*.json"))
    small.run("up")
    small.assert_converged()
    small.workspace.pulumi("preview", "--expect-no-changes")
