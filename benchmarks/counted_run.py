"""One command of the embedded engine, its saves counted: `python -m benchmarks.counted_run REPORT ...`."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.backend import Backend
from engine.cli.main import main

if TYPE_CHECKING:
    from engine.passphrase import Passphrase
    from engine.resource import Deployment

COUNTED: dict[str, Any] = {"saves": 0, "saving": 0.0, "written": 0}
SAVE = Backend.save


def save(backend: Backend, stack: str, deployment: Deployment, passphrase: Passphrase) -> None:
    """Saves, and notes how long it took and how much was written."""
    began = time.perf_counter()
    SAVE(backend, stack, deployment, passphrase)
    COUNTED["saves"] += 1
    COUNTED["saving"] += time.perf_counter() - began
    COUNTED["written"] += backend.file(stack).stat().st_size


if __name__ == "__main__":
    setattr(Backend, "save", save)  # noqa: B010 - counted from outside: the engine has no such switch
    code = main(sys.argv[2:])
    COUNTED["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    Path(sys.argv[1]).write_text(json.dumps(COUNTED))
    sys.exit(code)
