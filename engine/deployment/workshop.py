"""What each step does: the provider's call, its records in the state, and the news about it.

Every record that a crash must not lose is made here, in this order: begin (durable), call, done. Which steps
there are is decided in `planner`, when they run in `executor`.
"""

from __future__ import annotations

import time
import uuid
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine import faults
from engine.errors import EngineError, StepFailed
from engine.events import Operation, StepEvent
from engine.planning import comparison
from engine.planning.deletion import needs_call
from engine.plugins.plugin import CallFailed
from engine.plugins.provider import Live, Provider
from engine.plugins.registry import default_provider, is_provider
from engine.state.pending import CREATING, DELETING, STEP_IDS, UPDATING, is_repeated
from engine.values import hidden, remark_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from engine.events import Phase, Sink
    from engine.planning.step import Step
    from engine.plugins.plugin import Metadata
    from engine.plugins.registry import Registry
    from engine.resource import Resource
    from engine.state.snapshot import Snapshot

_VERBS = {
    Operation.CREATE: "creating",
    Operation.CREATE_REPLACEMENT: "creating",
    Operation.UPDATE: "updating",
    Operation.DELETE: "deleting",
    Operation.DELETE_REPLACED: "deleting",
    Operation.READ: "reading",
}


class Workshop:
    """Applies steps.

    Args:
        registry: Knows the providers.
        snapshot: Keeps the records.
        sink: Gets the news.
        preview: Whether providers only simulate and nothing is deleted.
        deleted: URNs whose deletion is planned; it grows while this is in use.
        adoptable: The record of each creation whose outcome was never recorded, by its URN.
    """

    def __init__(
        self,
        registry: Registry,
        snapshot: Snapshot,
        sink: Sink,
        *,
        preview: bool,
        deleted: Collection[str],
        adoptable: Mapping[str, Resource],
    ) -> None:
        self._registry = registry
        self._snapshot = snapshot
        self._sink = sink
        self._preview = preview
        self._deleted = deleted
        self._adoptable = adoptable
        self._apply: dict[Operation, Callable[[Step], None]] = {
            Operation.SAME: self._same,
            Operation.CREATE: self._create,
            Operation.CREATE_REPLACEMENT: self._create,
            Operation.UPDATE: self._update,
            Operation.REPLACE: lambda _: None,
            Operation.READ: self._read,
            Operation.DISCARD: self._delete,
            Operation.DELETE: self._delete,
            Operation.DELETE_REPLACED: self._delete,
            Operation.DISCARD_REPLACED: self._delete,
            Operation.REMOVE_PENDING_REPLACE: self._remove_pending,
        }

    def apply(self, step: Step) -> None:
        """Do one step and record it.

        Raises:
            StepFailed: The provider refused or died, or the resource exists but is not ready.
        """
        started = time.monotonic()
        if not self._preview and step.operation is not Operation.SAME:
            self._tell(step, "begin", started)
        try:
            self._apply[step.operation](step)
        except CallFailed as error:
            self._tell(step, "failed", started)
            raise StepFailed(
                step.urn, f"{_VERBS.get(step.operation, 'configuring')} it failed: {error}"
            ) from error
        except StepFailed:
            self._tell(step, "failed", started)
            raise
        except EngineError as error:
            self._tell(step, "failed", started)
            raise StepFailed(step.urn, str(error)) from error
        self._tell(step, "plan" if self._preview else "done", started)

    def _tell(self, step: Step, phase: Phase, started: float) -> None:
        if default_provider(step.urn):
            return
        diff = step.diff
        self._sink(
            StepEvent(
                phase=phase,
                operation=step.operation,
                urn=step.urn,
                type=step.resource.type,
                old=step.old,
                new=step.new,
                provider=step.resource.provider,
                changed=diff.changed if diff else (),
                replacing=diff.replaces if diff else (),
                detail=comparison.detail(diff, step.old, step.new),
                logical=step.logical,
                seconds=time.monotonic() - started,
                planned=self._preview,
                protect=step.resource.protect,
            )
        )

    # --- operations ---

    def _same(self, step: Step) -> None:
        old, new = _both(step)
        new.id, new.outputs = old.id, old.outputs
        if is_provider(new.type):
            self._registry.same(new.urn, old)
        mark_secrets(new)
        self._snapshot.same(old, new)

    def _create(self, step: Step) -> None:
        new = step.resource
        if not new.custom:
            live = Live("", {})
        elif is_provider(new.type):
            live = self._registry.create(new.urn, new.inputs)
        else:
            live = self._create_with(self._registry.get(new.provider), new)
        new.created = new.modified = now()
        self._take(new, live)
        self._snapshot.created(new, replacing=step.old, keeps_old=step.keeps_old)
        _complain(new, live)

    def _create_with(self, provider: Provider, new: Resource) -> Live:
        # Creations of earlier runs stay recorded until one succeeds: what they made may still be there to
        # adopt.
        known = self._adoptable.get(new.urn)
        earlier = list(known.extra.get(STEP_IDS, ())) if known else []
        step_id = str(uuid.uuid4())
        begun = known.created if known and known.created else now()
        record = new.copy(extra={**new.extra, STEP_IDS: [step_id, *earlier]}, created=begun)
        before = known if known and is_repeated(known, record) else None
        with _Recorded(self, record, CREATING, before=before):
            return provider.create(
                new.urn,
                new.inputs,
                seconds=new.custom_timeouts.create,
                metadata=(("messaging-step", step_id), *(("messaging-adopt", one) for one in earlier)),
            )

    def _update(self, step: Step) -> None:
        old, new = _both(step)
        new.id = old.id
        if not new.custom:
            live = Live("", old.outputs)
        elif is_provider(new.type):
            live = self._registry.update(new.urn, old.id, new.inputs)
        else:
            live = self._update_with(self._registry.get(new.provider), old, new)
        if new.custom:
            new.modified = now()
        self._take(new, live)
        self._snapshot.updated(old, new)
        _complain(new, live)

    def _update_with(self, provider: Provider, old: Resource, new: Resource) -> Live:
        # Under its old name, by which the state has it: an interrupted renaming has not happened.
        with _Recorded(self, new.copy(urn=old.urn), UPDATING):
            return provider.update(
                new.urn,
                old.id,
                old_inputs=old.inputs,
                old_outputs=old.outputs,
                news=new.inputs,
                ignore_changes=new.ignore_changes,
                seconds=new.custom_timeouts.update,
            )

    def _read(self, step: Step) -> None:
        old, new = step.old, step.resource
        if new.id:
            provider = self._registry.get(new.provider)
            live = provider.read(new.urn, new.id, inputs=new.inputs, outputs=old.outputs if old else {})
            if not live.id:
                raise StepFailed(new.urn, f"there is no {new.type} with the id {new.id!r} to be read")
            new.inputs = new.inputs if live.inputs is None else live.inputs
            self._take(new, live)
        if old and (old.id, old.inputs, old.outputs) == (new.id, new.inputs, new.outputs):
            self._snapshot.same(old, new)
        elif old:
            self._snapshot.updated(old, new)
        else:
            new.created = new.modified = now()
            self._snapshot.created(new)

    def _delete(self, step: Step) -> None:
        old = step.resource
        if not self._preview and needs_call(old, self._deleted):
            provider = self._registry.get(old.provider)
            # That of an orphan stands in the state already: as a creation of unknown outcome.
            with nullcontext() if step.orphan else _Recorded(self, old, DELETING):
                provider.delete(
                    old.urn,
                    old.id,
                    inputs=old.inputs,
                    outputs=old.outputs,
                    seconds=old.custom_timeouts.delete,
                    metadata=_traces(old) if step.orphan else (),
                )
        if step.comes_back:
            self._snapshot.mark_pending_replacement(old)
        else:
            self._snapshot.deleted(old)

    def _remove_pending(self, step: Step) -> None:
        self._snapshot.deleted(step.resource)

    def _take(self, new: Resource, live: Live) -> None:
        new.id, new.outputs, new.init_errors = live.id, live.outputs, list(live.init_errors)
        mark_secrets(new)


