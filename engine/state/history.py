"""What was done to a stack and when: one small JSON file for each run, in the CLI's own form and place.

`<folder>/.pulumi/history/<project>/<stack>/<stack>-<nanoseconds>.history.json`; previews are not kept. The
CLI keeps a copy of the whole state besides, which is left out here.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from types import NoneType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.events import Operation

_KINDS = {
    **dict.fromkeys(("kind", "message", "result"), str),
    **dict.fromkeys(("startTime", "endTime"), int),
    **dict.fromkeys(("config", "resourceChanges"), dict),
}
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999, since the epoch: a later time cannot be shown."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run.

    Attributes:
        kind: update, refresh, destroy or import.
        config: The stack's configuration as its file says it, secrets encrypted.
        started: Seconds since the epoch; so is `ended`.
        changes: How often what was done.
    """

    kind: str
    message: str
    config: Mapping[str, Any]
    started: int
    ended: int
    failed: bool
    changes: Mapping[Operation, int]


def record(folder: Path, stack: str, entry: Entry) -> None:
    """Keep one run."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "kind": entry.kind,
        "startTime": entry.started,
        "message": entry.message,
        "environment": {"exec.kind": "embedded"},
        "config": entry.config,
        "result": "failed" if entry.failed else "succeeded",
        "endTime": entry.ended,
        "version": 0,
        "resourceChanges": {str(operation): count for operation, count in entry.changes.items()},
    }
    file = folder / f"{stack}-{time.time_ns()}.history.json"
    file.write_text(json.dumps(document, indent=4, ensure_ascii=False), encoding="utf-8")


def runs(folder: Path) -> list[dict[str, Any]]:
    """Every run with its ``version``, the newest first; files that cannot be read are left out."""
    found = []
    for version, file in enumerate(sorted(folder.glob("*.history.json"), key=_moment), start=1):
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if _is_run(document):
            found.append({**document, "version": version})
    return found[::-1]


def _is_run(document: Any) -> bool:
    """Whether a file's content has the shape that whoever shows it relies on; any member may be missing."""
    if not isinstance(document, dict):
        return False
    if any(not isinstance(document.get(name), (kind, NoneType)) for name, kind in _KINDS.items()):
        return False
    times = [document.get(name) or 0 for name in ("startTime", "endTime")]
    counts = (document.get("resourceChanges") or {}).values()
    return all(0 <= time <= _LAST_SECOND for time in times) and all(isinstance(one, int) for one in counts)


def moment(seconds: float) -> str:
    """A time as `stack history --json` writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(file: Path) -> int:
    digits = file.name.removesuffix(".history.json").rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0
