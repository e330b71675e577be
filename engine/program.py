"""The user's program as the engine sees it: loaded, told its configuration, listened to, ended in time.

What it asks for while it runs arrives at the `monitor`; how it runs inside its process is in `runner`.
"""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.events import Output
from engine.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from engine.events import Sink
    from engine.processes import Child

_ALREADY_SHOWN = 32
_KILL_AFTER = 3.0


class Standby:
    """A process that loads what every program needs, and then waits to be told which run it serves.

    Args:
        root: The folder of the program.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._show: Callable[[str], None] = lambda _: None
        self._processes = Processes()
        self._child = self._processes.module(
            "engine.runner",
            [],
            cwd=root,
            environment={},
            on_line=lambda line, _: self._show(line),
            listens=True,
        )

    @property
    def alive(self) -> bool:
        """Whether it still waits."""
        return self._child.wait(0) is None

    def run(self, order: Mapping[str, object], processes: Processes, show: Callable[[str], None]) -> Child:
        """Let it run the program; from now on it belongs to these processes, and this is shown its lines."""
        self._show = show
        processes.adopt(self._child)
        self._child.tell(json.dumps(order))
        return self._child

    def close(self) -> None:
        """End it if it was never told anything."""
        self._processes.close()


_ahead: list[Standby] = []


def load_ahead(root: Path) -> None:
    """Load what a program needs while the engine is busy otherwise; the next `Program` that starts has it."""
    _ahead.append(Standby(root))


def close_ahead() -> None:
    """End what was loaded for a program that is not run."""
    while _ahead:
        _ahead.pop().close()


def _taken(root: Path) -> Standby | None:
    while _ahead:
        standby = _ahead.pop()
        if standby.root == root and standby.alive:
            return standby
        standby.close()
    return None


class Program:
    """One run of the program in the project's folder.

    Args:
        processes: Where it lives.
        sink: Gets each line that it prints.
    """

    def __init__(self, processes: Processes, sink: Sink) -> None:
        self._processes = processes
        self._sink = sink
        self._child: Child | None = None

    def start(
        self,
        *,
        root: Path,
        project: str,
        stack: str,
        monitor: str,
        parallel: int,
        preview: bool,
        config: Mapping[str, str],
        secret_keys: Sequence[str],
    ) -> None:
        """Start it.

        Raises:
            EngineError: There is no program.
        """
        if not (root / "__main__.py").is_file():
            msg = f"there is no program to run: {root} has no __main__.py"
            raise EngineError(msg)
        standby = _taken(root) or Standby(root)
        # Decrypted values go through a pipe into its environment, where programs look for them as with the
        # CLI: never through arguments, which others can read.
        environment = {
            "PULUMI_CONFIG": json.dumps(config),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(secret_keys)),
            "no_grpc_proxy": "127.0.0.1",
        }
        order = {
            "project": project,
            "stack": stack,
            "monitor": monitor,
            "parallel": parallel,
            "preview": preview,
            "environment": {**os.environ, **environment},
        }
        self._child = standby.run(order, self._processes, lambda line: self._sink(Output(line)))

    def wait(self, seconds: float | None = None) -> int | None:
        """Return its exit code, or None when it still runs after ``seconds``."""
        return self._child.wait(seconds) if self._child else 0

    def end(self, seconds: float) -> None:
        """Give it ``seconds`` to end by itself after it learned that the run is over, then end it."""
        if self._child and self._child.wait(seconds) is None:
            self._child.signal(signal.SIGTERM)
            if self._child.wait(_KILL_AFTER) is None:
                self._child.signal(signal.SIGKILL)
                self._child.wait()


def failure(code: int) -> str:
    """Say how a program failed that ended with this code; empty if the user knows or all is well."""
    if code in (0, _ALREADY_SHOWN):
        return ""
    if code < 0:
        return f"the program was killed by signal {-code} ({signal.Signals(-code).name})"
    return f"the program ended with exit code {code}"
