"""Runs the user's Pulumi program: the child process that the CLI's language host would start.

Loads the SDK, reads one line of JSON that says which run it serves (`launch` writes it), and ends without a
word if there is none. The environment that this line brings has the configuration in ``PULUMI_CONFIG`` and
``PULUMI_CONFIG_SECRET_KEYS``. Ends with 0, with 32 when the user has been told what is wrong, or with
whatever code the program chose. Imports nothing of the engine but how to wait.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime

from engine.program import outstanding

ALREADY_SHOWN = 32
_MONITOR_GONE = "Resource monitor has terminated"


def _ordered() -> dict[str, Any]:
    """Wait for the line that says what to run, and take on the environment that it brings."""
    line = sys.stdin.readline()
    if not line:
        os._exit(0)  # the engine ended first
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    order: dict[str, Any] = json.loads(line)
    os.environ.clear()
    os.environ.update(order["environment"])
    return order


def _users_traceback(program: str) -> str:
    """Format the exception in flight without the frames above the program's own."""
    kind, error, trace = sys.exc_info()
    if isinstance(error, SyntaxError) and os.path.realpath(error.filename or "") == program:
        return "".join(traceback.format_exception_only(kind, error))
    frames = traceback.extract_tb(trace)
    for index, frame in enumerate(frames):
        if os.path.realpath(frame.filename) == program:
            return traceback.format_exc(limit=index - len(frames))
    return traceback.format_exc()


def _run() -> None:
    # Runs "." as a package would be: the folder is importable while the program's body runs, and no longer.
    runpy.run_path(".", run_name="__main__")


def main() -> int:
    """Run the program and return the exit code of this process."""
    order = _ordered()
    root = Path.cwd()
    sys.path[:] = [entry for entry in sys.path if entry != str(root)]
    pulumi.runtime.set_all_config(
        pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env()
    )
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=order["project"],
            stack=order["stack"],
            monitor=order["monitor"],
            engine=order["monitor"],
            parallel=order["parallel"],
            dry_run=order["preview"],
            organization="organization",
            root_directory=str(root),
        )
    )
    outstanding.install()
    sys.argv = ["."]
    # Outputs that never resolve are how a failed deployment ends; asyncio would call each of them a bug.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with ThreadPoolExecutor(4 * max(order["parallel"], 1)) as executor:
        loop.set_default_executor(executor)
        try:
            loop.run_until_complete(pulumi.runtime.run_in_stack(_run))
        except pulumi.RunError as error:
            if not str(error).startswith(_MONITOR_GONE):  # else the engine ended the run, and said why
                pulumi.log.error(str(error))
            return ALREADY_SHOWN
        except Exception:  # noqa: BLE001 - whatever the program let through is shown to its author
            found = _users_traceback(os.path.realpath("__main__.py"))
            pulumi.log.error(f"the program failed with an exception that it does not handle:\n{found}")
            return ALREADY_SHOWN
    loop.close()
    return 0


class _QuickEnd:
    """Ends this process once its last exit handler has run: taking the interpreter apart takes 80 ms."""

    def __init__(self) -> None:
        self.code: int | None = None
        """None as long as it is for the interpreter to tell how the program ended."""
        atexit.register(self._end)  # the first one registered is the last one called

    def _end(self) -> None:
        if self.code is not None:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.code)


if __name__ == "__main__":
    end = _QuickEnd()
    end.code = main()
