"""The state while a run changes it: what is done, what is under way, what is still as it was.

The only writer of a stack's checkpoint. Before a provider is called, `begin` has made the call's record
durable; after it, one of the other methods records the outcome. What a kill at any moment leaves behind is
therefore a state that loads and says which calls have an unknown outcome. How it looks in a file is left to
:mod:`engine.checkpoint` and :mod:`engine.backend`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from engine.errors import DamagedState
from engine.resource import Deployment, PendingOperation, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.values import Values


CREATING = "creating"


class Snapshot:
    """The resources of one run. Safe to use from several threads.

    Args:
        base: the state before the run. Its Resource objects are the keys by which later calls name them.
        write: saves a deployment durably; None for a preview, which saves nothing.
    """

    def __init__(self, base: Deployment, write: Callable[[Deployment], None] | None = None) -> None:
        self.base = base
        self._write = write
        self._changing = threading.Lock()
        self._saving = threading.Lock()
        self._version = 0
        self._saved = 0
        self._rest: dict[int, Resource] = {id(resource): resource for resource in base.resources}
        self._done: list[Resource] = []
        self._vanished: list[Resource] = []
        # Calls whose outcome nobody recorded: creations are kept until the resource is there or a refresh
        # clears them; the others are settled by what this run does next.
        self._pending = [operation for operation in base.pending if operation.kind == CREATING]

    def begin(self, resource: Resource, kind: str) -> None:
        """Makes durable that a provider is about to be called.

        Args:
            resource: what the call is about, as it is known before it.
            kind: creating, updating, deleting or reading.
        """
        with self._changing:
            self._drop_pending(resource.urn, creations=kind == CREATING)
            self._pending.append(PendingOperation(resource, kind))
        self._save()

    def created(self, new: Resource, *, replacing: Resource | None = None, keeps_old: bool = False) -> None:
        """Records a new resource, and what becomes of the one it replaces.

        Args:
            new: what was created.
            replacing: the resource in whose place it stands.
            keeps_old: the replaced one still exists and is deleted when the program is through.
        """
        with self._changing:
            self._drop_pending(new.urn, creations=True)
            if replacing is not None and keeps_old:
                replacing.delete = True
            elif replacing is not None:
                self._rest.pop(id(replacing), None)
                _rename(self._rest.values(), replacing.urn, new.urn)
            self._done.append(new)
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
            self._forget(old)
        self._save()

    def mark_pending_replacement(self, old: Resource) -> None:
        """Records that a resource is deleted and will be created again.

        It stays in the state until then: others still name it, and a state with dangling names is refused.
        """
        with self._changing:
            self._drop_pending(old.urn)
            old.pending_replacement = True
        self._save()

    def refreshed(self, old: Resource, new: Resource | None) -> None:
        """Records what a read found: the resource as it is now, or None where it has vanished."""
        with self._changing:
            self._drop_pending(old.urn)
            if new is None:
                self._rest.pop(id(old), None)
                self._vanished.append(old)
            elif id(old) in self._rest:
                self._rest[id(old)] = new
            # Again for all: the new one may be a copy from before others vanished.
            for gone in self._vanished:
                _strip(self._rest.values(), gone)
        self._save()

    def failed(self, resource: Resource) -> None:
        """Records that a call has failed for sure: the provider answered, and nothing changed."""
        with self._changing:
            self._drop_record(resource)
        self._save()

    def clear_pending_creates(self) -> None:
        """Forgets creations of earlier runs whose outcome is unknown."""
        with self._changing:
            self._pending.clear()
        self._save()

    def outputs(self, resource: Resource, outputs: Values) -> None:
        """Gives a component the outputs that it has after its children. Saved as after `same`."""
        with self._changing:
            resource.outputs = outputs

    def finish(self) -> None:
        """Saves what has not been saved yet."""
        self._save(always=True)

    def deployment(self) -> Deployment:
        """The state as it would be saved now: done in order of completion, then what has not been reached."""
        with self._changing:
            return self._deployment()

    def _deployment(self) -> Deployment:
        return Deployment(
            resources=[*self._done, *self._rest.values()],
            pending=list(self._pending),
            salt=self.base.salt,
            extra=self.base.extra,
        )

    def _replace(self, old: Resource, new: Resource) -> None:
        with self._changing:
            self._drop_pending(new.urn)
            self._rest.pop(id(old), None)
            _rename(self._rest.values(), old.urn, new.urn)
            self._done.append(new)

    def _forget(self, gone: Resource) -> None:
        if self._rest.pop(id(gone), None) is None:
            self._done = [resource for resource in self._done if resource is not gone]

    def unresolved_creations(self) -> list[Resource]:
        """The records of creations of earlier runs that this one has not come across."""
        with self._changing:
            mine = [operation.resource for operation in self._pending if operation.kind == CREATING]
        known = {id(operation.resource) for operation in self.base.pending}
        return [resource for resource in mine if id(resource) in known]

    def _drop_pending(self, urn: str, *, creations: bool = False) -> None:
        """Forgets calls about a resource. What a creation left is only settled by another creation."""
        self._pending = [
            operation
            for operation in self._pending
            if operation.resource.urn != urn or (operation.kind == CREATING and not creations)
        ]

    def _drop_record(self, resource: Resource) -> None:
        self._pending = [operation for operation in self._pending if operation.resource is not resource]

    def _save(self, *, always: bool = False) -> None:
        """Returns once what has been recorded so far is durable. Waiting callers share one save."""
        if self._write is None:
            return
        with self._changing:
            self._version += 1
            wanted = self._version
        with self._saving:
            if self._saved >= wanted and not always:
                return
            with self._changing:
                covered = self._version
                deployment = _copied(self._deployment())
            verify(deployment)
            self._write(deployment)
            self._saved = covered


def _copied(deployment: Deployment) -> Deployment:
    """The same with resources of its own: while it is written, steps go on marking and filling the others."""
    return Deployment(
        resources=[resource.copy() for resource in deployment.resources],
        pending=[
            PendingOperation(operation.resource.copy(), operation.kind) for operation in deployment.pending
        ],
        salt=deployment.salt,
        extra=deployment.extra,
    )


def verify(deployment: Deployment) -> None:
    """Checks that every resource stands behind its parent, provider and dependencies, as the CLI does.

    Raises:
        DamagedState: it does not; all faults are named.
    """
    seen: set[str] = set()
    live: set[str] = set()
    faults: list[str] = []
    for resource in deployment.resources:
        faults += [f"{resource.urn} names {needed}, which {why}" for needed, why in _missing(resource, seen)]
        if not resource.custom and resource.id:
            faults.append(f"{resource.urn} is a component and has the id {resource.id!r}")
        if not resource.delete:
            if resource.urn in live:
                faults.append(f"{resource.urn} is there twice")
            live.add(resource.urn)
        seen |= {resource.urn, f"{resource.urn}::{resource.id}"}
    if faults:
        raise DamagedState("The state is inconsistent:\n" + "\n".join(f"  {fault}" for fault in faults))


def _missing(resource: Resource, seen: set[str]) -> list[tuple[str, str]]:
    named: list[tuple[str, str]] = []
    if resource.parent:
        named.append((resource.parent, "is to be its parent and does not stand before it"))
    if resource.provider and not resource.pending_replacement:  # what is deleted already needs no provider
        named.append((resource.provider, "is to be its provider and does not stand before it"))
    named += [(urn, "it depends on and which does not stand before it") for urn in resource.dependencies]
    for urns in resource.property_dependencies.values():
        named += [(urn, "a property depends on and which does not stand before it") for urn in urns]
    if resource.deleted_with:
        named.append((resource.deleted_with, "it is deleted with and which does not stand before it"))
    return [(urn, why) for urn, why in named if urn not in seen]


def _strip(resources: Iterable[Resource], gone: Resource) -> None:
    """Takes a vanished resource out of what others name, so that the state stays whole."""
    for resource in resources:
        resource.dependencies = [urn for urn in resource.dependencies if urn != gone.urn]
        resource.property_dependencies = {
            key: [urn for urn in urns if urn != gone.urn]
            for key, urns in resource.property_dependencies.items()
        }
        if resource.deleted_with == gone.urn:
            resource.deleted_with = ""
        if resource.parent == gone.urn:
            resource.parent = gone.parent


def _rename(resources: Iterable[Resource], before: str, after: str) -> None:
    """Lets those that are still as they were name a resource, found under an alias, by its new URN."""
    if before == after:
        return

    def today(urn: str) -> str:
        return after if urn == before else urn

    for resource in resources:
        resource.parent = today(resource.parent)
        resource.deleted_with = today(resource.deleted_with)
        resource.dependencies = [today(urn) for urn in resource.dependencies]
        resource.property_dependencies = {
            key: [today(urn) for urn in urns] for key, urns in resource.property_dependencies.items()
        }
        provider, separator, identifier = resource.provider.rpartition("::")
        resource.provider = f"{today(provider)}{separator}{identifier}"
