"""A ``pulumi`` that only notes how it was called, and whose preview says what it is told to say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CONTAINER = "docker:index/container:Container"
DYNAMIC = "pulumi-python:dynamic/messaging"
SUMMARY = {"summaryEvent": {"result": "succeeded"}}
PULUMI = """#!/bin/sh
cd "$(dirname "$0")"
echo "$@" >> notes
echo "$PULUMI_BACKEND_URL" >> backends
if [ "$1" = preview ]; then cat events; echo "error: $(cat said)" >&2; exit "$(cat code)"; fi
"""


def step(operation: str, kind: str, name: str, old: Any = None, new: Any = None) -> dict[str, Any]:
    sides = {"old": {"inputs": old or {}}, "new": {"inputs": new or {}}}
    return {
        "resourcePreEvent": {
            "metadata": {"op": operation, "urn": f"urn:{kind}::{name}", "type": kind, **sides}
        }
    }


class Pulumi:
    """What stands in for the engine: it notes how it was called, and its preview says what it is given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        script = folder / "pulumi"
        script.write_text(PULUMI)
        script.chmod(0o755)
        self.will_say()

    def will_say(self, *events: dict[str, Any], code: int = 0, error: str = "") -> None:
        (self._folder / "events").write_text("".join(f"{json.dumps(one)}\n" for one in (*events, SUMMARY)))
        (self._folder / "code").write_text(str(code))
        (self._folder / "said").write_text(error)

    def will_fail_at_once(self, error: str) -> None:
        self.will_say(code=1, error=error)
        (self._folder / "events").write_text("")

    @property
    def commands(self) -> list[str]:
        """How it was called."""
        notes = self._folder / "notes"
        return notes.read_text().splitlines() if notes.exists() else []

    @property
    def backends(self) -> set[str]:
        """Where it was told to keep states."""
        return set((self._folder / "backends").read_text().splitlines())

    @property
    def verbs(self) -> list[str]:
        return [command.partition(" ")[0] for command in self.commands]
