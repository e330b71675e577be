"""What a run has recorded since the checkpoint was last written whole: a file beside it, a line a save.

A line is a digest, a space and JSON; the digest covers the digest of the line before, too, so that a line
that is damaged, lost or out of place is found. The first line names the checkpoint that the others go on from
and numbers its resources and calls; each of the others says what stands under which number now, in the
checkpoint's own form, and which numbers are gone. A last line may say which checkpoint contains all this.

A save is one write: what a crash leaves of it is an incomplete last line, which was never told to be durable
and is not read. Which saves go here is decided in :mod:`engine.state.writer`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import DamagedState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = 1
_DIGITS = 16
_OWNER_ONLY = 0o600


class Journal:
    """A journal that is being written. It is locked as long: a file that nobody locks was left behind.

    Args:
        file: where it lies; one that is there is written anew.
        checkpoint: the digest of the checkpoint that it goes on from.
        resources: the numbers of its resources.
        pending: the numbers of its calls.
    """

    def __init__(self, file: Path, checkpoint: str, resources: list[int], pending: list[int]) -> None:
        header = {"version": VERSION, "checkpoint": checkpoint, "resources": resources, "pending": pending}
        self.size = 0
        self._folder = file.parent
        self._digest = ""
        self._open = os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND, _OWNER_ONLY)
        fcntl.flock(self._open, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._head = _line(header, "")

    def append(self, entry: dict[str, Any]) -> None:
        """Makes one save durable. Raises OSError: it is not, and what was durable before still is."""
        head = self._head if not self.size else b""
        line = _line(entry, _digest(head) if head else self._digest)
        os.ftruncate(self._open, self.size)  # of what an earlier write that failed may have left
        try:
            _write(self._open, head + line)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._open, self.size)
            raise
        if head:
            sync_folder(self._folder)
        self.size += len(head) + len(line)
        self._digest = _digest(line)

    def close(self) -> None:
        """Writes no more, and lets go of the file."""
        os.close(self._open)


@dataclass(frozen=True)
class Found:
    """What a journal says.

    Attributes:
        checkpoint: the digest of the checkpoint that it goes on from.
        whole: how many bytes of the file are whole lines.
        last: the digest of the last of them.
        folded: the digests of checkpoints that contain all of it, if they were written.
    """

    checkpoint: str
    resources: list[int]
    pending: list[int]
    whole: int
    last: str
    entries: list[dict[str, Any]] = field(default_factory=list)
    folded: list[str] = field(default_factory=list)

    def applied(self, checkpoint: dict[str, Any]) -> dict[str, Any]:
        """The checkpoint's document with everything that was recorded since."""
        latest = dict(checkpoint["checkpoint"]["latest"])
        resources = dict(zip(self.resources, latest.get("resources") or (), strict=True))
        pending = dict(zip(self.pending, latest.get("pending_operations") or (), strict=True))
        for entry in self.entries:
            for number in entry["gone"]:
                resources.pop(number, None)
                pending.pop(number, None)
            resources |= {int(number): record for number, record in entry["resources"].items()}
            pending |= {int(number): record for number, record in entry["pending"].items()}
            latest["manifest"] = {**latest["manifest"], "time": entry["time"]}
        for member, found in (("resources", resources), ("pending_operations", pending)):
            latest[member] = [found[number] for number in sorted(found)]
            if not found:
                del latest[member]
        return {**checkpoint, "checkpoint": {**checkpoint["checkpoint"], "latest": latest}}


def read(file: Path) -> Found | None:
    """What a journal says; None if there is none, or nothing in it was ever durable.

    Raises:
        DamagedState: it was changed, or lines are missing in the middle.
        OSError: it cannot be read.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    *lines, tail = data.split(b"\n")
    digest, whole = "", 0
    documents = []
    for number, line in enumerate(lines, start=1):
        body = _body(line, digest)
        if body is None:
            if number == len(lines) and not tail:
                break  # the last write, cut off by a crash of the machine
            raise DamagedState(f"line {number} of {file} is damaged. {hint(file)}")
        documents.append(body)
        digest = line[:_DIGITS].decode()
        whole += len(line) + 1
    if not documents:
        return None
    head, *rest = documents
    if head.get("version") != VERSION:
        raise DamagedState(
            f"{file} is a journal of version {head.get('version')!r}; this engine reads version {VERSION}. "
            "Use the engine that wrote it."
        )
    return Found(
        head["checkpoint"],
        head["resources"],
        head["pending"],
        whole,
        digest,
        [one for one in rest if "folded" not in one],
        [one["folded"] for one in rest if "folded" in one],
    )


def mark_folded(file: Path, found: Found, checkpoint: str) -> None:
    """Makes durable that this checkpoint, if it comes to be there, contains all that the journal says."""
    with file.open("r+b") as stream:
        stream.truncate(found.whole)
        stream.seek(found.whole)
        _write(stream.fileno(), _line({"folded": checkpoint}, found.last))


@contextmanager
def claimed(file: Path, *, wait: bool) -> Iterator[bool]:
    """Holds a journal that was left behind while the block runs; gives False if there is none.

    Args:
        file: the journal.
        wait: whether to wait for whoever holds it; else one that is held counts as none.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        # Another one may have done away with it meanwhile.
        yield file.exists() and os.path.samestat(os.fstat(descriptor), file.stat())
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def digest_of(checkpoint: bytes) -> str:
    """The digest under which a journal names a checkpoint."""
    return hashlib.sha256(checkpoint).hexdigest()


def hint(file: Path) -> str:
    """What a person can do about a journal that cannot be used."""
    return (
        "It holds what an interrupted run did. To go on from the checkpoint alone, move it away, and look "
        f"with `pulumi refresh` and `docker ps` at what that run has left: mv {file} {file}.unused"
    )


def sync_folder(folder: Path) -> None:
    """Makes durable which files a folder has."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(document: dict[str, Any], before: str) -> bytes:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    digest = hashlib.sha256(before.encode() + body).hexdigest()[:_DIGITS]
    return digest.encode() + b" " + body + b"\n"


def _digest(line: bytes) -> str:
    return line[:_DIGITS].decode()


def _body(line: bytes, before: str) -> dict[str, Any] | None:
    """What a line says; None if it is not what was written behind that digest."""
    digest, _, body = line.partition(b" ")
    if hashlib.sha256(before.encode() + body).hexdigest()[:_DIGITS].encode() != digest:
        return None
    document: dict[str, Any] = json.loads(body)
    return document


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)
