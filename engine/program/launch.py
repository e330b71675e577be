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

if TYPE_CHECKING:
    from engine.events import Sink
    from engine.process.processes import Child, Processes
    from engine.workspace.run_info import RunInfo

_ALREADY_SHOWN = 32
_KILL_AFTER = 3.0


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

    def start(self, run: RunInfo, monitor: str) -> None:
        """Start it, with the address of the ``monitor`` that it registers resources with.

        Raises:
            EngineError: There is no program.
        """
        root = run.project.root
        if not (root / "__main__.py").is_file():
            msg = f"there is no program to run: {root} has no __main__.py"
            raise EngineError(msg)
        # Decrypted values go through a pipe into its environment, where programs look for them as with the
        # CLI: neither arguments nor an environment from the start, which others can read, ever hold them.
        environment = {
            "PULUMI_CONFIG": json.dumps(run.config),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(run.secret_keys),
            "no_grpc_proxy": "127.0.0.1",
        }
        order = {
            "project": run.project.name,
            "stack": run.stack,
            "monitor": monitor,
            "parallel": run.parallel,
            "preview": run.preview,
            "environment": {**os.environ, **environment},
        }
        self._child = self._processes.module(
            "engine.program.runner",
            [],
            cwd=root,
            environment={},
            on_line=lambda line, _: self._sink(Output(line)),
            listens=True,
        )
        self._child.tell(json.dumps(order))

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
