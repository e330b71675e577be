"""The engine's child processes: none outlives the engine, each is read line by line and ended with its group.

Left to others: what a child is for (`program.launch` runs the user's program, `plugins.plugin` a provider).
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from engine.process import forks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


class Child:
    """One child process, leader of its own session.

    Attributes:
        pid: Its process id, and that of its group.
    """

    def __init__(
        self,
        process: subprocess.Popen[str] | forks.Forked,
        on_line: Callable[[str, bool], None],
        on_first_line: Callable[[str], None] | None,
    ) -> None:
        self.pid = process.pid
        self._process = process
        self._watch = self._watched()
        self._on_line = on_line
        self._on_first_line = on_first_line
        self._readers = [
            threading.Thread(target=self._read, args=(stream, error), daemon=True)
            for stream, error in ((process.stdout, False), (process.stderr, True))
        ]
        for reader in self._readers:
            reader.start()

    def wait(self, seconds: float | None = None) -> int | None:
        """Return the exit code, negative for a deadly signal; None if it still runs after ``seconds``."""
        if self._watch is not None:  # without one, the wait below looks every 50 ms
            end = select.poll()
            end.register(self._watch, select.POLLIN)
            if not end.poll(None if seconds is None else 1000 * seconds):
                return None
            seconds = None
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        for reader in self._readers:  # its last words, unless a grandchild holds the pipe open
            reader.join(1)
        return code

    def _watched(self) -> int | None:
        """A descriptor that becomes readable when the process ends; only Linux has that, since 5.3."""
        if sys.platform != "linux":
            return None
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:
            return None
        weakref.finalize(self, os.close, descriptor)
        return descriptor

    def tell(self, line: str) -> None:
        """Write the one line that it waits for on its standard input, and close that."""
        if stream := self._process.stdin:
            with suppress(BrokenPipeError), stream:  # whoever waits for it learns how it ended
                stream.write(f"{line}\n")

    def signal(self, number: int) -> None:
        """Send a signal to the group, unless its leader is gone: the number may be another's by then."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def _read(self, stream: IO[str], error: bool) -> None:
        first = None if error else self._on_first_line
        with stream:
            for raw in stream:
                line = raw.rstrip("\r\n")
                if first:
                    first(line)
                    first = None
                    continue
                self._on_line(line, error)


class Processes:
    """Every child of one run. Close it, and none is left."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._closed = False
        self._lock = threading.Lock()

    def module(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        on_line: Callable[[str, bool], None],
        on_first_line: Callable[[str], None] | None = None,
        listens: bool = False,
    ) -> Child:
        """Start ``python -m name arguments`` with this interpreter.

        Args:
            name: The module.
            arguments: What it finds in ``sys.argv``.
            cwd: Its working directory, first on its import path.
            environment: Added to this process's environment.
            on_line: Called with each line it prints and whether that was on standard error.
            on_first_line: Called instead with the first line on standard output.
            listens: Whether it waits to be told something.
        """
        environment = {**os.environ, **environment}
        process = forks.fork([name, *arguments], cwd, environment, listens=listens) or _spawned(
            ["module", name, *arguments], cwd, environment, listens=listens
        )
        return self._adopted(process, on_line, on_first_line)

    def program(
        self,
        path: str,
        arguments: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        on_line: Callable[[str, bool], None],
        on_first_line: Callable[[str], None] | None = None,
    ) -> Child:
        """Start an executable file; the arguments are those of `module`."""
        process = _spawned(["exec", path, *arguments], cwd, {**os.environ, **environment})
        return self._adopted(process, on_line, on_first_line)

    def _adopted(
        self,
        process: subprocess.Popen[str] | forks.Forked,
        on_line: Callable[[str, bool], None],
        on_first_line: Callable[[str], None] | None,
    ) -> Child:
        child = Child(process, on_line, on_first_line)
        with self._lock:
            self._children.append(child)
            closed = self._closed
        if closed:  # the run was aborted while this one started, and nobody else waits for it
            child.signal(signal.SIGKILL)
            child.wait()
        return child

    def end(self, *, grace: float) -> None:
        """Ask all children to end; kill those that run after ``grace`` seconds, and new ones at once."""
        with self._lock:
            self._closed = True
            children = list(self._children)
        until = time.monotonic() + grace
        for child in children:
            child.signal(signal.SIGTERM)
        for child in children:
            if child.wait(max(0.0, until - time.monotonic())) is None:
                child.signal(signal.SIGKILL)
                child.wait()

    def close(self) -> None:
        """End all children at once."""
        self.end(grace=1.0)


def _spawned(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], *, listens: bool = False
) -> subprocess.Popen[str]:
    return forks.SPAWNER.submit(
        subprocess.Popen,
        [sys.executable, "-u", forks.CHILD, str(os.getpid()), *command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.PIPE if listens else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ).result()
