"""A refresh or its preview: the state is made to say what is really there, nothing else changes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from engine import faults, urn
from engine.deployment.run import Result, Run, Settings, is_readable
from engine.errors import BadInput, StateNotWritten
from engine.events import Diagnostic, Operation, StepEvent
from engine.planning import comparison, paths
from engine.plugins.plugin import CallFailed
from engine.plugins.provider import Diff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.deployment.executor import Cancellation
    from engine.events import Phase, Sink
    from engine.resource import Resource
    from engine.state.snapshot import Snapshot

_GONE = Diff(changes=True)


def refresh(
    settings: Settings,
    snapshot: Snapshot,
    sink: Sink,
    cancellation: Cancellation,
    *,
    targets: Sequence[str] = (),
) -> Result:
    """Read every resource, or those whose URN a target names, and record, or in preview tell, what is found.

    Raises:
        BadInput: A target names no resource.
    """
    wanted = _targeted([resource.urn for resource in snapshot.base.resources], targets)
    with Run(settings, snapshot, sink, cancellation) as run:
        run.registry.warm()
        chosen = [one for one in run.olds if one.urn in wanted and is_readable(one)]
        with ThreadPoolExecutor(max(settings.parallel, 1), thread_name_prefix="read") as pool:
            list(pool.map(lambda resource: _refresh(run, resource), chosen))
    return run.result()


def _targeted(present: Sequence[str], targets: Sequence[str]) -> set[str]:
    if not targets:
        return set(present)
    matched = {target: [one for one in present if urn.matches(one, target)] for target in targets}
    if missing := [target for target, found in matched.items() if not found]:
        msg = f"no resource of this stack matches --target {', '.join(missing)}"
        raise BadInput(msg)
    return {one for found in matched.values() for one in found}


def _refresh(run: Run, old: Resource) -> None:
    if run.executor.stopped:
        return
    started = time.monotonic()
    try:
        provider = run.registry.get(old.provider)
        faults.point("read.before")
        live = provider.read(old.urn, old.id, inputs=old.inputs, outputs=old.outputs)
        faults.point("read.after")
        new = run.found(old, live) if live.id else None
        # What an update to the old inputs would do, read backwards, is what happened to the resource.
        ignored = paths.sound(old.ignore_changes)
        back = comparison.ask(provider, old.urn, new, old.inputs, ignored) if new else _GONE
    except CallFailed as error:
        run.sink(_news(run, Operation.REFRESH, old, old, drift=_GONE, started=started, phase="failed"))
        run.fail(f"reading it failed: {error}", old.urn)
        return
    if live.init_errors:
        message = "it is not ready: " + "\n".join(live.init_errors)
        run.sink(Diagnostic(severity="warning", message=message, urn=old.urn))
    operation = Operation.DELETE if new is None else Operation.UPDATE if back.changes else Operation.SAME
    try:
        run.snapshot.refreshed(old, new)
    except StateNotWritten as error:
        run.fail(str(error), old.urn)
        return
    phase: Phase = "plan" if run.settings.preview else "done"
    run.sink(_news(run, operation, old, new, drift=comparison.inverse(back), started=started, phase=phase))


def _seen(old: Resource, new: Resource | None) -> dict[str, tuple[str, Any, Any]]:
    """Compare what was read with what was known, where the provider does not say what differs."""
    if new is None:
        return {}
    changes = comparison.inputs(old.outputs, new.outputs).detail
    return {
        path: (kind, paths.get(old.outputs, path), paths.get(new.outputs, path))
        for path, kind in changes.items()
    }


def _news(
    run: Run,
    operation: Operation,
    old: Resource,
    new: Resource | None,
    *,
    drift: Diff,
    started: float,
    phase: Phase,
) -> StepEvent:
    return StepEvent(
        phase=phase,
        operation=operation,
        urn=old.urn,
        type=old.type,
        old=old,
        new=new,
        provider=old.provider,
        changed=drift.changed,
        detail=comparison.detail(drift, old, new) or _seen(old, new),
        seconds=time.monotonic() - started,
        planned=run.settings.preview,
        protect=old.protect,
    )
