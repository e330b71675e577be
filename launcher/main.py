"""The ``pulumi`` command of the virtual environment: says which engine runs, then lets it run.

The Pulumi CLI replaces this process; the embedded engine runs inside it.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from launcher import defaults, engines


def main() -> NoReturn:
    """Runs ``pulumi`` with this process's arguments and ends with the engine's exit code."""
    arguments = sys.argv[1:]
    try:
        engine = engines.pick(os.environ)
    except engines.NoEngineError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
    project = defaults.find_project(defaults.working_folder(arguments))
    if project is not None:
        refused = defaults.empty_passphrase(arguments, os.environ, project)
        if refused:
            sys.stderr.write(f"error: {refused}\n")
            sys.exit(1)
        os.environ.update(defaults.environment_defaults(arguments, os.environ, project))
    sys.stderr.write(engine.announcement() + "\n")
    if engine.cli is not None:
        sys.stderr.flush()
        os.environ[engines.GUARD] = "1"
        os.execv(engine.cli, ["pulumi", *arguments])  # noqa: S606 - replaces this process on purpose
    from engine.cli.main import main as embedded  # the CLI's path must not pay for this import

    sys.exit(embedded(arguments))
