"""One command of the embedded engine, its saves counted: `python -m benchmarks.counted_run REPORT ...`."""

from __future__ import annotations

import json
import resource
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.main import main
from engine.state.journal import Journal
from engine.state.statefile import StateFile

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNTED: dict[str, Any] = {"saves": 0, "wholes": 0, "saving": 0.0, "written": 0}
WRITE, APPEND = StateFile.write, Journal.append


@contextmanager
def _timed() -> Iterator[None]:
    began = time.perf_counter()
    yield
    COUNTED["saves"] += 1
    COUNTED["saving"] += time.perf_counter() - began


def write(state: StateFile, text: str) -> None:
    """Writes a whole checkpoint, and notes how long it took and how much it was."""
    with _timed():
        WRITE(state, text)
    COUNTED["wholes"] += 1
    COUNTED["written"] += len(text.encode())


def append(journal: Journal, entry: dict[str, Any]) -> None:
    """Writes a line of the journal, and notes how long it took and how much it was."""
    before = journal.size
    with _timed():
        APPEND(journal, entry)
    COUNTED["written"] += journal.size - before


if __name__ == "__main__":
    # Counted from outside: the engine has no such switch.
    setattr(StateFile, "write", write)  # noqa: B010
    setattr(Journal, "append", append)  # noqa: B010
    code = main(sys.argv[2:])
    COUNTED["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    Path(sys.argv[1]).write_text(json.dumps(COUNTED))
    sys.exit(code)
