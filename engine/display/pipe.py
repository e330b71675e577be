"""What happens when nobody reads the output any more, as with `pulumi up | head`: the run goes on unseen."""

from __future__ import annotations

import os
from typing import IO


def silence(stream: IO[str]) -> None:
    """Sends what is still written to a broken pipe nowhere, so that nothing trips over it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
