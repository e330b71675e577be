"""A stack's state in files: the checkpoint, the one before it, and what a run has recorded since.

`<stack>.json` is the CLI's file, replaced as a whole; `<stack>.json.bak` the one before the last change;
`<stack>.json.journal` (`journal`) is there while a run with a large state is under way, or was killed.
Whoever reads here sees all three as one. What stands in the files is left to `checkpoint`. The CLI's own
notes beside its files, `….attrs`, go when a file is replaced: a CLI that was killed may leave them empty, and
then refuses to read a state that is whole.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

from engine import faults
from engine.errors import DamagedState, StateNotWritten
from engine.state import journal

if TYPE_CHECKING:
    from pathlib import Path

_OWNER_ONLY = 0o600
"""State holds much that is no secret in the program's eyes and yet nobody's business."""
_TRIES = 20
"""How often a state is read again that a run changes meanwhile."""


class StateFile:
    """One stack's state.

    Args:
        file: the checkpoint.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.backup = file.with_name(f"{file.name}.bak")
        self.journal = file.with_name(f"{file.name}.journal")

    def read(self) -> str:
        """The state as a checkpoint's text, with all that a run has recorded since it was written.

        Raises:
            OSError: it cannot be read; FileNotFoundError: there is none.
            UnicodeDecodeError: it is not text.
            DamagedState: the journal cannot be used.
        """
        for _ in range(_TRIES):
            before = self.file.stat()
            data = self.file.read_bytes()
            found = journal.read(self.journal)
            if os.path.samestat(before, self.file.stat()):
                return self._applied(data, found)
        raise DamagedState(f"{self.file} is changed all the time by somebody else. Try again later.")

    def _applied(self, data: bytes, found: journal.Found | None) -> str:
        digest = journal.digest_of(data)
        if found is None or digest in found.folded:
            return data.decode()
        if digest != found.checkpoint:
            raise DamagedState(
                f"{self.file} was changed by another tool since a run of the embedded engine was cut off, "
                f"whose last records are still in {self.journal}. {journal.hint(self.journal)}"
            )
        return json.dumps(found.applied(json.loads(data)), ensure_ascii=False)

    def write(self, text: str) -> None:
        """Replaces the state so that a crash at any moment leaves the old or the new one whole.

        Raises:
            StateNotWritten: it could not be replaced; the old one is as it was.
        """
        faults.point("save.before")
        try:
            with journal.claimed(self.journal, wait=True) as left:
                self._write(text, left=left)
        except OSError as error:
            raise self.not_written(error) from error
        faults.point("save.after")

    def fold(self) -> bool:
        """Brings what a run that was killed has recorded into the checkpoint; tells whether there was any.

        Raises:
            StateNotWritten: it could not be written.
            DamagedState: the journal cannot be used.
        """
        try:
            with journal.claimed(self.journal, wait=False) as left:
                if left:
                    self._write(self.read(), left=left)
                return left
        except OSError as error:
            raise self.not_written(error) from error

    def not_written(self, error: OSError) -> StateNotWritten:
        """What to tell people about a write that failed."""
        return StateNotWritten(
            f"the state could not be written to {self.file}: {error.strerror or error}. What was saved "
            "before is whole. Make room, or make the folder writable, and run the command again."
        )

    def remove(self) -> None:
        """Forgets the state; the file stays beside as a backup."""
        self._forget_notes()
        self.file.replace(self.backup)
        self.journal.unlink(missing_ok=True)

    def _write(self, text: str, *, left: bool) -> None:
        """Replaces the checkpoint, and does away with the journal that is left: it is contained now."""
        data = text.encode()
        if left and (found := journal.read(self.journal)):
            journal.mark_folded(self.journal, found, journal.digest_of(data))
            faults.point("fold.before")
        self._replace(data)
        if left:
            faults.point("fold.after")
            self.journal.unlink()

    def _replace(self, data: bytes) -> None:
        if self.file.exists():
            self._back_up()
        written = self.file.with_name(f".{self.file.name}.new")
        with written.open("wb") as stream:
            os.fchmod(stream.fileno(), _OWNER_ONLY)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        self._forget_notes()
        written.replace(self.file)
        journal.sync_folder(self.file.parent)

    def _forget_notes(self) -> None:
        for file in (self.file, self.backup):
            file.with_name(f"{file.name}.attrs").unlink(missing_ok=True)

    def _back_up(self) -> None:
        self.backup.unlink(missing_ok=True)
        try:
            os.link(self.file, self.backup)
        except OSError:  # a file system without links
            shutil.copy2(self.file, self.backup)
