"""Processes forked from one that has loaded what they need, seen as `subprocess` shows its own.

Left to others: the other side (`forkserver`), and what a process is for (`processes`). Where nobody called
`start`, and elsewhere than on Linux, there is none: what is loaded there may start threads of its own, and
then no process may fork.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from engine.process.forkserver import LENGTH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHILD = str(Path(__file__).with_name("child.py"))
_LOOK_SECONDS = 0.05
# The kernel ties a process to the thread that started it: one thread that lives to the end starts them all.
SPAWNER = ThreadPoolExecutor(1, thread_name_prefix="spawner")


class Lost(Exception):
    """The server is gone, and with it all that it forked."""


class Forked:
    """One forked process; a `subprocess.Popen` to those who watch and signal it.

    Attributes:
        pid: Its process id.
        stdin: What it reads, None where it reads nothing.
        stdout: What it prints.
        stderr: What it complains of.
    """

    def __init__(
        self, server: ForkServer, pid: int, stdin: IO[str] | None, stdout: IO[str], stderr: IO[str]
    ) -> None:
        self.pid = pid
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self._server = server
        self._code: int | None = None
        self._asking = threading.Lock()  # the server can tell it once

    def poll(self) -> int | None:
        """Return the exit code, negative for a deadly signal; None if it still runs."""
        with self._asking:
            if self._code is None:
                self._code = self._server.ended(self.pid)
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code.

        Raises:
            subprocess.TimeoutExpired: It still runs after ``timeout`` seconds.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() >= until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(_LOOK_SECONDS)
        return code


class ForkServer:
    """The server's process, and the questions to it.

    Args:
        root: Its working directory, and where its ``engine`` may be found.
    """

    def __init__(self, root: Path) -> None:
        self._socket, theirs = socket.socketpair()
        self._lock = threading.Lock()
        with theirs:
            self.process = SPAWNER.submit(self._started, root, theirs.fileno()).result()

    @staticmethod
    def _started(root: Path, descriptor: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                sys.executable,
                "-u",
                CHILD,
                str(os.getpid()),
                "module",
                "engine.process.forkserver",
                str(descriptor),
            ],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # both are replaced in what it forks, and it has nothing to say itself
            stderr=subprocess.DEVNULL,
            pass_fds=[descriptor],
            start_new_session=True,
        )

    def fork(
        self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], *, listens: bool
    ) -> Forked | None:
        """Start ``python -m command``; None where no process can be forked.

        Args:
            command: The module and its arguments.
            cwd: Its working directory, first on its import path.
            environment: All of its environment.
            listens: Whether it reads its standard input.

        Raises:
            Lost: The server is gone.
        """
        theirs, ours = zip(*(_pipe(outgoing=number > 0) for number in range(3)), strict=True)
        request = {"run": list(command), "cwd": str(cwd), "environment": dict(environment)}
        pid: int | None = None
        try:
            pid = self._ask(request, theirs)
        finally:
            for descriptor in theirs if pid else (*theirs, *ours):
                os.close(descriptor)
        if pid is None:
            return None
        stdin, stdout, stderr = (
            os.fdopen(descriptor, mode, encoding="utf-8", errors="replace")
            for descriptor, mode in zip(ours, "wrr", strict=True)
        )
        if not listens:
            stdin.close()
        return Forked(self, pid, stdin if listens else None, stdout, stderr)

    def ended(self, pid: int) -> int | None:
        """Return the exit code of a process that this server forked, None if it still runs."""
        try:
            code: int | None = self._ask({"ended": pid})
        except Lost:
            return -signal.SIGKILL  # what the kernel does to all that the server forked when that ends
        return code

    def _ask(self, request: Mapping[str, object], descriptors: Sequence[int] = ()) -> Any:
        body = json.dumps(request).encode()
        with self._lock:
            try:
                socket.send_fds(self._socket, [str(len(body)).encode().ljust(LENGTH)], descriptors)
                self._socket.sendall(body)
                answer = self._socket.recv(LENGTH, socket.MSG_WAITALL)
            except OSError as error:
                raise Lost from error
        if not answer:
            raise Lost
        return json.loads(answer)

    def close(self) -> None:
        """End it, and what it forked."""
        self._socket.close()
        self.process.kill()
        self.process.wait()


def _pipe(*, outgoing: bool) -> tuple[int, int]:
    """A pipe: the other side's end, and ours."""
    reading, writing = os.pipe()
    return (writing, reading) if outgoing else (reading, writing)


_servers: list[ForkServer] = []


def start(root: Path) -> None:
    """Let a server load what processes need, while whoever needs them is busy otherwise."""
    if sys.platform == "linux" and not _servers:
        _servers.append(ForkServer(root))


def close() -> None:
    """End the server and what it forked, if there is one."""
    while _servers:
        _servers.pop().close()


def fork(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], *, listens: bool
) -> Forked | None:
    """See `ForkServer.fork`; None also where there is no server."""
    for server in _servers:
        try:
            return server.fork(command, cwd, environment, listens=listens)
        except Lost:
            close()
    return None
