"""The stack's lock, in the CLI's own form: one JSON file that says who holds the stack and since when.

A lock that its holder left behind is told from a live one, but only `pulumi cancel` removes it.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import StackLocked, StateNotWritten

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_SLACK = 2.0
"""Seconds by which a process's start, counted in clock ticks since boot, may seem later than it was."""


@dataclass(frozen=True)
class Holder:
    """Who holds a stack, as its lock file says."""

    file: Path
    pid: int = 0
    user: str = "?"
    host: str = "?"
    since: str = "?"
    started: int | None = None
    """When its process started, in clock ticks since boot: a clock that is set anew does not change that."""

    @classmethod
    def read(cls, file: Path) -> Holder:
        """What a lock file says; one that says nothing readable still holds."""
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            return cls(
                file,
                int(record.get("pid") or 0),
                str(record.get("username") or "?"),
                str(record.get("hostname") or "?"),
                str(record.get("timestamp") or "?"),
                record.get("startedTicks"),
            )
        except (OSError, ValueError, TypeError, AttributeError):
            return cls(file)

    def is_alive(self) -> bool | None:
        """Whether its process still runs; None if unknown: elsewhere, or a damaged lock."""
        if self.host != socket.gethostname() or not self.pid:
            return None
        ticks = _started(self.pid)
        if ticks is None:
            return False
        if self.started is not None:
            return ticks == self.started
        try:
            taken = datetime.fromisoformat(self.since).timestamp()
        except ValueError:
            return None
        started = _booted() + ticks / _CLOCK_TICKS
        return started <= taken + _SLACK  # else the number was given to another process since

    def describe(self) -> str:
        """One line for people."""
        state = {
            True: "that process is still running",
            False: "that process is no longer there",
            None: "whether it still runs cannot be seen from here",
        }[self.is_alive()]
        return f"process {self.pid or '?'} of {self.user} on {self.host} since {self.since} ({state})"


@contextmanager
def held(folder: Path, stack: str) -> Iterator[None]:
    """Holds a stack while the block runs.

    Args:
        folder: where this stack's lock files lie.
        stack: its name, for the message.

    Raises:
        StackLocked: someone else holds it, or left a lock behind; the message says which and what to do.
        StateNotWritten: there is no room for a lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mine = folder / f"{uuid.uuid4()}.json"
    record = {
        "pid": os.getpid(),
        "username": _user(),
        "hostname": socket.gethostname(),
        "timestamp": datetime.now(UTC).isoformat(),
        "startedTicks": _started(os.getpid()),
    }
    # Written before looking: of two runs that start together each then sees the other.
    try:
        mine.write_text(json.dumps(record), encoding="utf-8")
    except OSError as error:
        mine.unlink(missing_ok=True)
        raise StateNotWritten(
            f"the stack could not be locked: {mine}: {error.strerror or error}. Nothing was begun."
        ) from error
    try:
        others = [Holder.read(file) for file in holders(folder) if file != mine]
        if others:
            raise StackLocked(_message(stack, others))
        yield
    finally:
        mine.unlink(missing_ok=True)


def holders(folder: Path) -> list[Path]:
    """The lock files of a stack."""
    return sorted(folder.glob("*.json"))


def _message(stack: str, others: list[Holder]) -> str:
    lines = "\n".join(f"  {holder.describe()}\n    {holder.file}" for holder in others)
    if all(holder.is_alive() is False for holder in others):
        advice = (
            f"The run that held it has ended without freeing it: `pulumi cancel --stack {stack}` frees it."
        )
    else:
        advice = (
            "Wait for it to end. If you are sure that it will not, "
            f"`pulumi cancel --stack {stack}` frees the stack."
        )
    return f"the stack {stack!r} is currently locked by {len(others)} lock(s):\n{lines}\n{advice}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id that no account has, as in containers
        return str(os.getuid())


def _started(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None if there is none."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if after_name[0] == "Z" else int(after_name[19])


def _booted() -> float:
    """When the machine started, in seconds since the epoch, by the clock as it is now."""
    lines = Path("/proc/stat").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("btime")).split()[1])