class _Recorded:
    """A provider call between its durable begin-record and its answer.

    The record stays in the state when nobody can say how the call ended: the provider died, or the run was
    aborted. A call that failed for sure leaves the record that was there ``before`` it.
    """

    def __init__(
        self, workshop: Workshop, resource: Resource, kind: str, before: Resource | None = None
    ) -> None:
        self._snapshot = workshop._snapshot  # noqa: SLF001 - a part of it
        self._preview = workshop._preview  # noqa: SLF001
        self._resource = resource
        self._kind = kind
        self._before = before
        self._place = kind.removesuffix("ing") + "e"

    def __enter__(self) -> None:
        if not self._preview:
            self._snapshot.begin(self._resource, self._kind)
            faults.point(f"{self._place}.before")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if self._preview:
            return
        faults.point(f"{self._place}.after")
        if not isinstance(error, CallFailed) or not error.answered:
            return
        if self._before:
            self._snapshot.begin(self._before, self._kind)
        else:
            self._snapshot.failed(self._resource)


def _traces(orphan: Resource) -> Metadata:
    """Say by what a provider recognises what an interrupted creation left."""
    ids = [("messaging-adopt", str(known)) for known in orphan.extra.get(STEP_IDS, ())]
    return (*ids, ("messaging-since", orphan.created))


def _both(step: Step) -> tuple[Resource, Resource]:
    assert step.old is not None  # noqa: S101 - the planner made it with both
    return step.old, step.resource


def _complain(new: Resource, live: Live) -> None:
    if live.init_errors:
        reasons = "\n".join(live.init_errors)
        raise StepFailed(new.urn, f"it exists and is kept in the state, but it is not ready: {reasons}")


def found(old: Resource, live: Live) -> Resource:
    """Return a resource of the state as its provider has read it."""
    inputs = old.inputs if live.inputs is None else live.inputs
    new = old.copy(id=live.id, inputs=inputs, outputs=live.outputs, init_errors=list(live.init_errors))
    mark_secrets(new)
    if (new.inputs, new.outputs) != (old.inputs, old.outputs):
        new.modified = now()
    return new


def mark_secrets(resource: Resource) -> None:
    """Make secret what the program asked for, and what repeats a secret input under the same name."""
    resource.outputs = remark_secrets(resource.outputs, resource.inputs)
    for key in resource.additional_secret_outputs:
        if key in resource.outputs:
            resource.outputs[key] = hidden(resource.outputs[key])


def now() -> str:
    """Return the time as the state notes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
