"""What updates, destroys and refreshes share: settings, result, and the processes and services of a run.

What each of them does with it is in `update`, `destroy` and `refresh`.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from engine.deployment import workshop
from engine.deployment.executor import Executor
from engine.deployment.workshop import Workshop
from engine.errors import BadInput, StateNotWritten
from engine.events import Diagnostic, Operation, StepEvent, Summary
from engine.plugins.builtin import Builtin
from engine.plugins.host import Plugins, Pool
from engine.plugins.plugin import CallFailed
from engine.plugins.registry import Registry, is_provider
from engine.process.processes import Processes
from engine.program import monitor
from engine.rpc import Aborted
from engine.state.pending import CREATING, DELETING, STEP_IDS, UPDATING, is_same, is_traceable
from engine.workspace.run_info import RunInfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from engine.deployment.executor import Cancellation
    from engine.events import Event, Sink
    from engine.plugins.provider import Live
    from engine.policy.pack import Pack
    from engine.program.goal import Goal
    from engine.resource import Resource
    from engine.state.snapshot import Snapshot
    from engine.values import Values

_ABORT_SECONDS = 3.0
_CUT_OFF = "an update of it was cut off, and nobody knows how far it came"
_ELSEWHERE = (
    "its interrupted creation went to another provider than it has now. If that one speaks to another "
    "server, look there for what was left, and remove it by hand"
)


def _no_other_stack(name: str) -> Values:
    raise BadInput(f"there is no stack {name!r} to refer to")


@dataclass(frozen=True, kw_only=True)
class Settings(RunInfo):
    """How to run it.

    Attributes:
        policy_packs: The packs that judge an update.
        stack_outputs: Finds the outputs of another stack, for references to it.
        pool: Where plugins live that outlast the run; without one, all end with it.
    """

    policy_packs: tuple[Pack, ...] = ()
    stack_outputs: Callable[[str], Values] = _no_other_stack
    pool: Pool | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a run ended; the user has been told why by then.

    Attributes:
        changes: How often the run did, or in preview would do, what people count as one change.
        outputs: The stack's outputs.
        cancelled: Somebody interrupted it.
    """

    changes: dict[Operation, int]
    outputs: Values = field(default_factory=dict)
    failed: bool = False
    cancelled: bool = False
    aborted: bool = False

    @property
    def exit_code(self) -> int:
        """The CLI's: 8 if cut off, 1 if failed or asked to stop, else 0, also with changes."""
        return 8 if self.aborted else int(self.failed or self.cancelled)


