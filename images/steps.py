"""Runs the commands of one image's build, with their output in that build's log."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from images.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TAIL_LINES = 25

_BROUGHT_BY = {
    "apt-get": "apt",
    "docker": "docker.io (or docker-cli)",
    "mmdebstrap": "mmdebstrap",
    "mvn": "maven",
}


class Log:
    """The log file of one build. Every command's line, output and duration go into it."""

    def __init__(self, path: Path) -> None:
        """Starts the file anew."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        self.path = path

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
            done = subprocess.run(
                [str(word) for word in command],
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment,
                check=False,
            )
            log.write(f"# code {done.returncode} after {time.monotonic() - started:.1f} s\n")
        if done.returncode:
            raise ImageError(
                f"`{command[0]}` failed with code {done.returncode}. The end of {self.path}:\n{self.tail()}"
            )

    def tail(self) -> str:
        """The last lines, indented."""
        lines = self.path.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join(f"  {line}" for line in lines)
