"""What a bad change to the committed production stack is: an edit of the program, and what stops it."""

from __future__ import annotations

from dataclasses import dataclass

PROTECTED = "engine: protected"
"""What the engine says when a protected resource would be replaced or deleted."""
IDENTITY = "ClusterIdentity"
PROGRAM = "program"
"""The program's own settings."""


@dataclass(frozen=True)
class Seed:
    """One bad change."""

    change: str
    """What somebody did."""
    stopped_by: str
    """A policy of the pack, or who else."""
    says: tuple[str, ...]
    """Where and why, in the message."""
    anchor: str
    """A text of the program; it stands in exactly one place."""
    becomes: str
    deployed: bool = False
    """Whether the stack has a state, for what only a comparison can show."""

    def __str__(self) -> str:
        return self.change
