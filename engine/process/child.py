"""The start of each child process: ties its life to the engine's, then becomes what was asked for.

Run as a script (``python -u child.py PARENT_PID module|exec NAME ARGUMENTS...``), so it must import nothing
of the engine. Which processes there are is decided in `program.launch`, `plugins.plugin` and `policy.server`.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when the thread that started it ends, however it ends."""
    if sys.platform == "linux":
        import ctypes  # 10 ms, and of no use elsewhere

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel knew
        sys.exit(1)


def main() -> None:
    """Become the command or module that the arguments name."""
    parent, kind, *command = sys.argv[1:]
    die_with(int(parent))
    if kind == "exec":
        os.execv(command[0], command)  # noqa: S606 - the command is the plugin that the user named
    # A script finds its own folder first on the path, `python -m` the working directory: be the latter.
    sys.path[0] = str(Path.cwd())
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    sys.argv = command
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
