"""What Ctrl-C, SIGTERM and a closed terminal mean to a command, and while a run of it is under way."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.deployment.executor import Cancellation


@contextmanager
def orderly() -> Iterator[None]:
    """SIGTERM and SIGHUP end a command as Ctrl-C does: it lets go of what it holds."""

    def interrupted(number: int) -> None:
        raise KeyboardInterrupt(number)

    with _handled((signal.SIGTERM, signal.SIGHUP), interrupted):
        yield


@contextmanager
def interruptible(cancellation: Cancellation) -> Iterator[None]:
    """The first interrupt lets running steps finish, the second one stops them.

    A terminal that is closed may say so several times, and nobody is there who could mean more by it.
    """

    def interrupted(number: int) -> None:
        if not cancellation.requested:
            cancellation.request()
            _say(b"\nfinishing what is under way; interrupt again to stop at once\n")
        elif number != signal.SIGHUP:
            cancellation.abort()
            _say(b"\nstopping at once; what was under way has an unknown outcome\n")

    with _handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), interrupted):
        yield


@contextmanager
def _handled(numbers: tuple[signal.Signals, ...], act: Callable[[int], None]) -> Iterator[None]:
    """Inside it, these signals do something else; but a SIGHUP that is ignored, as by nohup, stays so."""
    terminals = [descriptor for descriptor in (0, 1, 2) if _is_terminal(descriptor)]

    def handle(number: int, _frame: object) -> None:
        if number == signal.SIGHUP:
            _leave(terminals)
        act(number)

    if threading.current_thread() is not threading.main_thread():
        yield  # Python gives signals to the main thread alone
        return
    before = {
        number: signal.signal(number, handle)
        for number in numbers
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def _leave(terminals: list[int]) -> None:
    """Has nothing more to do with a terminal that is gone: whatever is written to one fails."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in terminals:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _say(words: bytes) -> None:
    # Not through sys.stderr: the signal may have arrived while something was being written to it.
    with suppress(OSError):
        os.write(2, words)
