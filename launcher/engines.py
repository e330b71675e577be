"""Which engine runs a command: a Pulumi CLI on PATH, or the embedded engine.

Pure but for looking at files on PATH. It starts nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CHOICE = "MESSAGING_ENGINE"
"""Environment variable: ``auto`` (default), ``cli`` or ``embedded``."""
GUARD = "MESSAGING_LAUNCHER"
"""Set for the CLI that a launcher starts. A launcher that finds it set was mistaken for a CLI."""
MARK = b"launcher.main"
"""What the launcher's own script on PATH contains and no Pulumi CLI does."""


class NoEngineError(Exception):
    """The wanted engine cannot be had; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The engine that runs the command."""

    cli: Path | None
    """The Pulumi CLI's executable; None for the embedded engine."""

    def unusable(self, error: OSError) -> str:
        """What to tell where the CLI cannot be run."""
        return (
            f"the Pulumi CLI at {self.cli} cannot be run: {error.strerror or error}. Install it anew or take "
            f"it from PATH, or set {CHOICE}=embedded to use the embedded engine."
        )

    def announcement(self) -> str:
        """The one line that says which engine runs."""
        if self.cli is None:
            return "pulumi: no Pulumi CLI is used; this is the embedded engine"
        return f"pulumi: using the Pulumi CLI at {self.cli}"


def pick(environment: Mapping[str, str]) -> Engine:
    """The engine for this environment.

    Raises:
        NoEngineError: the choice is not one of the three, or the CLI was asked for and there is none,
            or this launcher was started in the CLI's place.
    """
    choice = environment.get(CHOICE) or "auto"  # empty is how a CI system passes on what is not set
    if choice not in {"auto", "cli", "embedded"}:
        raise NoEngineError(f"{CHOICE} is {choice!r}; allowed are auto, cli and embedded.")
    if environment.get(GUARD):
        raise NoEngineError(
            "This launcher was started by another launcher of its kind as if it were the Pulumi CLI. "
            f"Remove one of the two from PATH, or set {CHOICE}=embedded."
        )
    cli = None if choice == "embedded" else find_cli(environment.get("PATH", os.defpath))
    if choice == "cli" and cli is None:
        raise NoEngineError(
            f"{CHOICE} is 'cli', but no Pulumi CLI is on PATH. "
            f"Install it, or set {CHOICE}=auto to use the embedded engine."
        )
    return Engine(cli=cli)


def find_cli(path: str) -> Path | None:
    """The first ``pulumi`` on the search path that is not a launcher like this one."""
    for folder in path.split(os.pathsep):
        candidate = Path(folder or ".") / "pulumi"
        if candidate.is_file() and os.access(candidate, os.X_OK) and not _is_launcher(candidate):
            return candidate.absolute()
    return None


def _is_launcher(candidate: Path) -> bool:
    # A script that pip makes is a few hundred bytes; the CLI is a binary of many megabytes.
    try:
        with candidate.open("rb") as file:
            return MARK in file.read(4096)
    except OSError:
        return False  # a binary may be run by who may not read it, a script may not
