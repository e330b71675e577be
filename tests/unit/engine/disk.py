"""What a run has saved, as the journal has it: the whole once, then only what each save changed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from engine.resource import Deployment, PendingOperation, Resource
from engine.state.integrity import verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.state.snapshot import Change, Whole


class Disk:
    """A writer that keeps every save; the last one of a run must be what its changes have led to."""

    def __init__(self, then: Callable[[Deployment], None] | None = None) -> None:
        self.saves: list[Deployment] = []
        self._then = then
        self._begun = False
        self._resources: dict[int, Resource] = {}
        self._pending: dict[int, PendingOperation] = {}

    def save(self, change: Change, whole: Callable[[], Whole], *, final: bool) -> None:
        if self._begun:
            self._resources |= copy.deepcopy(change.resources)
            self._pending |= copy.deepcopy(change.pending)
            for number in change.gone:
                self._resources.pop(number, None)
                self._pending.pop(number, None)
        if final or not self._begun:
            taken = copy.deepcopy(whole())
            if self._begun:
                assert self._deployment(taken.deployment) == taken.deployment
            self._resources = dict(zip(taken.resources, taken.deployment.resources, strict=True))
            self._pending = dict(zip(taken.pending, taken.deployment.pending, strict=True))
            self._last = taken.deployment
            self._begun = not final
        saved = copy.deepcopy(self._deployment(self._last))
        verify(saved)
        self.saves.append(saved)
        if self._then:
            self._then(saved)

    def _deployment(self, like: Deployment) -> Deployment:
        return Deployment(
            resources=[self._resources[number] for number in sorted(self._resources)],
            pending=[self._pending[number] for number in sorted(self._pending)],
            salt=like.salt,
            extra=like.extra,
        )

    @property
    def names(self) -> list[str]:
        return [one.urn.rsplit("::", 1)[1] for one in self.saves[-1].resources]

    @property
    def pending(self) -> list[tuple[str, str]]:
        return [(one.kind, one.resource.urn.rsplit("::", 1)[1]) for one in self.saves[-1].pending]
