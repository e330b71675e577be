"""A page is made of parts; parts are read side by side, end by one deadline, and fail one by one.

This module knows nothing of Kafka: it gives the deadline, the part, the way to gather parts, and a cache in
which many readers of one thing share a single read. What is read, and what a failure is called, is the
business of the readers.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

PAGE_SECONDS = 4.5
# A reader that ends at its deadline still has to hand over what it has.
GRACE_SECONDS = 0.5
WORKERS = 16

_log = logging.getLogger(__name__)

T = TypeVar("T")


class ReadError(Exception):
    """A source did not give what was asked of it; the text says which one and why, to a person."""


class NotFoundError(ReadError):
    """The source answered, and does not know what was asked for."""


class Deadline:
    """A moment on the monotonic clock by which everything of one request must have ended."""

    def __init__(self, seconds: float = PAGE_SECONDS) -> None:
        self._end = time.monotonic() + seconds

    def left(self, most: float = float("inf")) -> float:
        """Seconds that are left, never more than `most` and never negative."""
        return max(0.0, min(most, self._end - time.monotonic()))


@dataclass(frozen=True)
class Part(Generic[T]):
    """What one reader gave: a value, or the sentence that says why there is none.

    Attributes:
        value: What was read, or None.
        error: Why it was not, or None.
        missing: True if the source answered and knows no such thing.
    """

    value: T | None = None
    error: str | None = None
    missing: bool = False


class Gatherer:
    """Runs readers on a fixed number of threads; a reader must not gather: that could take the last one."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="read")

    def gather(self, deadline: Deadline, readers: dict[str, Callable[[], Any]]) -> dict[str, Part[Any]]:
        """Run all `readers` at once; one that is late or fails leaves a Part with an error.

        A late reader goes on in its thread until its own timeouts end it; resolving a name has none.
        """
        futures = {name: self._pool.submit(reader) for name, reader in readers.items()}
        return {name: _part(name, future, deadline) for name, future in futures.items()}


def attempt(reader: Callable[[], T]) -> tuple[T | None, str | None]:
    """What `reader` gives and None, or None and the sentence that says why it gave nothing."""
    try:
        return reader(), None
    except ReadError as error:
        return None, str(error)


def _part(name: str, future: Future[Any], deadline: Deadline) -> Part[Any]:
    try:
        return Part(value=future.result(timeout=deadline.left()))
    except ReadError as error:
        return Part(error=str(error), missing=isinstance(error, NotFoundError))
    except TimeoutError:
        future.cancel()
        return Part(error="no answer in time")
    except Exception:  # noqa: BLE001 - one part that fails for whatever reason must not take the page along
        _log.exception("reading %s failed", name)
        return Part(error="unexpected failure; the console's log has the details")


@dataclass
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    expires: float = 0.0
    value: Any = None
    error: ReadError | None = None


class Cache(Generic[T]):
    """Remembers values and failures for a short time; callers that want a key at once share one read.

    Failures are remembered too: with a source down, the parts of a page must not each wait for it in turn.
    """

    def __init__(self, seconds: float, *, error_seconds: float = 2.0, entries: int = 128) -> None:
        self._seconds = seconds
        self._error_seconds = error_seconds
        self._entries = entries
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, read: Callable[[], T], deadline: Deadline) -> T:
        """The remembered value of `key`, or what `read` gives now.

        Raises:
            ReadError: `read` failed, now or shortly before, or another's read did not end in time.
        """
        slot = self._slot(key)
        if not slot.lock.acquire(timeout=deadline.left()):
            raise ReadError("no answer in time")
        try:
            if slot.expires <= time.monotonic():
                self._fill(slot, read)
            if slot.error is not None:
                raise type(slot.error)(str(slot.error))  # anew: threads must not share a traceback
            value: T = slot.value
            return value
        finally:
            slot.lock.release()

    def _slot(self, key: Hashable) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            if len(self._slots) > self._entries:
                self._slots.popitem(last=False)
            return slot

    def _fill(self, slot: _Slot, read: Callable[[], T]) -> None:
        try:
            slot.value, slot.error = read(), None
            slot.expires = time.monotonic() + self._seconds
        except ReadError as error:
            slot.value, slot.error = None, error.with_traceback(None)
            slot.expires = time.monotonic() + self._error_seconds
