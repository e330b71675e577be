"""Dynamic resources: as many ``pulumi.dynamic`` servers as calls under way need, and what their errors mean.

A dynamic resource's code is the program's own and may wait for minutes, as a readiness gate does. One server
has four workers, so a fifth waiting call gets a second server instead of blocking a sixth resource.
"""

from __future__ import annotations

import builtins
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from engine.plugins import Metadata, Plugin

_WORKERS = 4
_TRACEBACK = "Traceback (most recent call last):\n"
# Raised by mistakes in code: then its author needs the whole traceback.
_MISTAKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    NotImplementedError,
    SyntaxError,
    TypeError,
)


class DynamicServers:
    """Several servers seen as one connection.

    Args:
        start: Starts another server.
    """

    def __init__(self, start: Callable[[], Plugin]) -> None:
        self._start = start
        self._busy: dict[Plugin, int] = {}
        self._configure: Message | None = None
        self._changed = threading.Condition()
        self._starting = False

    def call(
        self, method: str, request: Message, metadata: Metadata = (), seconds: float | None = None
    ) -> Any:
        """Make one call on a server with a free worker: see `plugins.Connection`."""
        if method == "Configure":
            self._configure = request
        server = self._acquire()
        try:
            return server.call(method, request, metadata, seconds)
        finally:
            with self._changed:
                self._busy[server] -= 1
                self._changed.notify()

    def _acquire(self) -> Plugin:
        with self._changed:
            while True:
                if server := self._free():
                    self._busy[server] += 1
                    return server
                if not self._starting:
                    break
                self._changed.wait()
            self._starting = True
        try:
            server = self._start()
            if self._configure is not None:
                server.call("Configure", self._configure)
            with self._changed:
                self._busy[server] = 1
            return server
        finally:
            with self._changed:
                self._starting = False
                self._changed.notify_all()

    def _free(self) -> Plugin | None:
        return next((one for one, calls in self._busy.items() if calls < _WORKERS and one.alive), None)


def words(message: str) -> str:
    """Return what an error wants to say: dynamic servers report an exception with its whole traceback.

    A mistake in the provider's code keeps the traceback, an exception that was raised on purpose does not.
    """
    _, found, rest = message.rpartition(_TRACEBACK)
    if not found:
        return message
    lines = rest.splitlines()
    while lines and lines[0].startswith("  "):
        lines.pop(0)
    kind, _, said = "\n".join(lines).partition(": ")
    known = getattr(builtins, kind, None)
    mistake = isinstance(known, type) and issubclass(known, _MISTAKES)
    return said.strip() if said and not mistake else message
