"""What Ctrl-C and SIGTERM mean while a run is under way."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.deployment.executor import Cancellation


@contextmanager
def interruptible(cancellation: Cancellation) -> Iterator[None]:
    """The first interrupt lets running steps finish, the second one stops them."""

    def interrupted(_number: int, _frame: object) -> None:
        # Not through sys.stderr: the signal may have arrived while something was being written to it.
        if cancellation.requested:
            cancellation.abort()
            os.write(2, b"\nstopping at once; what was under way has an unknown outcome\n")
        else:
            cancellation.request()
            os.write(2, b"\nfinishing what is under way; interrupt again to stop at once\n")

    before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
