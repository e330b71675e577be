"""What no one plans for: kills at random instants, Docker gone in mid-run, a full disk, two runs at once.

Every fault is a real one: processes are killed, a socket in front of Docker's is cut, a file system is full.
Afterwards the state loads, the next run brings the stack to what the program says, and nothing is orphaned.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

import pytest

from engine.state.writer import SMALL
from tests.e2e import harness
from tests.e2e.small_stack import SmallStack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHORT, LONG = 6, 110
"""Kills at random instants of a small and of a large state each, in the default run and in the long one."""
RUNS = ("up", "up", "up --refresh", "destroy", "destroy --refresh", "refresh")
"""What is killed; updates more often, for they do most."""
DOCKER = "/var/run/docker.sock"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallStack]:
    """One small stack for all faults; each test takes it as it finds it."""
    workspace = harness.new_workspace(tmp_path_factory.mktemp("faults"), f"tf{uuid.uuid4().hex[:6]}")
    try:
        yield SmallStack.new(workspace)
    finally:
        workspace.remove()


@pytest.fixture(params=[0, SMALL + 100_000], ids=["small", "large"])
def sized(stack: SmallStack, request: pytest.FixtureRequest) -> Iterator[SmallStack]:
    """The stack with a state that is written whole at each save, and with one that is not."""
    stack.set(ballast=request.param)
    yield stack
    stack.set(ballast=0)


def random_kills(stack: SmallStack, rounds: int) -> None:
    """Kills one run after the other, each at an instant that chance chose, and lets the next one mend it."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown if the test fails, to choose the same instants again
    chance = random.Random(seed)  # noqa: S311 - no secret depends on it
    started = time.monotonic()
    stack.run("up")
    stack.run("refresh")
    span = (time.monotonic() - started) / 2
    killed = 0
    while killed < rounds:
        command, *flags = chance.choice(RUNS).split()
        stack.set(version=str(int(stack.version) + chance.randrange(2)), memory=1 + chance.randrange(3))
        run = stack.workspace.start("pulumi", command, *flags, "--yes", "--skip-preview", "--stack", "dev")
        with suppress(subprocess.TimeoutExpired):
            run.wait(chance.uniform(0.2, 1.1) * span)
        in_time = run.poll() is None
        run.kill()
        out, err = run.communicate()
        stack.assert_whole()
        if not in_time:
            assert run.returncode == 0, out + err  # it was through, and is no kill
            continue
        killed += 1
        stack.free()
        if command == "destroy":
            stack.run("destroy")
            stack.assert_gone()
        stack.run("up")
        stack.assert_converged()


def test_killed_at_random_instants_the_next_run_mends_it(sized: SmallStack) -> None:
    random_kills(sized, SHORT)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_killed_at_many_random_instants_the_next_run_mends_it(sized: SmallStack) -> None:
    random_kills(sized, LONG)


