"""Finds a Docker engine that answers, or starts one that outlives this process.

A daemon that answers is used as it is; one that this module did not start is never stopped: which one it
started is written down beside the pid file. It leaves installing Docker to :mod:`host.packages`.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from host.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable

START_TIMEOUT = 90.0
"""Seconds until a started daemon must answer. Restoring containers after a crash takes the longest."""
STOP_TIMEOUT = 120.0
"""Seconds that a daemon has to end its containers before it is killed. It gives a broker 60 of them."""


@dataclass(kw_only=True)
class Daemon:
    """Where a Docker engine listens and where it keeps its things."""

    socket: Path = Path("/var/run/docker.sock")
    pid_file: Path = Path("/var/run/docker.pid")
    log: Path = Path("/var/log/docker-messaging.log")
    data_root: Path | None = None
    """Images, containers and volumes; None for Docker's default."""
    command: str = "dockerd"
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def answers(self) -> bool:
        """Whether an engine behind the socket answers ``/_ping``."""
        connection = _UnixConnection(self.socket)
        try:
            connection.request("GET", "/_ping")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()

    def ensure(self) -> bool:
        """Makes sure that an engine answers. Returns whether this call started it.

        Raises:
            HostError: there is none and none can be started, or it did not come up; with its log's tail.
        """
        if self.answers():
            return False
        _refuse_unless_startable(self.command)
        if _forget_stale(self.pid_file):
            # Another dockerd is on its way up or hangs; starting a second one would only fail.
            self._wait(
                lambda: None, f"dockerd with pid {self.pid_file.read_text().strip()} is running but silent"
            )
            return False
        self._process = self._start()
        self._wait(self._process.poll, f"dockerd did not answer within {START_TIMEOUT:.0f} s")
        return True

    def stop(self) -> None:
        """Ends the daemon of the pid file, if :meth:`ensure` started it, in this process or another.

        Raises:
            HostError: it was started by someone else.
        """
        pid = _running_dockerd(self.pid_file)
        if pid is None:
            return
        if not self._is_ours(pid):
            raise HostError(
                f"dockerd with pid {pid} goes on: it was not started by `python3 -m host docker start`. "
                "Whoever started it can stop it."
            )
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT
        while self._runs(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.2)
        self._note.unlink(missing_ok=True)

    @property
    def _note(self) -> Path:
        return self.pid_file.with_name(f"{self.pid_file.stem}-messaging.pid")

    def _is_ours(self, pid: int) -> bool:
        try:
            return self._note.read_text() == _identity(pid)
        except OSError:
            return False

    def _runs(self, pid: int) -> bool:
        if self._process is not None and self._process.pid == pid:
            return self._process.poll() is None  # a child of ours stays a zombie until it is asked
        return _running_dockerd(self.pid_file) == pid

    def _start(self) -> subprocess.Popen[bytes]:
        sys.stderr.write(f"starting Docker; its output is in {self.log}\n")
        command = [self.command, "--host", f"unix://{self.socket}", "--pidfile", str(self.pid_file)]
        if self.data_root is not None:
            command += ["--data-root", str(self.data_root)]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._note.write_text(_identity(process.pid))
        return process

    def _wait(self, ended: Callable[[], int | None], failure: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self.answers():
            code = ended()
            if code is not None:
                raise HostError(f"dockerd ended with code {code}. {self._log_tail()}")
            if time.monotonic() > deadline:
                raise HostError(f"{failure}. {self._log_tail()}")
            time.sleep(0.2)

    def _log_tail(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-20:]
        except OSError as error:
            return f"Its log could not be read: {error}"
        return f"The end of {self.log}:\n" + "\n".join(f"  {line}" for line in lines)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket; the standard library has no such class of its own."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _refuse_unless_startable(command: str) -> None:
    if os.environ.get("DOCKER_HOST"):
        raise HostError(
            f"DOCKER_HOST, or the Docker context in use, says {os.environ['DOCKER_HOST']!r}, so no Docker "
            "engine is started here. Start that one, or unset it (`docker context use default`)."
        )
    if os.geteuid() != 0:
        raise HostError(
            "No Docker engine answers at /var/run/docker.sock, and starting one takes root. "
            "Ask for it to be started, be added to the group `docker`, or set DOCKER_HOST."
        )
    if shutil.which(command) is None:
        raise HostError(f"No Docker engine answers and `{command}` is not installed.")


def _running_dockerd(pid_file: Path) -> int | None:
    try:
        pid = int(pid_file.read_text())
        name, fields = _stat(pid)
    except (OSError, ValueError):
        return None
    # One that was killed and that nobody has waited for keeps its name as a zombie.
    return pid if name == "dockerd" and fields[0] not in "ZX" else None


def _identity(pid: int) -> str:
    """A process by its pid and the time of its start, as pids come round again."""
    return f"{pid} {_stat(pid)[1][19]}\n"


def _stat(pid: int) -> tuple[str, list[str]]:
    """A process's name, and what /proc/PID/stat says after it: first the state, as 20th the start."""
    # The name stands in parentheses and may hold some itself.
    before, _, after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    return before.partition("(")[2], after.split()


def _forget_stale(pid_file: Path) -> bool:
    """Whether a dockerd of that pid file runs; a file that names none is removed."""
    if _running_dockerd(pid_file) is not None:
        return True
    pid_file.unlink(missing_ok=True)
    return False
