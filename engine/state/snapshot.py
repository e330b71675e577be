"""The state while a run changes it: what is done, what is under way, what is still as it was.

The only writer of a stack's state. Before a provider is called, `begin` has made the call's record durable;
after it, one of the other methods records the outcome. What a kill at any moment leaves behind is therefore a
state that loads and says which calls have an unknown outcome. How it gets into files is left to
`writer`, what a whole state is to `integrity`.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from engine import graph
from engine.resource import Deployment, PendingOperation, Resource
from engine.state import integrity
from engine.state.pending import CREATING, DELETING, UPDATING, is_repeated, is_same

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.values import Values


_OLD = 1_000_000_000
"""The number of the first resource of the last run: what this run does comes before it."""


@dataclass(frozen=True)
class Change:
    """What has changed since the last save: under each number what is there now, and what numbers are gone.

    Sorted by their numbers, resources and calls stand in the state's order; no number is given twice.
    """

    resources: dict[int, Resource]
    pending: dict[int, PendingOperation]
    gone: list[int]


@dataclass(frozen=True)
class Whole:
    """The whole state, and the numbers of its resources and calls in their order."""

    deployment: Deployment
    resources: list[int] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)


class Writer(Protocol):
    """Makes the state durable."""

    def save(self, change: Change, whole: Callable[[], Whole], *, final: bool) -> None:
        """Make durable what has changed, alone or with the rest; the last save of a run is the whole.

        Raises:
            StateNotWritten: It could not be. What changed comes again with the next save.
        """


class Snapshot:
    """The resources of one run. Safe to use from several threads.

    Args:
        base: the state before the run. Its Resource objects are the keys by which later calls name them.
        writer: makes it durable; None for a preview, which saves nothing.
    """

    def __init__(self, base: Deployment, writer: Writer | None = None) -> None:
        self.base = base
        self._writer = writer
        self._changing = threading.Lock()
        self._saving = threading.Lock()
        self._version = 0
        self._saved = 0
        self._resources = dict(enumerate(base.resources, _OLD))
        self._numbers = {id(resource): number for number, resource in self._resources.items()}
        self._index = integrity.Index()
        for number, resource in self._resources.items():
            self._index.put(number, resource)
        self._next = itertools.count()
        self._vanished: dict[str, Resource] = {}
        # Calls whose outcome nobody recorded: creations are kept until the resource is there or a refresh
        # clears them, the others until somebody has looked what has become of the resource.
        there = {resource.urn for resource in base.resources}
        self._pending = {
            next(self._next): one
            for one in base.pending
            if one.kind == CREATING or (one.kind in (UPDATING, DELETING) and one.resource.urn in there)
        }
        self._changed: set[int] = set()
        """The numbers of resources and calls that have changed since the last save."""

    def begin(self, resource: Resource, kind: str) -> None:
        """Makes durable that a provider is about to be called.

        Args:
            resource: what the call is about, as it is known before it.
            kind: creating, updating, deleting or reading.
        """
        with self._changing:
            self._drop_pending(resource.urn)
            if kind == CREATING:
                self._drop_creations(resource, is_repeated)
            number = next(self._next)
            self._pending[number] = PendingOperation(resource, kind)
            self._changed.add(number)
        self._save()

    def created(self, new: Resource, *, replacing: Resource | None = None, keeps_old: bool = False) -> None:
        """Records a new resource, and what becomes of the one it replaces.

        Args:
            new: what was created.
            replacing: the resource in whose place it stands.
            keeps_old: the replaced one still exists and is deleted when the program is through.
        """
        with self._changing:
            self._drop_pending(new.urn)
            self._drop_creations(new, is_repeated, is_same)
            if replacing is not None and keeps_old:
                replacing.delete = True
                self._notice(replacing)
            elif replacing is not None:
                self._drop(replacing)
                self._rename(replacing.urn, new.urn)
            self._add(new)
        self._save()

    def updated(self, old: Resource, new: Resource) -> None:
        """Records a resource after its update."""
        self._replace(old, new)
        self._save()

    def same(self, old: Resource, new: Resource) -> None:
        """Records a resource that needs no change. Saved with the next change or by `finish`."""
        self._replace(old, new)

    def deleted(self, old: Resource) -> None:
        """Records that a resource is gone, or what an interrupted creation left of one."""
        with self._changing:
            self._drop_pending(old.urn)
            self._drop_record(old)
            self._drop(old)
        self._save()

    def mark_pending_replacement(self, old: Resource) -> None:
        """Records that a resource is deleted and will be created again.

        It stays in the state until then: others still name it, and a state with dangling names is refused.
        """
        with self._changing:
            self._drop_pending(old.urn)
            old.pending_replacement = True
            self._notice(old)
        self._save()

    def settled(self, old: Resource, found: Resource | None) -> None:
        """Takes note of what a call of unknown outcome has done to a resource. Saved as after `same`.

        Args:
            old: the resource. It stays what later calls name it by, and becomes what was found.
            found: the resource as it was read; None where it is gone.
        """
        with self._changing:
            self._drop_pending(old.urn)
            old.pending_replacement = found is None
            if found:
                old.inputs, old.outputs, old.init_errors = found.inputs, found.outputs, found.init_errors
                old.modified = found.modified
            self._notice(old)

    def refreshed(self, old: Resource, new: Resource | None) -> None:
        """Records what a read found: the resource as it is now, or None where it has vanished."""
        with self._changing:
            self._drop_pending(old.urn)
            number = self._numbers.get(id(old))
            if new is None:
                self._drop(old)
                if not (old.delete and self._index.has(old.urn)):  # else others mean the one that is left
                    self._vanished[old.urn] = old
                    for user in self._index.mentioning(old.urn):
                        self._strip(user)
            elif number is not None:
                self._put(number, new)
                self._strip(number)  # it may be a copy from before others vanished
        self._save()

    def failed(self, resource: Resource) -> None:
        """Records that a call has failed for sure: the provider answered, and nothing changed."""
        with self._changing:
            self._drop_record(resource)
        self._save()

    def forget(self, creation: Resource) -> None:
        """Forgets a creation that has left nothing. Saved as after `same`."""
        with self._changing:
            self._drop_record(creation)

    def clear_pending_creates(self) -> None:
        """Forgets creations of earlier runs whose outcome is unknown."""
        with self._changing:
            self._settle([number for number, one in self._pending.items() if one.kind == CREATING])
        self._save()

    def outputs(self, resource: Resource, outputs: Values) -> None:
        """Gives a component the outputs that it has after its children. Saved as after `same`."""
        with self._changing:
            resource.outputs = outputs
            self._notice(resource)

    def finish(self) -> None:
        """Saves the whole state."""
        self._save(final=True)

    def deployment(self) -> Deployment:
        """The state as it is now: done in order of completion, then what has not been reached."""
        with self._changing:
            return self._whole().deployment

    def unresolved_creations(self) -> list[Resource]:
        """The records of creations of earlier runs that this one has not come across."""
        with self._changing:
            mine = [operation.resource for operation in self._pending.values() if operation.kind == CREATING]
        known = {id(operation.resource) for operation in self.base.pending}
        return [resource for resource in mine if id(resource) in known]

    # --- what is known, under its numbers ---

    def _whole(self) -> Whole:
        numbers = sorted(self._resources)
        return Whole(
            Deployment(
                resources=[self._resources[number] for number in numbers],
                pending=list(self._pending.values()),
                salt=self.base.salt,
                extra=self.base.extra,
            ),
            numbers,
            list(self._pending),
        )

    def _put(self, number: int, resource: Resource) -> None:
        self._resources[number] = resource
        self._index.put(number, resource)
        self._changed.add(number)

    def _add(self, new: Resource) -> None:
        number = next(self._next)
        self._numbers[id(new)] = number
        self._put(number, new)

    def _drop(self, gone: Resource) -> None:
        number = self._numbers.pop(id(gone), None)
        if number is not None:
            del self._resources[number]
            self._index.drop(number)
            self._changed.add(number)

    def _replace(self, old: Resource, new: Resource) -> None:
        with self._changing:
            self._drop_pending(old.urn)
            self._drop_pending(new.urn)
            self._drop(old)
            self._rename(old.urn, new.urn)
            self._add(new)

    def _notice(self, resource: Resource) -> None:
        """Takes note that a resource was changed in its place."""
        number = self._numbers.get(id(resource))
        if number is not None:
            self._put(number, resource)

    def _rename(self, before: str, after: str) -> None:
        """Lets those that are still as they were name a resource, found under an alias, by its new URN."""
        if before != after:
            for number in self._index.mentioning(before):
                if number >= _OLD:
                    integrity.rename(self._resources[number], before, after)
                    self._put(number, self._resources[number])

    def _strip(self, number: int) -> None:
        """Takes what has vanished out of what a resource names, so that the state stays whole."""
        resource = self._resources[number]
        while gone := [self._vanished[urn] for urn in graph.needs(resource) if urn in self._vanished]:
            for one in gone:
                integrity.strip(resource, one)
        self._put(number, resource)

    def _drop_pending(self, urn: str) -> None:
        """Forgets calls about a resource. What a creation left is only settled by another creation."""
        self._settle(
            [
                number
                for number, one in self._pending.items()
                if one.resource.urn == urn and one.kind != CREATING
            ]
        )

    def _drop_creations(self, new: Resource, *covering: Callable[[Resource, Resource], bool]) -> None:
        """Forgets earlier creations of a resource, except where they can have left something else."""
        self._settle(
            [
                number
                for number, one in self._pending.items()
                if one.kind == CREATING
                and one.resource.urn == new.urn
                and any(by(one.resource, new) for by in covering)
            ]
        )

    def _drop_record(self, resource: Resource) -> None:
        self._settle([number for number, one in self._pending.items() if one.resource is resource])

    def _settle(self, numbers: list[int]) -> None:
        for number in numbers:
            del self._pending[number]
        self._changed.update(numbers)

    # --- saving ---

    def _save(self, *, final: bool = False) -> None:
        """Returns once what has been recorded so far is durable. Waiting callers share one save."""
        if self._writer is None:
            return
        with self._changing:
            self._version += 1
            wanted = self._version
        with self._saving:
            if self._saved >= wanted and not final:
                return
            with self._changing:
                self._index.check()
                covered = self._version
                numbers, self._changed = self._changed, set()
                change = self._change(numbers)
            try:
                self._writer.save(change, self._copied, final=final)
            except BaseException:
                with self._changing:
                    self._changed |= numbers
                raise
            self._saved = covered

    def _change(self, numbers: set[int]) -> Change:
        return Change(
            {number: self._resources[number].copy() for number in numbers if number in self._resources},
            {number: _copied(self._pending[number]) for number in numbers if number in self._pending},
            [number for number in numbers if number not in self._resources and number not in self._pending],
        )

    def _copied(self) -> Whole:
        """The whole, with resources of its own: while it is written, steps go on changing the others."""
        with self._changing:
            self._index.check()
            whole = self._whole()
            deployment = Deployment(
                resources=[resource.copy() for resource in whole.deployment.resources],
                pending=[_copied(operation) for operation in whole.deployment.pending],
                salt=whole.deployment.salt,
                extra=whole.deployment.extra,
            )
            return Whole(deployment, whole.resources, whole.pending)


def _copied(operation: PendingOperation) -> PendingOperation:
    return PendingOperation(operation.resource.copy(), operation.kind)
