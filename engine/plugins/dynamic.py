"""Dynamic resources: as many ``pulumi.dynamic`` servers as the calls under way need.

A dynamic resource's code is the program's own and may wait for minutes, as a readiness gate does. One server
has four workers, so a fifth waiting call gets a second server instead of blocking a sixth resource.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from engine.plugins.plugin import Metadata, Plugin

_WORKERS = 4


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
