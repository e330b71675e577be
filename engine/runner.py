"""Runs the user's Pulumi program: the child process that the CLI's language host would start.

Reads its configuration from ``PULUMI_CONFIG`` and ``PULUMI_CONFIG_SECRET_KEYS``, talks to the monitor it is
given, and ends with 0, with 32 when the user has been told what is wrong, or with whatever code the program
chose. Imports nothing of the
engine: what the engine makes of it is `program`'s business.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pulumi
import pulumi.runtime

ALREADY_SHOWN = 32
_MONITOR_GONE = "Resource monitor has terminated"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="engine.runner", description="Run the Pulumi program in this folder."
    )
    parser.add_argument("--project", required=True)
    parser.add_argument("--stack", required=True)
    parser.add_argument(
        "--monitor", required=True, help="address of the resource monitor and engine services"
    )
    parser.add_argument("--parallel", required=True, type=int)
    parser.add_argument("--dry-run", action="store_true")
    return parser.parse_args()


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
    options = _arguments()
    root = Path.cwd()
    sys.path[:] = [entry for entry in sys.path if entry != str(root)]
    pulumi.runtime.set_all_config(
        pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env()
    )
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=options.project,
            stack=options.stack,
            monitor=options.monitor,
            engine=options.monitor,
            parallel=options.parallel,
            dry_run=options.dry_run,
            organization="organization",
            root_directory=str(root),
        )
    )
    sys.argv = ["."]
    # Outputs that never resolve are how a failed deployment ends; asyncio would call each of them a bug.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with ThreadPoolExecutor(4 * max(options.parallel, 1)) as executor:
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


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.exit(code)