class Cut:
    """A socket in front of Docker's, cut for good when a request with these words goes by.

    Args:
        path: Where it listens.
        words: In the request, such as ``/containers/create``.
        after: Whether Docker still gets that request, and only its answer is lost.
    """

    def __init__(self, path: Path, words: str, *, after: bool) -> None:
        self.address = f"unix://{path}"
        self.happened = threading.Event()
        self._path = path
        self._words = words.encode()
        self._after = after
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._start(self._accept)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            docker = socket.socket(socket.AF_UNIX)
            docker.connect(DOCKER)
            self._open += [client, docker]
            seen = threading.Event()
            self._start(self._ask, client, docker, seen)
            self._start(self._answer, docker, client, seen)

    def _ask(self, client: socket.socket, docker: socket.socket, seen: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self._words in data:
                    seen.set()
                    if not self._after:
                        self._cut()
                        return
                docker.sendall(data)
            docker.shutdown(socket.SHUT_WR)

    def _answer(self, docker: socket.socket, client: socket.socket, seen: threading.Event) -> None:
        with suppress(OSError):
            while data := docker.recv(65536):
                if seen.is_set():
                    self._cut()
                    return
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def _cut(self) -> None:
        self._shut()
        self.happened.set()

    def _shut(self) -> None:
        """Cuts every connection and takes no more."""
        self._path.unlink(missing_ok=True)
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shut()
        for thread in self._threads:
            thread.join(10)
        for one in (self._listener, *self._open):
            one.close()


@pytest.mark.parametrize(
    ("command", "words", "after"),
    [
        ("up", "/networks/create", False),
        ("up", "/containers/create", True),
        ("up", "/start", False),
        ("destroy", "/stop", False),
    ],
)
def test_docker_gone_in_mid_run_is_named_and_the_next_run_goes_on(
    stack: SmallStack, tmp_path: Path, command: str, words: str, after: bool
) -> None:
    stack.run("destroy" if command == "up" else "up")
    with Cut(tmp_path / "docker.sock", words, after=after) as cut:
        failed = stack.run(command, check=False, environment={"DOCKER_HOST": cut.address})

    assert cut.happened.is_set(), failed.text
    assert failed.code == 1, failed.text
    assert f"no Docker engine answers at {cut.address}" in failed.text
    assert "Traceback" not in failed.text
    stack.assert_whole()
    stack.run(command)
    if command == "up":
        stack.assert_converged()
    else:
        stack.assert_gone()


def test_of_runs_that_race_for_the_stack_one_at_a_time_goes_on(stack: SmallStack) -> None:
    stack.set(version=str(int(stack.version) + 1))
    runs = [
        stack.workspace.start("pulumi", "up", "--yes", "--skip-preview", "--stack", "dev") for _ in range(3)
    ]
    ended = [(*run.communicate(timeout=180), run.returncode) for run in runs]

    for out, err, code in ended:
        assert code in {0, 1}, out + err
        assert code == 0 or "is currently locked by" in err, out + err
    assert not list((stack.workspace.root / ".pulumi" / "locks").rglob("*.json"))
    stack.run("up")
    stack.assert_converged()


@contextmanager
def small_disk(stack: SmallStack, folder: Path) -> Iterator[Path]:
    """Gives the stack a state folder on a file system of its own, a few pages large."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"this machine lets nobody mount a file system: {mounted.stderr.strip()}")
    workspace = stack.workspace
    before = dict(workspace.environment)
    workspace.environment["PULUMI_BACKEND_URL"] = folder.as_uri()
    workspace.environment["PULUMI_CONFIG_PASSPHRASE"] = ""
    try:
        yield folder / ".pulumi" / "stacks" / "messaging" / "dev.json"
    finally:
        workspace.environment = before
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)


def test_a_full_disk_is_named_and_loses_nothing(stack: SmallStack, tmp_path: Path) -> None:
    stack.run("destroy")
    with small_disk(stack, tmp_path / "small") as state:
        stack.workspace.pulumi("stack", "select", "--create")
        stack.run("up")
        stack.set(version=str(int(stack.version) + 1))
        before = state.read_text()
        filler = tmp_path / "small" / "filler"
        with suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()

        failed = stack.run("up", check=False)

        assert failed.code == 1, failed.text
        assert "No space left on device" in failed.text
        assert "Traceback" not in failed.text
        assert state.read_text() == before
        filler.unlink()
        stack.run("up")
        found = stack.workspace.container("container").attrs["Config"]["Env"]
        assert f"VERSION=v{stack.version}" in found
        stack.run("destroy")
    assert stack.workspace.remains() == []


def test_a_state_that_is_read_only_is_named_before_anything_is_begun(
    stack: SmallStack, tmp_path: Path
) -> None:
    stack.run("destroy")
    with small_disk(stack, tmp_path / "small") as state:
        stack.workspace.pulumi("stack", "select", "--create")
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "small")], check=True)

        refused = stack.run("up", check=False)

        assert refused.code == 1, refused.text
        assert f"{state} is read-only, so nothing was begun" in refused.text
        assert "Traceback" not in refused.text
        assert stack.workspace.remains() == []
        shown = stack.workspace.pulumi("preview")
        assert "to create" in shown.text, "looking is still allowed"
