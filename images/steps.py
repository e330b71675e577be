"""Runs the commands of one image's build, with their output in that build's log."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from images.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TAIL_LINES = 25
_SECONDS_TO_END = 10

_BROUGHT_BY = {
    "apt-get": "apt",
    "docker": "docker.io (or docker-cli)",
    "mmdebstrap": "mmdebstrap",
    "mvn": "maven",
}

_running: set[subprocess.Popen[str]] = set()
_lock = threading.Lock()
_stopped = threading.Event()


def stop() -> None:
    """Ends every command that runs, with its children; no other one starts after it."""
    with _lock:
        _stopped.set()
        processes = list(_running)
    for process in processes:
        _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + _SECONDS_TO_END
    for process in processes:
        try:
            process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)


class Log:
    """The log file of one build. Every command's line, output and duration go into it."""

    def __init__(self, path: Path) -> None:
        """Starts the file anew."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        self.path = path

    def note(self, text: str) -> None:
        """Something that a reader of the log should know besides."""
        with self.path.open("a") as log:
            log.write(f"# {text}\n")

    def run(
        self,
        command: Sequence[str | Path],
        *,
        stdin: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Runs a command to its end.

        Raises:
            ImageError: it is not installed, or it failed; then with the last lines of its output.
        """
        if shutil.which(command[0]) is None:
            package = _BROUGHT_BY.get(str(command[0]), str(command[0]))
            raise ImageError(
                f"`{command[0]}` is not installed. On Debian or Ubuntu: apt-get install {package}"
            )
        started = time.monotonic()
        with self.path.open("a") as log:
            log.write(f"$ {' '.join(map(str, command))}\n")
            log.flush()
            with _lock:
                if _stopped.is_set():
                    raise ImageError("interrupted")
                process = subprocess.Popen(
                    [str(word) for word in command],
                    stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    text=True,
                    env=environment,
                    umask=0o022,  # what a build makes does not depend on who runs it
                    start_new_session=True,  # so that it can be ended with all its children
                )
                _running.add(process)
            try:
                process.communicate(stdin)
            except BaseException:
                _signal(process, signal.SIGKILL)
                process.wait()
                raise
            finally:
                with _lock:
                    _running.discard(process)
            log.write(f"# code {process.returncode} after {time.monotonic() - started:.1f} s\n")
        if process.returncode:
            raise ImageError(
                f"`{command[0]}` failed with code {process.returncode}. "
                f"The end of {self.path}:\n{self.tail()}"
            )

    def tail(self) -> str:
        """The last lines, indented."""
        lines = self.path.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join(f"  {line}" for line in lines)


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
