"""Requests that arrive together, sent together: a cluster takes one for 35 topics faster than 35 for one."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")
_SECONDS = 0.01


class Batch(Generic[_Item, _Answer]):
    """Gathers items for a moment, or while the last request is under way, and sends them as one.

    Args:
        send: Sends items, and returns what becomes of each by its name.
        seconds: How long the first item waits for others when no request is under way.
    """

    def __init__(
        self,
        send: Callable[[Mapping[str, _Item]], Mapping[str, Future[_Answer]]],
        seconds: float = _SECONDS,
    ) -> None:
        self._send = send
        self._seconds = seconds
        self._waiting: list[tuple[str, _Item, Future[_Answer]]] = []
        self._is_busy = False
        self._lock = threading.Lock()

    def submit(self, name: str, item: _Item) -> Future[_Answer]:
        """Add an item to the next request, or to the one after if that has one of this name already."""
        outcome: Future[_Answer] = Future()
        with self._lock:
            self._waiting.append((name, item, outcome))
            if self._is_busy:
                return outcome
            self._is_busy = True
        self._flush_after(self._seconds)
        return outcome

    def _flush_after(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._flush)
        timer.daemon = True
        timer.start()

    def _flush(self) -> None:
        items: dict[str, _Item] = {}
        outcomes: dict[str, Future[_Answer]] = {}
        with self._lock:
            waiting, self._waiting = self._waiting, []
            for name, item, outcome in waiting:
                if name in items:
                    self._waiting.append((name, item, outcome))
                else:
                    items[name], outcomes[name] = item, outcome
            self._is_busy = bool(items)
        if not items:
            return
        try:
            sent = self._send(items)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must learn of it
            for outcome in outcomes.values():
                outcome.set_exception(error)
            self._flush()
            return
        awaited = set(items)
        for name, outcome in outcomes.items():
            sent[name].add_done_callback(partial(self._pass_on, outcome, name, awaited))

    def _pass_on(self, outcome: Future[_Answer], name: str, awaited: set[str], done: Future[_Answer]) -> None:
        error = done.exception()
        if error:
            outcome.set_exception(error)
        else:
            outcome.set_result(done.result())
        with self._lock:
            awaited.remove(name)
            is_last = not awaited
        if is_last:
            # Not on this thread: it is the client library's, which brings the next answers.
            self._flush_after(0)
