"""Requests that arrive together, sent together: a cluster takes one for 35 topics faster than 35 for one."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Item = TypeVar("_Item")


class Batch(Generic[_Item]):
    """Gathers items for a moment and sends them as one request.

    Args:
        send: Sends items, and returns what becomes of each by its name.
        seconds: How long the first item waits for others.
    """

    def __init__(
        self, send: Callable[[Mapping[str, _Item]], Mapping[str, Future[None]]], seconds: float
    ) -> None:
        self._send = send
        self._seconds = seconds
        self._waiting: dict[str, tuple[_Item, Future[None]]] = {}
        self._lock = threading.Lock()

    def submit(self, name: str, item: _Item) -> Future[None]:
        """Add an item to the next request. Names are unique: the engine creates nothing twice at once."""
        outcome: Future[None] = Future()
        with self._lock:
            first = not self._waiting
            self._waiting[name] = (item, outcome)
        if first:
            threading.Timer(self._seconds, self._flush).start()
        return outcome

    def _flush(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        try:
            sent = self._send({name: item for name, (item, _) in waiting.items()})
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must learn of it
            for _, outcome in waiting.values():
                outcome.set_exception(error)
            return
        for name, (_, outcome) in waiting.items():
            sent[name].add_done_callback(partial(_pass_on, outcome))


def _pass_on(outcome: Future[None], done: Future[None]) -> None:
    error = done.exception()
    if error:
        outcome.set_exception(error)
    else:
        outcome.set_result(None)