class Run:
    """The parts of one run, alive inside a ``with`` block, as the services see a run without a program.

    Args:
        settings: What it is about, and how.
        snapshot: The state.
        sink: Gets the news.
        cancellation: The user's wish to stop.
    """

    def __init__(
        self, settings: Settings, snapshot: Snapshot, sink: Sink, cancellation: Cancellation
    ) -> None:
        self.settings = settings
        self.snapshot = snapshot
        self.cancellation = cancellation
        self.olds = list(snapshot.base.resources)
        self.deleted: set[str] = set()
        self.outputs: Values = {}
        self._interrupted = {
            one.resource.urn: one.kind for one in snapshot.base.pending if one.kind in (UPDATING, DELETING)
        }
        self._unsettled: set[str] = set()
        self.processes = Processes()
        self._pool = settings.pool or Pool()
        self.registry: Registry
        self.executor: Executor
        self._sink = sink
        self._changes: Counter[Operation] = Counter()
        self._started = time.monotonic()

    def sink(self, event: Event) -> None:
        """Pass news on, and count the changes among them."""
        if isinstance(event, StepEvent) and event.logical and event.phase in ("plan", "done"):
            self._changes[event.operation] += 1
        self._sink(event)

    def __enter__(self) -> Self:
        for processes in (self.processes, self._pool.processes):
            self.cancellation.on_abort(partial(processes.end, grace=_ABORT_SECONDS))
        self.server = monitor.serve(self, self._about(), self.sink)
        self._plugins = Plugins(
            self._pool,
            self.server.address,
            self.settings.project.root,
            self.settings.project.name,
            self.sink,
            builtin=Builtin(self.settings.stack_outputs),
        )
        preview = self.settings.preview
        self.registry = Registry(self._plugins, self.olds, preview=preview)
        workshop = Workshop(
            self.registry,
            self.snapshot,
            self.sink,
            preview=preview,
            deleted=self.deleted,
            adoptable=self.adoptable(),
        )
        self.executor = Executor(workshop.apply, self.settings.parallel, self.cancellation, self.sink)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.executor.drain()
        self.server.stop()
        self._plugins.close()
        self.processes.close()
        if self._pool is not self.settings.pool:
            self._pool.close()
        try:
            self.snapshot.finish()
        except StateNotWritten as failure:
            if not self.executor.failed:
                self.fail(str(failure))

    def result(self) -> Result:
        """Tell the audience that the run is over, and return how it ended."""
        cancelled = self.cancellation.requested
        failed = self.executor.failed
        changes = dict(self._changes)
        self._sink(
            Summary(
                changes=changes,
                seconds=time.monotonic() - self._started,
                failed=failed,
                cancelled=cancelled,
                planned=self.settings.preview,
                policy_packs=self.policy_packs(),
            )
        )
        aborted = self.cancellation.aborted
        return Result(
            changes=changes, outputs=self.outputs, failed=failed, cancelled=cancelled, aborted=aborted
        )

    def policy_packs(self) -> dict[str, str]:
        """Return the policy packs that ran and their versions."""
        return {}

    def _about(self) -> Any:
        """Describe the run to a program; None where none runs."""
        return None

    def adoptable(self) -> dict[str, Resource]:
        """Return the records of creations of which nobody knows how they ended, by URN."""
        return {
            pending.resource.urn: pending.resource
            for pending in self.snapshot.base.pending
            if pending.kind == CREATING and STEP_IDS in pending.resource.extra
        }

    def settle_interrupted(self) -> None:
        """Find out about updates and deletions whose end nobody recorded, so that they are seen in the state.

        Where nobody can say yet, for the provider needs what this run brings, `settle` asks again later.
        """
        for old in self.olds:
            if old.urn not in self._interrupted or not is_readable(old) or old.delete:
                continue
            self._unsettled.add(old.urn)
            with suppress(CallFailed):  # its record stays, so that a later run looks if this one does not
                self.settle(old)

    def settle(self, old: Resource) -> None:
        """Find out what a resource is, if an earlier run began to change or delete it and nobody has looked.

        What is gone only waits for its replacement.

        Raises:
            CallFailed: Its provider cannot say.
        """
        if old.urn not in self._unsettled:
            return
        provider = self.registry.get(old.provider)
        live = provider.read(old.urn, old.id, inputs=old.inputs, outputs=old.outputs)
        self.snapshot.settled(old, self.found(old, live) if live.id else None)
        self._unsettled.discard(old.urn)

    def found(self, old: Resource, live: Live) -> Resource:
        """Return a resource as it was read, not ready if an update of it was cut off.

        Then another update follows even if nothing seems to differ: a password cannot be read, and a dynamic
        resource without a ``read`` only repeats what the state says.
        """
        new = workshop.found(old, live)
        if self._interrupted.get(old.urn) == UPDATING:
            new.init_errors.append(_CUT_OFF)
        return new

    def orphans(self) -> list[Resource]:
        """Return what creations of unknown outcome may have left, and this run has not come across.

        Dynamic resources are none: their providers cannot find what they do not know the id of. What the
        state has by now, under whatever URN and provider, is none either: only the record of its creation
        goes.
        """
        providers = {f"{old.urn}::{old.id}" for old in self.olds}
        there = [one for one in self.snapshot.deployment().resources if not one.pending_replacement]
        left = []
        for creation in self.snapshot.unresolved_creations():
            if not is_traceable(creation):
                continue
            if same := next((one for one in there if is_same(creation, one)), None):
                if same.provider != creation.provider:
                    self.sink(Diagnostic(severity="warning", message=_ELSEWHERE, urn=creation.urn))
                self.snapshot.forget(creation)
            elif creation.provider in providers:
                left.append(creation)
        return left

    # --- the services' view: no program asks for anything here ---

    def register(self, goal: Goal) -> Resource:  # noqa: ARG002 - see `Host`
        """Refuse: there is no program."""
        raise Aborted

    def read(self, goal: Goal) -> Resource:  # noqa: ARG002
        """Refuse: there is no program."""
        raise Aborted

    def register_outputs(self, urn: str, outputs: Values) -> None:  # noqa: ARG002
        """Refuse: there is no program."""
        raise Aborted

    def invoke(self, token: str, arguments: Values, *, provider: str, version: str) -> Values:  # noqa: ARG002
        """Refuse: there is no program."""
        raise Aborted

    def fail(self, message: str, urn: str = "") -> None:
        """Take note that the run cannot succeed any more, and tell the user why."""
        self.executor.fail(message, urn)


def is_readable(resource: Resource) -> bool:
    """Components and providers exist in the state alone; what is pending a replacement is certainly gone."""
    return resource.custom and not is_provider(resource.type) and not resource.pending_replacement
