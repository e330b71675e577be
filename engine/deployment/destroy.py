"""A destroy or its preview: all that the state has is deleted, dependents first; the program is not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import graph
from engine.deployment.run import Result, Run, Settings
from engine.events import Outputs
from engine.planning.deletion import deletions, is_protected, refusal, stuck
from engine.urn import STACK_TYPE

if TYPE_CHECKING:
    from engine.deployment.executor import Cancellation
    from engine.events import Sink
    from engine.resource import Resource
    from engine.state.snapshot import Snapshot


def destroy(
    settings: Settings,
    snapshot: Snapshot,
    sink: Sink,
    cancellation: Cancellation,
    *,
    exclude_protected: bool,
) -> Result:
    """Delete the stack's resources, or in preview say which.

    Protected resources stop it before anything is deleted, unless they are excluded: then they stay, with all
    they need. So do those that this engine has no provider for.
    """
    with Run(settings, snapshot, sink, cancellation) as run:
        protected = [resource for resource in run.olds if is_protected(resource)]
        kept = graph.closure(run.olds, protected) if exclude_protected else set()
        condemned = [resource for resource in run.olds if resource.delete or resource.urn not in kept]
        faults = [_refusal(protected)] if protected and not exclude_protected else []
        if left := stuck(condemned, _gone(condemned), run.registry):
            faults.append(refusal(left))
        for fault in faults:
            run.fail(fault)
        if faults and not settings.preview:
            condemned = []
        if condemned and not settings.preview:
            run.registry.warm()
        run.deleted |= _gone(condemned)
        orphans = run.orphans() if condemned else []
        run.executor.run_groups(deletions(run.olds, condemned, orphans))
        _show_outputs(run)
    return run.result()


def _gone(condemned: list[Resource]) -> set[str]:
    """Return the URNs that go; what a replacement left behind stands beside the one that has its URN now."""
    return {resource.urn for resource in condemned if not resource.delete}


def _refusal(protected: list[Resource]) -> str:
    listed = "\n".join(f"  {resource.urn}" for resource in protected)
    return (
        f"these resources are protected, so nothing is deleted:\n{listed}\n"
        "To keep them and delete the rest, use --exclude-protected. To delete them too, run for each: "
        "pulumi state unprotect URN"
    )


def _show_outputs(run: Run) -> None:
    """Tell which outputs go, if the stack itself goes."""
    stack = next((resource for resource in run.olds if resource.type == STACK_TYPE), None)
    if stack and stack.urn in run.deleted and stack.outputs:
        run.sink(Outputs(stack.outputs, {}))
