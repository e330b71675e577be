"""What the program and the policy packs of a run are told about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.workspace.project import Project


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """What a run is about.

    Attributes:
        config: Full keys (``namespace:name``) to decrypted strings; objects and lists are JSON.
        secret_keys: Those of the keys that hold a secret.
        parallel: Steps at once.
        preview: Whether to plan only.
    """

    project: Project
    stack: str
    config: dict[str, str] = field(repr=False)
    secret_keys: list[str]
    parallel: int
    preview: bool
