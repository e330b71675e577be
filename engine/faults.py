"""Places where a test can make the engine die, to prove that the next run recovers.

A fault point does nothing unless ``MESSAGING_ENGINE_KILL_AT`` names it. It is not for users and changes
nothing else.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter

VARIABLE = "MESSAGING_ENGINE_KILL_AT"

_hits: Counter[str] = Counter()
_lock = threading.Lock()


def point(name: str) -> None:
    """Kill this process, as ``kill -9`` would, when ``MESSAGING_ENGINE_KILL_AT`` is ``name`` or ``name:hit``.

    Args:
        name: What is about to happen or just happened, such as ``save.before`` or ``create.after``.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    place, _, hit = wanted.partition(":")
    if place != name:
        return
    with _lock:
        _hits[name] += 1
        if _hits[name] == int(hit or 1):
            os.kill(os.getpid(), signal.SIGKILL)
