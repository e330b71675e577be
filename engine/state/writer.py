"""How a run's saves get onto the disk: the whole checkpoint while it is small, a line of the journal beyond.

A small state is written whole at each save, as the CLI does, so that everybody sees in the checkpoint itself
how far a run got. A large one is written whole at the run's beginning and end, and between them whenever the
journal has grown as large as it: the bytes that a run writes then grow with what it does, and not with what
it does times what there is (docs/adr/0008).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine import faults
from engine.state import checkpoint
from engine.state.journal import Journal, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.resource import Deployment
    from engine.state.snapshot import Change, Whole
    from engine.state.statefile import StateFile
    from engine.workspace.passphrase import Passphrase

SMALL = 512 * 1024
"""Bytes of a checkpoint that is written whole at each save: a few hundred resources."""


class FileWriter:
    """Writes one run's saves; see `engine.state.snapshot.Writer`. Called by one thread at a time.

    Args:
        state: where to.
        encode: turns the whole into a checkpoint's text.
        passphrase: encrypts the secrets.
        small: see `SMALL`.
    """

    def __init__(
        self,
        state: StateFile,
        encode: Callable[[Deployment], str],
        passphrase: Passphrase,
        small: int = SMALL,
    ) -> None:
        self._state = state
        self._encode = encode
        self._passphrase = passphrase
        self._small = small
        self._base: tuple[str, list[int], list[int]] | None = None
        """The checkpoint that was written last: its digest, and the numbers of its resources and calls."""
        self._size = 0
        self._journal: Journal | None = None

    def save(self, change: Change, whole: Callable[[], Whole], *, final: bool) -> None:
        """Makes a change durable: see `engine.state.snapshot.Writer`."""
        grown = self._journal.size if self._journal else 0
        if final or self._base is None or self._size < self._small or grown >= max(self._size, self._small):
            self._write(whole())
        else:
            self._append(change, self._base)

    def _write(self, whole: Whole) -> None:
        self._base = None  # if this fails, the next save is to write the whole again
        if self._journal:
            self._journal.close()
            self._journal = None
        text = self._encode(whole.deployment)
        self._state.write(text)
        data = text.encode()
        self._size = len(data)
        self._base = digest_of(data), whole.resources, whole.pending

    def _append(self, change: Change, base: tuple[str, list[int], list[int]]) -> None:
        faults.point("save.before")
        try:
            if self._journal is None:
                self._journal = Journal(self._state.journal, *base)
            self._journal.append(self._entry(change))
        except OSError as error:
            raise self._state.not_written(error) from error
        faults.point("save.after")

    def _entry(self, change: Change) -> dict[str, Any]:
        encrypt = self._passphrase.encrypt
        return {
            "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "resources": {
                number: checkpoint.record(resource, encrypt) for number, resource in change.resources.items()
            },
            "pending": {
                number: checkpoint.pending_record(operation, encrypt)
                for number, operation in change.pending.items()
            },
            "gone": change.gone,
        }
