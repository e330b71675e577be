"""The ``pulumi`` command of the virtual environment: says which engine runs, then lets it run.

The Pulumi CLI replaces this process; the embedded engine runs inside it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from host import context
from launcher import command_line, defaults, engines, handover

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def main() -> NoReturn:
    """Runs ``pulumi`` with this process's arguments and ends with the engine's exit code."""
    arguments = sys.argv[1:]
    context.follow(os.environ)
    try:
        engine = engines.pick(os.environ)
    except engines.NoEngineError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
    folder = defaults.working_folder(arguments, os.environ)
    project = defaults.find_project(folder) if folder else None
    if project is not None:
        refused = defaults.empty_passphrase(arguments, os.environ, project)
        if refused:
            sys.stderr.write(f"error: {refused}\n")
            sys.exit(1)
        os.environ.update(defaults.environment_defaults(arguments, os.environ, project))
    sys.stderr.write(engine.announcement() + "\n")
    if engine.cli is not None:
        if project is not None:
            sys.stderr.writelines(f"{line}\n" for line in handover.prepare(os.environ, project))
        sys.stderr.flush()
        os.environ[engines.GUARD] = "1"
        try:
            os.execv(engine.cli, ["pulumi", *arguments])  # noqa: S606 - replaces this process on purpose
        except OSError as error:
            sys.stderr.write(f"error: {engine.unusable(error)}\n")
            sys.exit(1)
    # The CLI's path must not pay for these imports.
    from engine.process import forks
    from engine.protocol import load_alone

    load_alone()
    if project is not None:
        _load_ahead(arguments, project)
    from engine.cli.main import main as embedded

    code = embedded(arguments)
    forks.close()
    sys.stderr.flush()
    # Nothing is left to be done, and taking the interpreter apart in order takes 60 ms.
    os._exit(code)


def _load_ahead(arguments: Sequence[str], project: Path) -> None:
    """Begins what takes long and most likely will be needed, while the engine itself still loads."""
    from engine.process import forks
    from engine.workspace.passphrase import derive_ahead

    line = command_line.read(arguments)
    if line.words[:1] in (("up",), ("preview",), ("refresh",), ("destroy",)) and "--help" not in line.flags:
        forks.start(project)
    file = defaults.stack_file(line, os.environ, project)
    if file is not None:
        derive_ahead(file, os.environ)
