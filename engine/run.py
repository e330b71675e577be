"""What updates, destroys and refreshes share: settings, result, and the processes and services of a run.

What each of them does with it is in `update`, `destroy` and `refresh`.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from engine import graph, monitor
from engine import urn as urns
from engine.builtin import Builtin
from engine.errors import BadInput, StateNotWritten
from engine.events import Operation, StepEvent, Summary
from engine.executor import Executor
from engine.plugins import DYNAMIC, CallFailed, Plugins
from engine.processes import Processes
from engine.registry import Registry
from engine.rpc import Aborted
from engine.steps import STEP_IDS, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from engine.events import Event, Sink
    from engine.executor import Cancellation
    from engine.goal import Goal
    from engine.policy_pack import Pack
    from engine.project import Project
    from engine.resource import Resource
    from engine.snapshot import Snapshot
    from engine.values import Values

_ABORT_SECONDS = 3.0


def _no_other_stack(name: str) -> Values:
    raise BadInput(f"there is no stack {name!r} to refer to")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run is about.

    Attributes:
        config: Full keys (``namespace:name``) to decrypted strings; objects and lists are JSON.
        secret_keys: Those of the keys that hold a secret.
        parallel: Steps at once.
        preview: Whether to plan only.
        root: The project's folder.
        policy_packs: The packs that judge an update.
        stack_outputs: Finds the outputs of another stack, for references to it.
    """

    project: Project
    stack: str
    config: dict[str, str] = field(repr=False)
    secret_keys: list[str]
    parallel: int
    preview: bool
    root: Path
    policy_packs: tuple[Pack, ...] = ()
    stack_outputs: Callable[[str], Values] = _no_other_stack


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
        settings: What it is about.
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
        self.processes = Processes()
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
        self.cancellation.on_abort(lambda: self.processes.end(grace=_ABORT_SECONDS))
        self.server = monitor.serve(self, self._about(), self.sink)
        self._plugins = Plugins(
            self.processes,
            self.server.address,
            self.settings.root,
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
            adoptable=self._adoptable(),
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

    def _adoptable(self) -> dict[str, Resource]:
        """Return the records of creations of which nobody knows how they ended, by URN."""
        return {
            pending.resource.urn: pending.resource
            for pending in self.snapshot.base.pending
            if pending.kind == "creating" and STEP_IDS in pending.resource.extra
        }

    def settle_deletions(self) -> None:
        """Find out about deletions whose end nobody recorded: what is gone only waits for its replacement."""
        interrupted = {one.resource.urn for one in self.snapshot.base.pending if one.kind == "deleting"}
        for old in self.olds:
            if old.urn not in interrupted or not old.custom or old.delete or old.pending_replacement:
                continue
            with suppress(CallFailed):  # whoever needs it will be told why
                provider = self.registry.get(old.provider)
                old.pending_replacement = not provider.read(
                    old.urn, old.id, inputs=old.inputs, outputs=old.outputs
                ).id

    def orphans(self) -> list[Resource]:
        """Return what creations of unknown outcome may have left, and this run has not come across.

        Dynamic resources are none: their providers cannot find what they do not know the id of.
        """
        providers = {f"{old.urn}::{old.id}" for old in self.olds}
        return [
            resource
            for resource in self.snapshot.unresolved_creations()
            if STEP_IDS in resource.extra
            and resource.provider in providers
            and urns.type_of(graph.provider_urn(resource.provider)) != f"pulumi:providers:{DYNAMIC}"
        ]

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
